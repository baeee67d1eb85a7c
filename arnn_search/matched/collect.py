"""Reading a study as the outcomes of its networks."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from arnn_search.errors import StudyError
from arnn_search.matched.network import Network
from arnn_search.matched.outcomes import Outcomes, Run
from arnn_search.matched.sampler import SEED
from arnn_search.studies.rerun import make_executor
from arnn_search.studies.study import Study, Trial


def collect(
    study: Study, networks: Sequence[Network], *, num_seeds: int, with_test: bool = False
) -> Outcomes:
    """The outcomes of the trials that have completed; seeds that lack a network are left out.

    Args:
        study: proposed by `MatchedSampler`.
        networks: what it trains, in order.
        num_seeds: the first so many seeds; the study may have more.
        with_test: whether every network is scored on the test part; its models must have been kept.

    Raises:
        StudyError: there is no seed of which every network has completed; says what became of them.
    """
    asked = study.trials[: num_seeds * len(networks)]
    completed = [trial for trial in asked if trial.state == "completed"]
    test_losses = _test_losses(study, completed) if with_test else {}
    runs = [
        Run(
            network=networks[trial.number % len(networks)].name,
            seed=int(trial.parameters[SEED]),
            epochs=study.epochs_of(trial.number),
            seconds=trial.training_seconds,
            gradient_rms=gradient_rms,
            layers=layers,
            score=(study.metric, study.direction == "maximize"),
            test_loss=test_losses.get(trial.number, math.nan),
        )
        for trial in completed
        for gradient_rms, layers in (_gradients(study.layout.trial(trial.number)),)
    ]
    outcomes = Outcomes(runs, {network.name: network.label for network in networks})
    if not outcomes.seeds:
        ended = "; ".join(
            f"trial {trial.number} {trial.state}: {trial.message or trial.reason}"
            for trial in asked
            if trial.state != "completed"
        )
        raise StudyError(
            f"There is no seed from which every network of {study.name!r} has completed. "
            f"{ended or 'The study has not run far enough.'}"
        )
    return outcomes


def _gradients(directory: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    with np.load(directory / "gradients.npz", allow_pickle=False) as arrays:
        return np.asarray(arrays["gradient_rms"]), tuple(str(name) for name in arrays["layers"])


def _test_losses(study: Study, trials: list[Trial]) -> dict[int, float]:
    """The loss of each kept model on the test part."""
    losses: dict[int, float] = {}
    with make_executor(study.config) as executor:
        for trial in trials:
            if trial.model is None:
                raise StudyError(f"The model of trial {trial.number} of {study.name!r} is gone.")
            metrics = executor.call(
                "arnn_search.trials.evaluate:evaluate_model",
                trial.model,
                study.data_directory,
                "test",
                study.config.batch_size,
            )
            losses[trial.number] = metrics["loss"]
    return losses
