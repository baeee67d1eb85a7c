"""One of the networks that are compared."""

from dataclasses import dataclass

from arnn_search.matched.sampler import Values


@dataclass(frozen=True)
class Network:
    """One of the networks that are compared.

    Attributes:
        name: by which results know it.
        label: for people.
        parameters: what the search space is answered.
    """

    name: str
    label: str
    parameters: Values
