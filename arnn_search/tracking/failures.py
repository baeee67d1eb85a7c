"""Why MLflow did not take something, and what that means for the queue."""

import re
from enum import Enum

from arnn_search.tracking.names import cut

# requests wraps the operating system's word in four layers of its own.
_SYSTEM_ERROR = re.compile(r"\[Errno -?\d+\] ([^'\")]+)")


class Meaning(Enum):
    """What to do after a failure."""

    RETRY = "retry"
    """The store cannot be reached or cannot write now: everything waits and is sent again."""
    REJECTED = "rejected"
    """The record will never be taken as it is: it is set aside."""
    GONE = "gone"
    """The run or the experiment is not there any more."""


class HeldError(Exception):
    """The queue cannot move; the message says why and what would help. Nothing is lost meanwhile."""


class GoneError(HeldError):
    """The queue cannot move until the user acts, so it is tried at the longest pause only."""


_REJECTING_CODES = frozenset(
    {
        "INVALID_PARAMETER_VALUE",
        "BAD_REQUEST",
        "MALFORMED_REQUEST",
        "RESOURCE_ALREADY_EXISTS",
        "INVALID_STATE",
    }
)


_UNSENDABLE = (TypeError, OverflowError, UnicodeError)


def meaning_of(error: Exception) -> Meaning:
    """Tell what a failed call means.

    Args:
        error: what MlflowClient raised.
    """
    code = getattr(error, "error_code", None)
    if code == "RESOURCE_DOES_NOT_EXIST" or "must be in the 'active' state" in str(error):
        return Meaning.GONE
    if code in _REJECTING_CODES:
        return Meaning.REJECTED
    # What cannot even be put into a request or a statement; MLflow may have wrapped it.
    if any(isinstance(each, _UNSENDABLE) for each in (error, error.__cause__ or error.__context__)):
        return Meaning.REJECTED
    return Meaning.RETRY


def reason_of(error: Exception) -> str:
    """The gist of an error, short enough for a status line."""
    text = str(error).strip()
    system_errors = _SYSTEM_ERROR.findall(text)
    if system_errors:
        return str(system_errors[-1]).strip().lower()
    first_line = text.partition("\n")[0] or type(error).__name__
    return cut(first_line, 300)
