"""What a rehearsal of a search space found, in plain data."""

from dataclasses import dataclass

from arnn_search.spaces.parameters import Parameter, Value


@dataclass(frozen=True)
class Rehearsal:
    """One architecture that was tried.

    Attributes:
        values: the parameters it was built with.
        num_parameters: weights of the model; 0 if it was not built.
        metrics: the metrics that training it reports; empty if the step failed.
        parameters: what the space asked for, in order.
        problem: what was wrong, with file and line; empty if nothing was.
    """

    values: dict[str, Value]
    num_parameters: int = 0
    metrics: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    problem: str = ""
