import random

import pytest

from arnn_search.spaces.parameters import Parameter
from arnn_search.trials.rehearse import rehearse, rehearse_defaults, sample


def test_defaults_are_built_and_take_a_step(write_space, small_data):
    tried = rehearse_defaults(write_space(), small_data.directory)
    assert tried.problem == ""
    assert tried.values == {"units": 2, "activation": "tanh", "learning_rate": 1e-3}
    assert tried.num_parameters == 2 * 2 + 2 + 2 * 2 + 2
    assert set(tried.metrics) == {"loss", "accuracy", "val_loss", "val_accuracy"}


def test_problem_of_some_architectures_is_found_with_its_line(write_space, small_data):
    space = write_space(
        "    inputs =", '    if activation == "relu":\n        raise OSError("no")\n    inputs ='
    )
    tried = rehearse(space, small_data.directory, samples=6)
    problems = {one.problem for one in tried if one.problem}
    assert problems == {f"{space}, line 10: OSError: no"}
    assert all(one.values["activation"] == "relu" for one in tried if one.problem)


def test_failing_training_step_is_a_problem(write_space, small_data):
    space = write_space("data.loss, metrics", '"categorical_crossentropy", metrics')
    assert "small_space.py" in rehearse_defaults(space, small_data.directory).problem


@pytest.mark.parametrize(
    ("parameter", "low", "high"),
    [
        (Parameter("a", "int", low=1, high=9, step=2), 1, 9),
        (Parameter("a", "int", low=1, high=64, log=True), 1, 64),
        (Parameter("a", "float", low=0.0, high=0.5, step=0.1), 0.0, 0.5),
        (Parameter("a", "float", low=1e-4, high=1e-1, log=True), 1e-4, 1e-1),
        (Parameter("a", "float", low=-1.0, high=1.0), -1.0, 1.0),
    ],
)
def test_samples_are_in_range(parameter, low, high):
    generator = random.Random(0)
    values = [sample(parameter, generator) for _ in range(50)]
    assert low - 1e-9 <= min(values) < max(values) <= high + 1e-9
