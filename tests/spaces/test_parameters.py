import optuna
import pytest

from arnn_search.spaces.parameters import Parameter, geometric_choices


@pytest.mark.parametrize(
    ("parameter", "allowed"),
    [
        (Parameter("a", "categorical", choices=("x", True, 3)), ("x", True, 3)),
        (Parameter("a", "int", low=1, high=8, step=3), (1, 4, 7)),
        (Parameter("a", "float", low=0.0, high=0.5, step=0.2), (0.0, 0.2, 0.4)),
    ],
)
def test_optuna_gives_a_value_of_the_range(parameter, allowed):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    values = {parameter.suggest(study.ask()) for _ in range(40)}
    assert sorted(map(str, values)) == pytest.approx(sorted(map(str, allowed)))


def test_log_range_reaches_both_ends():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    parameter = Parameter("a", "float", low=1e-4, high=1.0, log=True)
    values = [parameter.suggest(study.ask()) for _ in range(100)]
    assert min(values) < 1e-3
    assert max(values) > 1e-1


def test_geometric_choices_do_not_pass_the_end():
    assert geometric_choices(10, 100, 3) == (10, 30, 90)
