"""The reference table keeps what it is given, and policies spend what they would have spent."""

import pickle

import numpy as np
import pytest

from arnn_search.health.race import StepRace
from arnn_search.health.rule import HealthRule, ProbeLimits
from arnn_search.health.steering import Steering
from arnn_search.studies.draft import Contest
from benchmarks.steering.policies import (
    PEERS,
    PROBE_STEPS,
    STEPS_PER_EPOCH,
    Replayed,
    keras_tuner_hyperband,
    make_policy,
    play_bracket,
)
from benchmarks.steering.pool import Pool
from benchmarks.steering.replay import replay_all
from benchmarks.steering.table_file import Row, about, load, merge

EPOCHS, STEPS, KERNELS = 9, 9 * STEPS_PER_EPOCH, 3


def _row(number, *, rate, best, healthy=True):
    rms = np.full((STEPS, KERNELS), 0.1)
    if not healthy:
        rms[:, 0] = 1e-8
    values = {"family": "classic", "activation": "relu", "filters": 8, "learning_rate": rate}
    return Row(
        number=number,
        space="poster-cnn",
        reports=True,
        parameters=values,
        num_parameters=100,
        scores={},
        initial_rms=rms[0],
        gradient_rms=rms,
        update=np.ones((STEPS, 2)),
        loss=np.linspace(2.2, 0.5, STEPS) if healthy else np.full(STEPS, 2.31),
        accuracy=np.full(STEPS, 0.5),
        saturation=np.zeros((1, 3)),
        val_accuracy=best * np.linspace(0.5, 1, EPOCHS),
        val_loss=np.ones(EPOCHS),
        seconds={},
    )


@pytest.fixture
def rows():
    ill = [_row(number, rate=1e-4 * number, best=0.1, healthy=False) for number in range(1, 6)]
    return [*ill, *(_row(number, rate=1e-3 * number, best=0.1 * number) for number in range(6, 10))]


def test_table_keeps_what_it_is_given(tmp_path):
    generator = np.random.default_rng(0)
    rms = 10 ** generator.uniform(-12, 2, (STEPS, KERNELS))
    rms[3, 1], rms[4, 0] = 0.0, np.nan
    epoch = {"loss": 1.5, "accuracy": 0.5, "val_loss": 1.25, "val_accuracy": 0.375}
    trained = {
        "number": 3,
        "space": "poster-cnn",
        "parameters": {"family": "ar", "learning_rate": 0.00123},
        "num_parameters": 321,
        "layers": ("a", "b", "c"),
        "initial": {"gradient_rms": rms[0].astype("float32"), "snip": 0.5},
        "gradient_rms": rms,
        "update": np.abs(rms[:, :2]),
        "loss": np.append(generator.uniform(0, 3, STEPS - 1), np.nan),
        "accuracy": generator.integers(0, 65, STEPS) / 64,
        "saturation": [(0.0, 0.25, 0.5), (8.0, 0.5, 1.0)],
        "epochs": [epoch, epoch],
        "seconds": {"training": 3.0, "wall": 9.0},
    }
    (tmp_path / "0002.pickle").write_bytes(pickle.dumps(trained | {"number": 2}))
    (tmp_path / "0003.pickle").write_bytes(pickle.dumps(trained))
    path = merge(tmp_path, tmp_path / "table.parquet", settings={"epochs": 2})
    tuning, row = load(path)
    assert (tuning.number, tuning.reports, row.number, row.reports) == (2, False, 3, True)
    assert row.parameters == trained["parameters"]
    assert (row.best, row.num_parameters, row.scores) == (0.375, 321, {"snip": 0.5})
    known = np.isfinite(rms) & (rms > 0)
    np.testing.assert_allclose(np.log10(row.gradient_rms[known]), np.log10(rms[known]), atol=0.101)
    assert (row.gradient_rms[~known] == 0).all()
    np.testing.assert_allclose(row.loss, trained["loss"], atol=1.1e-3)
    np.testing.assert_array_equal(row.saturation, trained["saturation"])
    assert about(path)["processor_minutes"] == pytest.approx(6 / 60, abs=0.06)


def test_proposal_becomes_the_nearest_architecture_that_is_left(rows):
    pool = Pool(rows)
    values = {"family": "classic", "activation": "relu", "filters": 8, "learning_rate": 7.1e-3}
    assert [pool.take_nearest(values).number for _ in range(3)] == [7, 8, 6]
    assert not pool.is_empty


