"""From a trial to files that need none of this: fold, write, open elsewhere, compare, describe."""

from arnn_search.export.export import export_trial
from arnn_search.export.report import ExportedFile, ExportReport
from arnn_search.export.selection import pareto_trials

__all__ = ["ExportReport", "ExportedFile", "export_trial", "pareto_trials"]
