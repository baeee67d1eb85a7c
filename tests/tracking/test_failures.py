import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import (
    INTERNAL_ERROR,
    INVALID_PARAMETER_VALUE,
    RESOURCE_DOES_NOT_EXIST,
    TEMPORARILY_UNAVAILABLE,
)

from arnn_search.tracking.failures import Meaning, meaning_of, reason_of


def wrapped(cause: Exception) -> MlflowException:
    error = MlflowException(str(cause), INTERNAL_ERROR)
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (MlflowException("bad name", INVALID_PARAMETER_VALUE), Meaning.REJECTED),
        (MlflowException("no such run", RESOURCE_DOES_NOT_EXIST), Meaning.GONE),
        (
            MlflowException("The run x must be in the 'active' state. ...", INVALID_PARAMETER_VALUE),
            Meaning.GONE,
        ),
        (MlflowException("locked", TEMPORARILY_UNAVAILABLE), Meaning.RETRY),
        (MlflowException("API request failed"), Meaning.RETRY),
        (wrapped(UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")), Meaning.REJECTED),
        (wrapped(ConnectionError("refused")), Meaning.RETRY),
        (TypeError("not a number"), Meaning.REJECTED),
        (OSError(28, "No space left on device"), Meaning.RETRY),
    ],
)
def test_meaning_of_a_failure(error: Exception, meaning: Meaning) -> None:
    assert meaning_of(error) is meaning


def test_reason_is_the_word_of_the_operating_system_where_there_is_one() -> None:
    text = (
        "API request to http://127.0.0.1:1/api failed with exception HTTPConnectionPool(host='127.0.0.1', "
        "port=1): Max retries exceeded (Caused by NewConnectionError('HTTPConnection(host=127.0.0.1): Failed "
        "to establish a new connection: [Errno 111] Connection refused'))"
    )
    assert reason_of(MlflowException(text)) == "connection refused"


def test_reason_is_short() -> None:
    assert reason_of(ValueError("first\nsecond")) == "first"
    assert reason_of(ValueError()) == "ValueError"
    assert len(reason_of(ValueError("x" * 1000))) == 300
