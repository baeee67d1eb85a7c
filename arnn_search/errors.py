"""The errors of arnn-search: one root, and one class for each kind of wrong input.

The command line prints an `ArnnSearchError` in one paragraph and exits with code 2; anything else that
escapes is a bug of ours and keeps its traceback.
"""

import difflib
from collections.abc import Callable, Iterable, Sequence


def alternatives(names: Sequence[str]) -> str:
    """The names as a choice in a sentence: "a, b or c"."""
    return " or ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


class ArnnSearchError(Exception):
    """Root of every error that arnn-search raises on purpose."""


class ConfigurationError(ArnnSearchError, ValueError):
    """A flag, a key of `study.toml`, or an argument that cannot be used."""


class UnknownNameError(ArnnSearchError, ValueError):
    """A name that stands for nothing; the message lists the nearest names that do."""

    def __init__(self, kind: str, name: str, known: Iterable[str], *, hint: str = "") -> None:
        names = sorted(known)
        nearest = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        known_names = f"Known: {', '.join(names) or 'none'}."
        advice = f"Did you mean {alternatives(nearest)}?" if nearest else known_names
        super().__init__(f"Unknown {kind} {name!r}. {advice}{' ' + hint if hint else ''}")

    def __reduce__(self) -> tuple[Callable[[str], "UnknownNameError"], tuple[str]]:
        """Pickled by its message: an error crosses processes."""
        return _unknown_name_error, (str(self),)


class DataError(ArnnSearchError, ValueError):
    """Data that cannot be read, or that cannot be trained on."""


class SpaceError(ArnnSearchError, ValueError):
    """A search space that cannot be found, read, or built; the message names the file and the line."""


class DashboardError(ArnnSearchError, ValueError):
    """A dashboard that cannot be found, read or drawn; the message names the file."""


class StudyError(ArnnSearchError, ValueError):
    """A study that cannot be opened, resumed or used as asked."""


class TrackingError(ArnnSearchError, RuntimeError):
    """The tracking store cannot be reached or used."""


class ExportError(ArnnSearchError, ValueError):
    """A model that cannot be exported, or that did not verify."""


def _unknown_name_error(message: str) -> UnknownNameError:
    error = UnknownNameError.__new__(UnknownNameError)
    error.args = (message,)
    return error
