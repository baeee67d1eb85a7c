"""Conformance suites: what every implementation of an extension point must do, as classes for pytest.

A suite is a class whose methods are tests; an implementation subclasses it and says how it is made.
"""

from arnn_search.testing.engines import EngineConformance
from arnn_search.testing.simulation import SimulatedStudy

__all__ = ["EngineConformance", "SimulatedStudy"]
