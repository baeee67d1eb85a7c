"""From a trial to a file that needs none of this: fold, write, load again elsewhere, compare."""

from arnn_search.export.export import ExportReport, export_trial

__all__ = ["ExportReport", "export_trial"]
