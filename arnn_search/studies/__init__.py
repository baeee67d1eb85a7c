"""Studies: what they are told, where they are recorded, what proposes their trials, and who runs them."""

from arnn_search.studies.config import StudyConfig
from arnn_search.studies.listener import StudyListener
from arnn_search.studies.search import run_study, search
from arnn_search.studies.study import Study, Trial

__all__ = ["Study", "StudyConfig", "StudyListener", "Trial", "run_study", "search"]
