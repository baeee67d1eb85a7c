"""Tracking: what MLflow holds about a study, and the only room that imports MLflow.

Importing this room is cheap; MLflow and Matplotlib load in a process of their own, once there is something
to send.
"""

from arnn_search.tracking.null import NullTracker
from arnn_search.tracking.pages import StudyLocation, find_study, run_url, study_url
from arnn_search.tracking.server import serve, stop_server
from arnn_search.tracking.spool import Spool
from arnn_search.tracking.store import ensure_store, is_server, resolve_uri
from arnn_search.tracking.sync import SyncReport, sync
from arnn_search.tracking.tracker import Tracker

__all__ = [
    "NullTracker",
    "Spool",
    "StudyLocation",
    "SyncReport",
    "Tracker",
    "ensure_store",
    "find_study",
    "is_server",
    "resolve_uri",
    "run_url",
    "serve",
    "stop_server",
    "study_url",
    "sync",
]
