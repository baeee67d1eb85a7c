"""An epoch's metrics that stay in the ledger's file until somebody asks for them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from arnn_search.errors import StudyError


class StoredMetrics(Mapping[str, float]):
    """The metrics of one record of a ledger, read from its file at each look.

    Epochs are most of what a study comes to, and hardly any are looked at again once the trial has ended: the
    supervisor's memory would grow by kilobytes with each. Every look is a read, so take `items()` of it once
    rather than number after number (a `dict` of it does that).

    Args:
        path: the ledger's file, to which is only ever appended.
        offset: the first byte of the record in it.
        name: the attribute that the record writes.
    """

    __slots__ = ("_name", "_path", "offset")

    def __init__(self, path: Path, offset: int, name: str) -> None:
        self._path, self.offset, self._name = path, offset, name

    def __getitem__(self, name: str) -> float:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def __bool__(self) -> bool:
        return True  # that of an epoch which was taken back is no such object

    def __repr__(self) -> str:
        return f"StoredMetrics({self._path}, {self.offset})"

    def __copy__(self) -> "StoredMetrics":
        return self

    def __deepcopy__(self, memo: Any) -> "StoredMetrics":
        return self  # Optuna copies a trial when it is told how it ended; this never changes

    def keys(self) -> Any:
        return self._read().keys()

    def items(self) -> Any:
        return self._read().items()

    def values(self) -> Any:
        return self._read().values()

    def _read(self) -> dict[str, float]:
        try:
            with self._path.open("rb") as file:
                file.seek(self.offset)
                metrics: dict[str, float] = json.loads(file.readline())["user_attr"][self._name]
        except OSError as error:
            raise StudyError(f"The ledger {self._path} cannot be read: {error.strerror}.") from error
        except (ValueError, KeyError, TypeError):
            raise StudyError(
                f"The ledger {self._path} holds no {self._name} at byte {self.offset}: it was changed since. "
                f"Without {self._path.with_suffix('.digest').name} beside it, it is read as it is now."
            ) from None
        return metrics
