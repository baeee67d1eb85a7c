"""Studies: what they are told, where they are recorded, what proposes their trials, and who runs them."""

from typing import TYPE_CHECKING

from arnn_search.lazy import lazy_names

if TYPE_CHECKING:
    from arnn_search.studies.config import StudyConfig as StudyConfig
    from arnn_search.studies.listener import StudyListener as StudyListener
    from arnn_search.studies.search import run_study as run_study
    from arnn_search.studies.study import Study as Study
    from arnn_search.studies.study import Trial as Trial

__getattr__ = lazy_names(
    __name__,
    {
        "run_study": "arnn_search.studies.search:run_study",
        "Study": "arnn_search.studies.study:Study",
        "StudyConfig": "arnn_search.studies.config:StudyConfig",
        "StudyListener": "arnn_search.studies.listener:StudyListener",
        "Trial": "arnn_search.studies.study:Trial",
    },
)