def test_whole_trainings_spend_their_epochs(rows):
    policy = make_policy(sampler="random", pruner="none")
    assert policy(rows, 2.0, 0).steps == len(rows) * EPOCHS * STEPS_PER_EPOCH
    found = policy([rows[-1]], 0.89, 0)
    assert found.steps_to_target == EPOCHS * STEPS_PER_EPOCH


def test_rule_stops_the_ill_in_steps_and_the_probe_before_them(rows):
    rule = HealthRule(window_steps=8, patience=2, first_step=16)
    whole = 4 * EPOCHS * STEPS_PER_EPOCH
    stopped = make_policy(sampler="random", pruner="none", steering=Steering(rule=rule))(rows, 2.0, 0)
    assert stopped.steps == whole + len(stopped.ended_early) * 16
    ended = [row.number for _, row in stopped.ended_early]
    assert sorted(ended[:5]) == [1, 2, 3, 4, 5]
    assert sorted(ended) == sorted([1, 2, 3, 4, 5] * 2)  # once more when all others are used
    assert stopped.steps_to_target is None
    vetoed = make_policy(sampler="random", pruner="none", steering=Steering(probe=ProbeLimits(-4, 4, -4)))
    found = vetoed(rows, 2.0, 0)
    assert found.steps == whole + (4 + len(found.ended_early)) * PROBE_STEPS
    assert {how for how, _ in found.ended_early} == {"probe"}


def test_race_stops_at_the_first_rung_who_learns_slower(rows):
    race = StepRace(race_first_rung=8, race_rungs=1, race_share=1 / 3)
    result = make_policy(sampler="random", pruner="none", steering=Steering(race=race))(rows, 2.0, 0)
    stopped = [row.number for _, row in result.ended_early]
    assert set(stopped) <= {1, 2, 3, 4, 5}
    assert len(set(stopped)) >= 3
    trained = (result.steps - len(stopped) * 8) / (EPOCHS * STEPS_PER_EPOCH)
    assert trained.is_integer()
    assert 4 <= trained <= 9


def test_race_goes_on_beyond_the_first_epoch(rows):
    race = StepRace(race_first_rung=32, race_rungs=2, race_share=0.99, race_share_factor=0.5)
    slow = [_row(number, rate=1e-4 * number, best=0.3) for number in range(10, 14)]
    for row in slow:
        row.loss[:] = np.linspace(2.2, 1.5, STEPS)
    steering = Steering(race=race)
    result = make_policy(sampler="random", pruner="none", steering=steering)([*rows[5:], *slow], 2.0, 0)
    assert {row.number for _, row in result.ended_early} <= {row.number for row in slow}
    # Whole trainings, and those that lost at the second rung, before the validation of the second epoch.
    whole = (result.steps - len(result.ended_early) * 64) / (EPOCHS * STEPS_PER_EPOCH)
    assert whole.is_integer()
    assert len(result.ended_early) >= 2


def test_of_several_candidates_the_one_with_the_lowest_loss_is_trained(rows):
    policy = make_policy(sampler="random", pruner="none", contest=Contest(candidates=3, steps=8))
    found = policy(rows, 0.89, 1)
    ended = [(how, row.number) for how, row in found.ended_early]
    assert {how for how, _ in ended} == {"contest"}
    contests = len(ended) // 2
    assert found.steps_to_target == contests * (3 * 8 + EPOCHS * STEPS_PER_EPOCH)
    # The ill ones never win against a healthy one, and the healthy one that is trained is found in the end.
    assert 9 not in [number for _, number in ended[-2:]]


def test_hyperband_of_keras_tuner_spends_its_brackets():
    many = [_row(number, rate=1e-4 * number, best=0.01 * number) for number in range(1, 19)]
    # Nine for one epoch, three for three, one for nine; five for three, two for nine; three for nine.
    spent = 9 + 3 * 2 + 6 + 5 * 3 + 2 * 6 + 3 * 9
    result, generator, pool = Replayed(2.0), np.random.default_rng(0), Pool(many[:17])
    for bracket in (2, 1, 0):
        play_bracket(pool, result, generator, bracket=bracket, epochs=9, factor=3)
    assert result.steps == spent * STEPS_PER_EPOCH
    assert len({row.number for _, row in result.ended_early}) == 6 + 2 + 3
    found = keras_tuner_hyperband(Pool(many[:17]), 2.0, seed=0)
    assert found.ended_early[:11] == result.ended_early
    assert found.steps > result.steps  # those that were ended are proposed once more


def test_every_policy_is_described(rows):
    result = replay_all(rows, PEERS, seeds=range(3))
    assert set(result) == set(PEERS)
    for described in result.values():
        assert len(described["each"]) == 3
        assert described["of_best_peer"] >= 1
