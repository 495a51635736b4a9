from __future__ import annotations

from math import inf

from dynamodb_wrapper.plugins.metrics.figures import Distribution, Figures


def test_a_distribution_counts_values_up_to_each_bound() -> None:
    distribution = Distribution((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 7.0):
        distribution.add(value)
    assert [*distribution.cumulated()] == [(1.0, 2), (2.0, 3), (inf, 4)]
    assert distribution.sum == 10.0


def test_labels_beyond_the_bound_are_counted_together() -> None:
    figures = Figures((), most=2)
    series = figures.sums("calls", "Calls.", "table")
    for table in ("a", "b", "c", "d", "a"):
        series[(table,)].value += 1
    (family,) = figures.copied()
    assert {row["table"]: row["value"] for row in family.rows()} == {"a": 2, "b": 1, "other": 2}


def test_what_was_read_does_not_change_any_more() -> None:
    figures = Figures((1.0,), most=9)
    calls, times = figures.sums("calls", "Calls."), figures.distributions("times", "Times.")
    calls[()].value += 1
    times[()].add(0.5)
    copied = figures.copied()
    before = [[*family.rows()] for family in copied]
    calls[()].value += 1
    times[()].add(0.5)
    assert [[*family.rows()] for family in copied] == before


def test_a_measure_makes_its_family_and_a_missing_label_is_empty() -> None:
    figures = Figures((), most=9)
    figures.sums("calls", "Calls.")
    figures.measured("reads", {"table": "a", "outcome": "hit"}, "sum").value += 1
    figures.measured("reads", {"outcome": "miss"}, "sum").value += 2
    figures.measured("calls", {}, "state").value = 5
    rows = {family.name: [*family.rows()] for family in figures.copied()}
    assert rows["reads"] == [
        {"table": "a", "outcome": "hit", "value": 1.0},
        {"table": "", "outcome": "miss", "value": 2.0},
    ]
    assert rows["calls"] == []
    assert rows["calls_told"] == [{"value": 5}]
