"""Several sorted queries read as one list: what is asked of each, and where each goes on."""

from __future__ import annotations

import json
from typing import Any

from dynamodb_wrapper.engine.flow import Call, Effect, Together, run
from dynamodb_wrapper.expressions import Compare, Path
from dynamodb_wrapper.handlers.table_config.merged import Merged, Positions, TakeMerged
from dynamodb_wrapper.operations import Query
from dynamodb_wrapper.operations.readers import plain


class Service:
    """Holds sorted lists by partition and answers queries of them as DynamoDB does."""

    def __init__(self, **lists: str) -> None:
        self.lists = lists
        self.asked: list[tuple[str, int | None]] = []

    def __call__(self, effect: Effect) -> Any:
        if isinstance(effect, Together):
            return [run(flow, self) for flow in effect.flows]
        assert isinstance(effect, Call)
        [value] = effect.body["ExpressionAttributeValues"].values()
        limit = effect.body.get("Limit")
        self.asked.append((value["S"], limit))
        stored = self.lists[value["S"]]
        start = effect.body.get("ExclusiveStartKey")
        rest = stored[stored.index(start["at"]["S"]) + 1 :] if start else stored
        page = rest[:limit]
        items = [{"list": value, "at": {"S": letter}} for letter in page]
        more = {"LastEvaluatedKey": items[-1]} if limit is not None and len(page) == limit else {}
        return json.dumps({"Items": items, "Count": len(items), **more}).encode()


def query(name: str, forward: bool) -> Query[dict[str, Any]]:
    return Query(
        table="letters",
        reader=plain,
        key_fields=("list", "at"),
        key_condition=Compare(Path(("list",)), "=", name),
        forward=forward,
    )


def take(
    service: Service, limit: int | None, positions: Positions | None = None, forward: bool = True
) -> tuple[str, Positions]:
    queries = {name: query(name, forward) for name in service.lists}
    start: Positions = dict.fromkeys(queries)
    merged: Merged = run(
        TakeMerged(
            queries=queries, positions=start if positions is None else positions, sort="at", limit=limit
        ).flow(_send),
        service,
    )
    return "".join(item["at"] for item in merged.items), merged.positions


def _send(call: Call) -> Any:
    return (yield call)


def test_the_lists_are_one_in_order() -> None:
    assert take(Service(x="adg", y="bceh", z=""), None) == ("abcdegh", {})
    assert take(Service(x="gda", y="hecb", z=""), None, forward=False) == ("hgedcba", {})


def test_each_goes_on_where_the_page_left_it() -> None:
    service = Service(x="adg", y="bceh", z="z")
    first, positions = take(service, 3)
    assert first == "abc"
    assert positions == {
        "x": {"list": {"S": "x"}, "at": {"S": "a"}},
        "y": {"list": {"S": "y"}, "at": {"S": "c"}},
        "z": None,
    }
    second, positions = take(service, 3, positions)
    assert second == "deg"
    third, positions = take(service, 3, positions)
    assert (third, positions) == ("hz", {})


def test_a_list_that_is_finished_is_not_asked_again() -> None:
    service = Service(x="a", y="bcde")
    first, positions = take(service, 2)
    assert (first, list(positions)) == ("ab", ["y"])
    service.asked.clear()
    take(service, 2, positions)
    assert service.asked == [("y", 3)]


def test_no_list_is_read_further_than_one_item_beyond_the_limit() -> None:
    service = Service(x="abcdefgh", y="ijk")
    take(service, 2)
    assert service.asked == [("x", 3), ("y", 3)]


def test_equal_values_in_several_lists_are_neither_lost_nor_repeated() -> None:
    service, found = Service(x="ab", y="ab", z="a"), ""
    positions: Positions | None = None
    while positions != {}:
        page, positions = take(service, 1, positions)
        found += page
    assert found == "aaabb"
