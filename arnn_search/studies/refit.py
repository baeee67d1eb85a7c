"""The winner trained again on training and validation data, over seeds, and scored on the test part once."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from arnn_search.studies.layout import StudyLayout

_FILE = "refit.json"


def refit_directory(layout: StudyLayout, number: int) -> Path:
    """The folder of a trial's retrained models."""
    return layout.trial(number) / "refit"


def read_refit(layout: StudyLayout, number: int) -> Mapping[str, Any] | None:
    """What was found when the trial was retrained; None if it was not."""
    try:
        content: Mapping[str, Any] = json.loads((refit_directory(layout, number) / _FILE).read_text())
    except (OSError, ValueError):
        return None
    return content
