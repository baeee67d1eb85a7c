"""Dashboards: files that turn a study's tables into figures, and the pages that show them in MLflow.

Importing this room is cheap; Plotly, pandas and MLflow load where a page is rendered: in its own process.
"""

from arnn_search.tracking.dashboards.discovery import find_dashboard, find_dashboards, load_dashboard

__all__ = ["find_dashboard", "find_dashboards", "load_dashboard"]
