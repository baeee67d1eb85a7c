"""The configuration of a study: one model for `study.toml`, the command line and the Python API."""

import contextlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from arnn_search.errors import ConfigurationError, UnknownNameError
from arnn_search.health.steering import Steering, health_pruner_names, steering
from arnn_search.studies.choices import ENGINES, ORACLES, PRUNERS, SAMPLERS, check_name
from arnn_search.studies.objectives import metric_names
from arnn_search.studies.options import parse_options
from arnn_search.studies.sizes import num_bytes
from arnn_search.studies.storage import check_storage


def _key(default: Any, description: str, *, section: str, may_change: bool = False, **limits: Any) -> Any:
    extra: dict[str, Any] = {"section": section, "may_change": may_change}
    return Field(default, description=description, json_schema_extra=extra, **limits)


class StudyConfig(BaseModel):
    """Everything that a study is told. A key means the same in `study.toml`, as `--key` and in `search()`.

    Keys that may change when a study is resumed only say how it is run; all others say what it is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    study: str | None = _key(None, "Name of the study; by default data-space-number.", section="study")
    space: str = _key("conv-classifier", "Search space: a name, or a .py file.", section="study")
    directory: Path = _key(
        Path("arnn-studies"), "Folder that holds the studies.", section="study", may_change=True
    )

    storage: str | None = _key(
        None,
        "postgresql://user@host/database: a ledger that machines share (its password in PGPASSWORD or "
        "~/.pgpass); by default a file in the study's folder.",
        section="study",
        may_change=True,
    )

    data: str = _key(
        "digits", "Data set: a name, or an .npz, .csv, .parquet file or a folder.", section="data"
    )
    target: str | None = _key(None, "Target column or columns (comma-separated) of a table.", section="data")
    task: Literal["classification", "regression"] | None = _key(
        None, "classification or regression; by default read off the targets.", section="data"
    )
    scaling: Literal["auto", "none", "minmax", "standard"] = _key(
        "auto",
        "Scaling of the inputs, fitted on the training part: auto, none, minmax, standard.",
        section="data",
    )
    validation: float = _key(0.15, "Share of the data to score trials on.", section="data", gt=0, lt=1)
    test: float = _key(0.15, "Share that is kept for the best trial at the end.", section="data", gt=0, lt=1)
    max_train_samples: int | None = _key(None, "Train on so many samples at most.", section="data", ge=1)

    engine: str = _key("optuna", f"What proposes the trials: {', '.join(ENGINES)}.", section="search")
    sampler: str = _key(
        "tpe",
        f"Optuna's sampler: {', '.join(SAMPLERS)}, module:Class, or optunahub:package.",
        section="search",
    )
    sampler_options: str = _key(
        "",
        "Arguments of the sampler's class, such as multivariate=false,group=false for tpe.",
        section="search",
    )
    oracle: str = _key("random", f"KerasTuner's oracle: {', '.join(ORACLES)}.", section="search")
    pruner: str = _key(
        "median", f"Stops weak trials early: {', '.join(PRUNERS)}, or module:Class.", section="search"
    )
    pruner_options: str = _key(
        "",
        "Arguments of the pruner's class, such as percentile=50.0 or patience=3.",
        section="search",
    )
    health_pruner: str = _key(
        "none",
        "What stops trials before the pruner can, one or several of: probe (not trained at all, for the "
        "gradient health at initialisation), rule (ill gradients in the first steps), race (successive "
        "halving by training loss in the first steps); or none.",
        section="search",
    )
    health_pruner_options: str = _key(
        "",
        "Limits of these, such as min_initial_vanishing_index=-3,first_step=16,race_share=0.5.",
        section="search",
    )
    candidates_per_trial: int = _key(
        1,
        "Proposals that compete for each trial: each is trained for candidate_steps, and the one with the "
        "lowest training loss becomes the trial.",
        section="search",
        ge=1,
    )
    candidate_steps: int = _key(12, "Training steps of each of several candidates.", section="search", ge=2)
    objective: str = _key(
        "auto",
        "What to optimise: reported metrics, gradient_health, num_parameters, latency_ms, training_seconds; "
        "several give a Pareto front. auto: val_accuracy, or val_loss for regression.",
        section="search",
    )
    direction: str = _key(
        "auto",
        "maximize or minimize, one for each objective; auto: losses, errors and costs are minimized, all "
        "else is maximized.",
        section="search",
    )
    max_parameters: int | None = _key(
        None, "Architectures with more weights are not trained, but infeasible.", section="search", ge=1
    )
    max_latency_ms: float | None = _key(
        None,
        "Architectures that take more milliseconds for one sample are not trained, but infeasible.",
        section="search",
        gt=0,
    )
    max_memory: str | None = _key(
        None,
        "Architectures whose training is estimated to take more memory than this, such as 2GB, are not "
        "trained, but infeasible. Counts weights, optimizer, gradients and the activations of a batch; not "
        "the framework's own few hundred MB, nor the data.",
        section="search",
    )
    min_health: float | None = _key(
        None,
        "Trials with a health score below this in their best epoch are infeasible: trained and recorded, but "
        "not ranked, and the sampler is told by how much.",
        section="search",
        gt=0,
        le=1,
    )
    duplicates: Literal["resample", "reuse", "repeat"] = _key(
        "resample",
        "What to do with an architecture that was evaluated before: resample (propose another), reuse (take "
        "the recorded result over) or repeat (train it again, and rank by the mean).",
        section="search",
    )
    from_study: str | None = _key(
        None, "Begin with what another study of the same or a smaller space has found.", section="search"
    )
    seed: int = _key(0, "Seed of the proposals and of every training.", section="search", ge=0, lt=2**31)
    trials: int = _key(8, "Trials in all, exactly.", section="search", may_change=True, ge=1)
    timeout: float | None = _key(
        None,
        "Seconds after which no trial starts any more; those that run are finished.",
        section="search",
        may_change=True,
        gt=0,
    )

    epochs: int = _key(5, "Epochs per trial.", section="training", ge=1)
    batch_size: int = _key(32, "Samples per training step.", section="training", ge=1)
    precision: str = _key("float32", "Keras' dtype policy, for example mixed_bfloat16.", section="training")
    backend: Literal["tensorflow", "jax", "torch"] | None = _key(
        None, "Keras' backend; by default KERAS_BACKEND, or what Keras is configured to.", section="training"
    )
    steps_per_execution: int = _key(
        0,
        "Training steps per call of the compiled function; 0: a whole epoch where that can be, else 16.",
        section="training",
        ge=0,
    )
    deterministic: bool = _key(True, "The same numbers in every run on the same CPU.", section="training")
    telemetry: bool = _key(True, "Follow the gradients of every layer in every step.", section="training")

    executor: Literal["local", "ray", "inline"] = _key(
        "local",
        "Where trials run: local processes, a ray cluster, or inline for debugging.",
        section="running",
        may_change=True,
    )
    address: str | None = _key(
        None,
        "Ray cluster of --executor ray; by default RAY_ADDRESS, or one that is started here.",
        section="running",
        may_change=True,
    )
    devices: str = _key(
        "auto", "auto, cpu, or GPU indices such as 0,2 or 0-3.", section="running", may_change=True
    )
    workers: int | None = _key(
        None,
        "Trials at a time; by default one per GPU, or one per CPU core.",
        section="running",
        may_change=True,
        ge=1,
    )
    slots_per_device: int | None = _key(
        None,
        "Trials at a time on each GPU, or on the CPU; by default one per GPU, or one per CPU core.",
        section="running",
        may_change=True,
        ge=1,
    )
    gpu_memory: str = _key(
        "growth",
        "GPU memory of a trial: growth (as it needs it), or a share of the GPU's, such as 0.5.",
        section="running",
        may_change=True,
    )
    gpus_per_trial: int = _key(
        1,
        "GPUs over which one trial spreads its batches (tensorflow and jax); with devices = cpu so many "
        "virtual devices, to try it.",
        section="running",
        may_change=True,
        ge=1,
    )
    order: Literal["auto", "strict", "free"] = _key(
        "auto",
        "strict: proposals never depend on which trial happened to end first, so runs repeat exactly; free: "
        "use every result at once; auto: strict on CPUs, free on GPUs.",
        section="running",
        may_change=True,
    )
    trial_timeout: float | None = _key(
        None, "Seconds after which a trial is ended as failed.", section="running", may_change=True, gt=0
    )
    trial_memory: str | None = _key(
        None,
        "Main memory that a trial's process may hold, such as 4GB, framework included; one that takes more "
        "is ended and recorded as infeasible, out of memory. By default as much as there is: the largest "
        "trial is ended when the machine or container has 3 % left.",
        section="running",
        may_change=True,
    )
    retries: int = _key(
        1, "How often a trial whose process died is run again.", section="running", may_change=True, ge=0
    )
    checkpoints: bool = _key(
        True,
        "Keep the state of each running trial after every epoch, so that one whose process or machine dies "
        "goes on from there. Writing it takes 3 % of the training time at most, unless an epoch is longer "
        "than 30 s: epochs that are shorter than that allows share a checkpoint.",
        section="running",
        may_change=True,
    )
    checkpoint_directory: Path | None = _key(
        None,
        "Folder for those states on storage that every machine reaches. By default they are in the study's "
        "folder, and with a shared ledger also in its database, up to 64 MB each.",
        section="running",
        may_change=True,
    )
    keep_models: int = _key(
        5, "Keep the models of so many best trials.", section="running", may_change=True, ge=1
    )

    mlflow: bool = _key(True, "Track the study in MLflow.", section="tracking", may_change=True)
    tracking_uri: str | None = _key(
        None,
        "MLflow's store; by default MLFLOW_TRACKING_URI, or sqlite:///mlflow.db here.",
        section="tracking",
        may_change=True,
    )
    experiment: str = _key(
        "arnn-search", "MLflow's experiment.", section="tracking", may_change=True, min_length=1
    )

    @field_validator("study")
    @classmethod
    def _plain_name(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
            raise ValueError(
                "a study's name has letters, digits, '.', '_' and '-' only, and at most 100 of them"
            )
        return name

    @field_validator("objective", "direction", mode="before")
    @classmethod
    def _joined(cls, value: Any) -> Any:
        """Several may be given as a list; they are recorded separated by commas."""
        return ",".join(str(one) for one in value) if isinstance(value, (list, tuple)) else value

    @field_validator("objective")
    @classmethod
    def _metrics(cls, text: str) -> str:
        return metric_names(text)

    @model_validator(mode="after")
    def _health_is_known(self) -> Self:
        if self.min_health is not None and not self.telemetry:
            raise ValueError(
                "`min_health` needs the telemetry, which measures health. Received: telemetry = false."
            )
        if self.health_pruner != "none" and not self.telemetry:
            raise ValueError(
                "`health_pruner` needs the telemetry, which measures health. Received: telemetry = false."
            )
        return self

    @field_validator("sampler_options", "pruner_options", "health_pruner_options", mode="before")
    @classmethod
    def _pairs(cls, value: Any, info: ValidationInfo) -> Any:
        """A table of `study.toml` or a dictionary means the same as the line of text."""
        if isinstance(value, dict):
            value = ",".join(f"{name}={_option_text(one)}" for name, one in value.items())
        options = parse_options(str(info.field_name), str(value))
        if info.field_name == "health_pruner_options":
            steering("none", options)
        return value

    @field_validator("health_pruner", mode="before")
    @classmethod
    def _known_health_pruners(cls, value: Any) -> str:
        """Several may be given as a list; they are recorded separated by commas."""
        text = ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        return ",".join(health_pruner_names(text)) or "none"

    @field_validator("direction")
    @classmethod
    def _known_direction(cls, text: str) -> str:
        for name in text.split(","):
            if name.strip() not in ("auto", "maximize", "minimize"):
                raise UnknownNameError("direction", name.strip(), ("auto", "maximize", "minimize"))
        return text

    @field_validator("gpu_memory", mode="before")
    @classmethod
    def _growth_or_share(cls, value: Any) -> Any:
        text = str(value)
        with contextlib.suppress(ValueError):
            if text == "growth" or 0 < float(text) <= 1:
                return text
        raise ValueError("must be growth, or a share above 0 and at most 1")

    @field_validator("max_memory", "trial_memory", mode="before")
    @classmethod
    def _size(cls, value: Any) -> Any:
        if value is not None:
            num_bytes(str(value))
        return None if value is None else str(value)

    @field_validator("engine")
    @classmethod
    def _known_engine(cls, name: str) -> str:
        return check_name("engine", name, ENGINES)

    @field_validator("storage")
    @classmethod
    def _usable_storage(cls, url: str | None) -> str | None:
        return None if url is None else check_storage(url)

    @field_validator("sampler")
    @classmethod
    def _known_sampler(cls, name: str) -> str:
        return check_name("sampler", name, SAMPLERS, classes=True)

    @field_validator("oracle")
    @classmethod
    def _known_oracle(cls, name: str) -> str:
        return check_name("oracle", name, ORACLES)

    @field_validator("pruner")
    @classmethod
    def _known_pruner(cls, name: str) -> str:
        return check_name("pruner", name, PRUNERS, classes=True)


def study_steering(config: StudyConfig) -> Steering:
    """What stops trials before or in their first steps."""
    return steering(
        config.health_pruner, parse_options("health_pruner_options", config.health_pruner_options)
    )


def make_config(values: Mapping[str, Any], *, source: str = "") -> StudyConfig:
    """Validates keys and values.

    Args:
        values: by key; None stands for the default.
        source: where they come from, for the message.

    Raises:
        ConfigurationError: names each unknown key (with the nearest known ones) and each wrong value.
    """
    prefix = f"{source}: " if source else ""
    unknown = [key for key in values if key not in StudyConfig.model_fields]
    if unknown:
        raise ConfigurationError(prefix + str(UnknownNameError("key", unknown[0], StudyConfig.model_fields)))
    try:
        return StudyConfig(**{key: value for key, value in values.items() if value is not None})
    except ValidationError as error:
        raise ConfigurationError(
            prefix + "; ".join(_sentence(problem) for problem in error.errors())
        ) from error


def may_change(name: str) -> bool:
    """Whether a key only says how a study is run."""
    extra = StudyConfig.model_fields[name].json_schema_extra
    return isinstance(extra, dict) and bool(extra["may_change"])


def _option_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _sentence(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    if message.startswith("Unknown ") or "Received: " in message:  # ours, and whole
        return str(message)
    return f"`{key}`: {message[0].lower()}{message[1:]}. Received: {problem['input']!r}."
