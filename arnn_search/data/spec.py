"""What a search space and a trial need to know about the data: shapes, classes, ranges, scaling."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class DataSpec:
    """Prepared data, described.

    Attributes:
        name: Short name of the data set: `"digits"`, or the stem of its file.
        task: `"classification"` or `"regression"`.
        input_shape: Shape of one sample, without the batch: `(height, width, channels)` for images,
            `(features,)` for tables.
        input_dtype: Type of the inputs that the model receives, always `"float32"`.
        num_classes: Number of classes; 0 for regression.
        class_names: Their names; class `i` is `class_names[i]`. Empty for regression.
        num_outputs: Units of the output layer: the classes, or the targets of a regression.
        value_range: Least and greatest value among the scaled training inputs.
        num_train: Samples in the training part.
        num_validation: Samples in the validation part.
        num_test: Samples in the test part.
        scaling: How raw inputs become model inputs, `(raw - offset) / scale` along the last axis:
            `kind`, `offset` and `scale` (one number each, or one per feature), and for tables `columns`
            (their order) and `categories` (the known texts of each text column, which become one
            feature each, placed where the column stood).
        target_scaling: `{"mean": [...], "scale": [...]}`, one number per target; None for classification.
        content_hash: SHA-256 of the raw arrays and of the options they were prepared with.
        source: The data set's name or path, as it was given.
    """

    name: str
    task: Task
    input_shape: tuple[int, ...]
    input_dtype: str
    num_classes: int
    class_names: tuple[str, ...]
    num_outputs: int
    value_range: tuple[float, float]
    num_train: int
    num_validation: int
    num_test: int
    scaling: Mapping[str, Any] = field(default_factory=lambda: {"kind": "none"}, hash=False)
    target_scaling: Mapping[str, Any] | None = field(default=None, hash=False)
    content_hash: str = ""
    source: str = ""

    @property
    def output_units(self) -> int:
        """Units of the output layer."""
        return self.num_outputs

    @property
    def output_activation(self) -> str:
        """Activation of the output layer that fits `loss`."""
        return "softmax" if self.task == "classification" else "linear"

    @property
    def loss(self) -> str:
        """The Keras loss for labels as `PreparedData` gives them."""
        return "sparse_categorical_crossentropy" if self.task == "classification" else "mean_squared_error"

    @property
    def metrics(self) -> list[str]:
        """The Keras metrics to compile with, beside the loss."""
        return ["accuracy"] if self.task == "classification" else ["mean_absolute_error"]

    @property
    def metric(self) -> str:
        """The metric that a study optimises unless told otherwise."""
        return "val_accuracy" if self.task == "classification" else "val_loss"

    @property
    def direction(self) -> str:
        """Which way `metric` gets better: `"maximize"` or `"minimize"`."""
        return "maximize" if self.task == "classification" else "minimize"

    @property
    def objective(self) -> tuple[str, str]:
        """`(metric, direction)`."""
        return self.metric, self.direction

    @property
    def shape_summary(self) -> str:
        """One line for people.

        Example: `8x8x1 float32 in [0, 1], 10 classes, 1257 training / 270 validation / 270 test samples`.
        """
        shape = "x".join(map(str, self.input_shape))
        low, high = self.value_range
        kind = "class" if self.task == "classification" else "target"
        plural = "" if self.num_outputs == 1 else "es" if kind == "class" else "s"
        return (
            f"{shape} {self.input_dtype} in [{low:.4g}, {high:.4g}], {self.num_outputs} {kind}{plural}, "
            f"{self.num_train} training / {self.num_validation} validation / {self.num_test} test samples"
        )

    def to_dict(self) -> dict[str, Any]:
        """The specification as plain JSON values; `from_dict` reads it back."""
        values = asdict(self)
        for name in ("input_shape", "class_names", "value_range"):
            values[name] = list(values[name])
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "DataSpec":
        """Read what `to_dict` wrote; keys that this version does not know are left out."""
        known = {entry.name: values[entry.name] for entry in fields(cls) if entry.name in values}
        for name in ("input_shape", "class_names", "value_range"):
            known[name] = tuple(known[name])
        return cls(**known)
