"""A scan in segments: complete, bounded, slower under throttling, and an error that says where it was."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dynamodb_wrapper.engine.flow import Call, Flow, Page, Read, Reply, Sleep, Together
from dynamodb_wrapper.exceptions import ProvisionedThroughputExceededError, TableNotFoundError
from dynamodb_wrapper.expressions import Exists, Path
from dynamodb_wrapper.operations import Scan
from dynamodb_wrapper.operations.draining import MOST_ROUNDS
from dynamodb_wrapper.operations.readers import plain
from dynamodb_wrapper.operations.segments import SegmentScan, segments_of


class Table:
    """Segments of numbered items, two a page.

    Attributes:
        sizes: how many items each segment has.
        throttled: how many calls are refused from the start.
        widths: how many pages were asked for at once, step by step.
        waits: the seconds that were waited.
    """

    def __init__(self, *sizes: int, throttled: int = 0, gone: int | None = None) -> None:
        self.sizes, self.throttled, self.gone = sizes, throttled, gone
        self.widths: list[int] = []
        self.waits: list[float] = []
        self.bodies: list[dict[str, Any]] = []

    def send(self, call: Call) -> Flow[Reply]:
        yield from ()
        self.bodies.append(call.body)
        segment = call.body.get("Segment", 0)
        if self.throttled:
            self.throttled -= 1
            raise ProvisionedThroughputExceededError("slow down")
        if segment == self.gone:
            raise TableNotFoundError("gone")
        start = int(call.body["ExclusiveStartKey"]["id"]["N"]) + 1 if "ExclusiveStartKey" in call.body else 0
        numbers = range(start, min(start + 2, self.sizes[segment]))
        items = [{"id": {"N": str(number)}, "segment": {"N": str(segment)}} for number in numbers]
        last = {"LastEvaluatedKey": items[-1]} if start + 2 < self.sizes[segment] else {}
        return msgspec.json.encode({"Items": items, "Count": len(items), **last})

    def drive(self, flow: Flow[Any]) -> Any:
        result: Any = None
        try:
            while True:
                effect = flow.send(result)
                result = None
                if isinstance(effect, Sleep):
                    self.waits.append(effect.seconds)
                else:
                    assert isinstance(effect, Together)
                    self.widths.append(len(effect.flows))
                    result = [self.drive(inner) for inner in effect.flows]
        except StopIteration as end:
            return end.value

    def scan(self, **options: Any) -> list[tuple[int, int]]:
        total = len(self.sizes)
        scan = Scan(table="t", reader=plain, key_fields=("id",))
        step: Read[Page[Any]] | None = SegmentScan(
            table="t", total=total, open=segments_of(scan, total), reader=plain, **options
        )
        found: list[tuple[int, int]] = []
        while step is not None:
            page = self.drive(step.flow(self.send))
            assert len(page.items) <= 2 * options.get("widest", 8)
            found += [(item["segment"], item["id"]) for item in page.items]
            step = page.next
        return found


def every(*sizes: int) -> list[tuple[int, int]]:
    return [(segment, number) for segment, size in enumerate(sizes) for number in range(size)]


@pytest.mark.parametrize("sizes", [(5,), (0, 0), (7, 0, 3), (1,) * 20, (9, 1, 4, 4, 4, 4, 4, 4, 4, 4)])
def test_every_item_of_every_segment_comes_once(sizes: tuple[int, ...]) -> None:
    assert sorted(Table(*sizes).scan()) == every(*sizes)


def test_no_more_pages_are_read_at_once_than_the_width_says() -> None:
    table = Table(*[6] * 20)
    assert sorted(table.scan(width=3, widest=3)) == every(*[6] * 20)
    assert max(table.widths) == 3


def test_one_segment_is_no_parallel_scan() -> None:
    table = Table(3)
    table.scan()
    assert all(body.keys().isdisjoint({"Segment", "TotalSegments"}) for body in table.bodies)
    assert table.widths == []


def test_fewer_are_read_at_once_while_the_service_throttles_and_nothing_is_lost() -> None:
    table = Table(*[20] * 8, throttled=8 + 4)
    assert sorted(table.scan()) == every(*[20] * 8)
    assert table.widths[:5] == [8, 4, 2, 3, 4]
    assert len(table.waits) == 2


def test_when_nothing_moves_any_more_the_error_says_in_which_segment() -> None:
    table = Table(2, 2, throttled=1_000)
    with pytest.raises(ProvisionedThroughputExceededError) as raised:
        table.scan()
    assert raised.value.context == {"segment": 0, "segments": 2}
    assert len(table.waits) == MOST_ROUNDS


def test_an_error_that_waiting_does_not_mend_says_in_which_segment_it_was() -> None:
    with pytest.raises(TableNotFoundError) as raised:
        Table(4, 4, 4, gone=1).scan()
    assert raised.value.context == {"segment": 1, "segments": 3}
    assert raised.value.__notes__ == ["in segment 1 of 3 of the scan of t"]


def test_filter_projection_and_consistency_are_those_of_the_scan() -> None:
    scan = Scan(
        table="t",
        reader=plain,
        key_fields=("id",),
        filter=Exists(Path(("name",))),
        projection=[Path(("id",))],
        consistent=True,
        index="by-name",
    )
    first, second = segments_of(scan, 2)
    assert second.body == first.body | {"Segment": 1}
    assert first.body["TotalSegments"] == 2
    assert first.body.keys() >= {"FilterExpression", "ProjectionExpression", "ConsistentRead", "IndexName"}
