"""A member in a zip archive that belongs to a model file: what its inputs and outputs mean travels along."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MEMBER = "preprocess.json"


def add_preprocess(path: Path, preprocess: Mapping[str, Any]) -> None:
    """Adds the member to a zip file, or to a file that allows for one at its end, as LiteRT's does."""
    with zipfile.ZipFile(path, "a") as archive:
        # A fixed date, so that the same model gives the same bytes.
        archive.writestr(zipfile.ZipInfo(MEMBER), json.dumps(preprocess, indent=1))


def read_preprocess(path: Path) -> Mapping[str, Any] | None:
    """The member's content; None if there is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            content: Mapping[str, Any] = json.loads(archive.read(MEMBER))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    return content
