from typing import Any

from arnn_search.tracking.batches import Batch, num_points, plan


def metrics(trial: int | None, step: int, num_values: int = 2) -> dict[str, Any]:
    values = {f"m{number}": 0.5 for number in range(num_values)}
    return {"kind": "metrics", "trial": trial, "time": 1, "step": step, "values": values}


def end(trial: int | None) -> dict[str, Any]:
    return {"kind": "end", "trial": trial, "time": 1}


def positions(records: list[dict[str, Any] | None]) -> list[tuple[int, ...]]:
    return [batch.positions for batch in plan(records)]


def test_records_of_one_run_travel_together() -> None:
    assert positions([metrics(0, 0), metrics(1, 0), metrics(0, 1), metrics(1, 1)]) == [(0, 2), (1, 3)]


def test_end_waits_for_the_points_of_its_run_alone() -> None:
    records = [metrics(0, 0), metrics(1, 0), end(0), metrics(1, 1), metrics(0, 1)]
    assert positions(records) == [(0,), (2,), (1, 3), (4,)]


def test_call_holds_at_most_1000_points() -> None:
    sizes = [num_points(batch.records) for batch in plan([metrics(0, step, 300) for step in range(10)])]
    assert sizes == [900, 900, 900, 300]


def test_texts_take_the_place_of_points() -> None:
    # MLflow takes a thousand values of any kind at once, and would make two calls of it otherwise.
    tags = {"kind": "tags", "trial": 0, "time": 1, "values": {"a": "1", "b": "2"}}
    assert positions([tags, metrics(0, 0, 999)]) == [(0,), (1,)]
    assert positions([tags, metrics(0, 0, 998)]) == [(0, 1)]


def test_large_texts_are_split_by_size() -> None:
    texts = [{"kind": "params", "trial": 0, "time": 1, "values": {str(n): "x" * 6000}} for n in range(100)]
    assert len(positions([*texts])) == 2


def test_torn_line_is_passed_over() -> None:
    assert positions([None, metrics(0, 0), None]) == [(1,)]


def test_halving_ends_at_a_single_value() -> None:
    batch = Batch(0, (4, 7), (metrics(0, 0), metrics(0, 1)))
    halves = batch.halves()
    assert halves is not None
    assert [half.positions for half in halves] == [(4,), (7,)]
    quarters = halves[0].halves()
    assert quarters is not None
    assert [quarter.records[0]["values"] for quarter in quarters] == [{"m0": 0.5}, {"m1": 0.5}]
    assert quarters[0].halves() is None
    assert Batch(0, (0,), (end(0),)).halves() is None
