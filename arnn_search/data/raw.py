"""What a source holds, before anything is checked, split or scaled."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from arnn_search.data.spec import Task
from arnn_search.errors import DataError

Array: TypeAlias = NDArray[Any]

_FEW_DISTINCT_VALUES = 20


@dataclass(frozen=True)
class RawData:
    """The arrays of a source, with what it says about them.

    Attributes:
        x: Inputs, samples first. Numbers, or for a table with text columns an object array
            `(samples, columns)`.
        y: Labels of any type, or `(samples,)` or `(samples, targets)` numbers for regression.
        task: `"classification"` or `"regression"`.
        class_names: If given, `y` holds indices into it; otherwise the classes are the labels that occur.
        x_validation: The source's own validation part, if it has one, like `x`.
        y_validation: Its labels.
        x_test: The source's own test part, if it has one, like `x`.
        y_test: Its labels.
        columns: Names of the columns of a table, in the order of `x`.
        text_columns: Those of them that hold text.
        targets: Names of the targets, if they have names.
    """

    x: Array
    y: Array
    task: Task
    class_names: tuple[str, ...] = ()
    x_validation: Array | None = None
    y_validation: Array | None = None
    x_test: Array | None = None
    y_test: Array | None = None
    columns: tuple[str, ...] = ()
    text_columns: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()

    def parts(self) -> list[tuple[str, Array, Array]]:
        """`(suffix, x, y)` of the parts that the source has: suffix `""`, `"_validation"`, `"_test"`."""
        found = [("", self.x, self.y)]
        if self.x_validation is not None and self.y_validation is not None:
            found.append(("_validation", self.x_validation, self.y_validation))
        if self.x_test is not None and self.y_test is not None:
            found.append(("_test", self.x_test, self.y_test))
        return found


def infer_task(y: Array, *, integers_may_be_quantities: bool) -> Task:
    """Guess the task from the labels' type.

    Text and truth values are classes, fractions are quantities. Whole numbers are classes, unless they may
    be quantities (a column of a table, where nobody chose the type) and are more than 20 different ones
    that make up more than a twentieth of the rows.

    Args:
        y: The labels, `(samples,)` or `(samples, targets)`.
        integers_may_be_quantities: Whether to look at the values of whole numbers.
    """
    if y.dtype.kind == "f" or (y.ndim == 2 and y.shape[1] > 1 and y.dtype.kind in "iu"):
        return "regression"
    if y.dtype.kind in "iu" and integers_may_be_quantities:
        num_distinct = len(np.unique(y))
        if num_distinct > max(_FEW_DISTINCT_VALUES, len(y) / 20):
            return "regression"
    return "classification"


def check_task(task: str | None, allowed: Task, source: str) -> Task:
    """The one task of a source, after a look at what was asked for."""
    if task not in (None, allowed):
        raise DataError(f"{source} is a {allowed} data set, not one for {task!r}: leave the task out.")
    return allowed
