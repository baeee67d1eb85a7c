"""A search space for KerasTuner's own tuners."""

from typing import TYPE_CHECKING, Any

import keras_tuner

if TYPE_CHECKING:
    from arnn_search.data import DataSpec
    from arnn_search.spaces.space import SearchSpace


class SpaceHyperModel(keras_tuner.HyperModel):  # type: ignore[misc]
    """`keras_tuner.HyperModel` whose `build` is a search space's.

    Args:
        space: the search space.
        data: what its models have to fit.
    """

    def __init__(self, space: "SearchSpace", data: "DataSpec") -> None:
        super().__init__(name=space.name)
        self.space = space
        self.data = data

    def build(self, hp: keras_tuner.HyperParameters) -> Any:
        """Builds one compiled model."""
        return self.space.build(hp, self.data)
