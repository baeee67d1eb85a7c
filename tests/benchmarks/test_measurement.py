"""How benchmarks measure: with a clock that the tests turn."""

import json

import pytest

from benchmarks.measurement import Figure, Spread, describe_machine, interleave, publish, ratio, spread


class FakeClock:
    """A clock that moves only when somebody works."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def work(self, seconds):
        self.now += seconds


def test_spread_is_median_and_quartiles():
    assert spread([5.0, 1.0, 2.0, 4.0, 3.0]) == Spread(median=3.0, lower=2.0, upper=4.0, count=5)


def test_spread_of_nothing_is_refused():
    with pytest.raises(ValueError, match="nothing to take the median of"):
        spread([])


def test_variants_take_turns_in_alternating_order():
    order = []
    variants = {name: lambda name=name: order.append(name) for name in "abc"}
    interleave(variants, rounds=3, warm_up=1)
    assert "".join(order) == "abc" + "abc" + "cba" + "abc"


def test_seconds_are_those_of_the_rounds_without_the_warm_up():
    clock = FakeClock()
    durations = iter([100.0, 2.0, 3.0])
    seconds = interleave({"a": lambda: clock.work(next(durations))}, rounds=2, warm_up=1, clock=clock)
    assert seconds == {"a": [2.0, 3.0]}


def test_no_round_is_refused():
    with pytest.raises(ValueError, match=r"`rounds` must be at least 1\. Received: 0"):
        interleave({"a": lambda: None}, rounds=0)


def test_ratio_is_taken_round_by_round():
    # A slow third round, as when somebody else works, meets both and leaves the ratio alone.
    seconds = {"a": [2.0, 2.0, 20.0], "b": [1.0, 1.0, 10.0]}
    assert ratio(seconds, "a", "b") == Spread(median=2.0, lower=2.0, upper=2.0, count=3)


def test_ratio_of_unequal_rounds_is_refused():
    with pytest.raises(ValueError, match="longer"):
        ratio({"a": [1.0], "b": [1.0, 1.0]}, "a", "b")


@pytest.mark.parametrize(("goal", "met"), [(1.1, True), (1.05, True), (1.0, False), (None, None)])
def test_goal_is_met_by_the_median(goal, met):
    assert Figure("step", spread([1.05]), goal=goal).met is met


def test_published_figures_are_a_json_file_and_a_table(tmp_path, capsys):
    figures = [Figure("step", spread([1.0, 1.2]), goal=1.05, beside="20 ms")]
    path = publish("layers", figures, settings={"rounds": 2}, directory=tmp_path / "new")
    report = json.loads(path.read_text())
    assert path.name == "layers.json"
    assert report["settings"] == {"rounds": 2}
    assert report["figures"][0]["value"]["median"] == pytest.approx(1.1)
    assert report["figures"][0]["met"] is False
    printed = capsys.readouterr().out
    assert "step" in printed
    assert "missed" in printed


def test_machine_description_names_the_gpus_that_can_be_seen(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text('#!/bin/sh\necho "0, NVIDIA H200, 143771, GPU-aaaa-1"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert describe_machine()["gpus"] == ["NVIDIA H200, 140 GB"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert describe_machine()["gpus"] == []


def test_machine_description_names_neither_machine_nor_paths(monkeypatch):
    import platform

    description = json.dumps(describe_machine())
    assert platform.node() not in description
    assert "/" not in description
