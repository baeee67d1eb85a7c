"""Tracking: what MLflow holds about a study, and the only room that imports MLflow.

Importing this room is cheap; MLflow and Matplotlib load in the thread that sends, once there is something
to send.
"""

from arnn_search.tracking.null import NullTracker
from arnn_search.tracking.spool import Spool
from arnn_search.tracking.store import ensure_store, resolve_uri
from arnn_search.tracking.sync import SyncReport, sync
from arnn_search.tracking.tracker import Tracker

__all__ = ["NullTracker", "Spool", "SyncReport", "Tracker", "ensure_store", "resolve_uri", "sync"]
