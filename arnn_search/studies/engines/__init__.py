"""Engines: what proposes the values of a trial, and judges whether it is worth going on."""

from arnn_search.studies.engines.engine import Engine, PastTrial, Proposal, Readiness, Schedule
from arnn_search.studies.engines.keras_tuner import KerasTunerEngine
from arnn_search.studies.engines.optuna import OptunaEngine

__all__ = ["Engine", "KerasTunerEngine", "OptunaEngine", "PastTrial", "Proposal", "Readiness", "Schedule"]
