"""A scan in segments: several pages of a table at the same time, with no more of them in memory.

Each step reads one page of some segments side by side. While the service throttles, fewer are read at once,
and the throttled ones again after a while; while all goes well it is one more each time. Knows requests and
pages. Must not know models, nor where the pages go.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from dynamodb_wrapper.engine.flow import Call, Flow, Page, Read, Reply, Send, Sleep, Together
from dynamodb_wrapper.exceptions import DynamoDBWrapperError, ProvisionedThroughputExceededError
from dynamodb_wrapper.operations.draining import BASE_SECONDS, LONGEST_WAIT_SECONDS, MOST_ROUNDS
from dynamodb_wrapper.operations.readers import ReadPage
from dynamodb_wrapper.operations.reads import Scan
from dynamodb_wrapper.wire.values import ItemPage, WireItem

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
MOST_SEGMENTS: Final = 1_000_000
"""Of one scan, by the DynamoDB API Reference, Scan."""
WIDEST: Final = 8


class _Ends(Struct):
    LastEvaluatedKey: WireItem | None = None
    Count: int = 0


_ends = msgspec.json.Decoder(_Ends)


class ReplyReader:
    """Reads a page as the bytes of its reply, for someone else to read while the next ones come."""

    def read_page(self, reply: Reply, *, table: str = "") -> ItemPage[Reply]:
        """See `Reader.read_page`; a page without items gives nothing."""
        ends = _ends.decode(reply)
        return ItemPage([reply] if ends.Count else [], ends.LastEvaluatedKey, ends.Count)


class PageReader(Protocol[T_co]):
    """Turns replies into items; a `Reader` is one."""

    def read_page(self, reply: Reply, *, table: str = "") -> ReadPage[T_co]:
        """The items of a reply."""
        ...


class Segment(Struct, frozen=True):
    """A part of a scan that has not been read to its end.

    Parameters:
        number: which one, from 0.
        body: the request, as the service's JSON has it.
        start: the key to go on after.
    """

    number: int
    body: dict[str, Any]
    start: WireItem | None = None


class SegmentScan(Read[Page[T]], Struct, Generic[T], frozen=True, kw_only=True):
    """One page of several segments each, and the operation for those that follow.

    Parameters:
        open: the segments that are not read yet; the first ones are read now.
        width: how many are read at the same time, up to `widest`.
        stalled: how many times before this nothing was read.
        table: the table's full name.
        total: how many segments the scan has, for errors.
    """

    table: str
    total: int
    open: Sequence[Segment]
    reader: PageReader[T]
    width: int = WIDEST
    widest: int = WIDEST
    stalled: int = 0

    def flow(self, send: Send) -> Flow[Page[T]]:
        """See `Operation.flow`.

        Raises:
            DynamoDBWrapperError: what went wrong in a segment; `context` has which one.
        """
        now, later = self.open[: self.width], self.open[self.width :]
        reads = [self._read(segment, send) for segment in now]
        pages = [(yield from reads[0])] if len(reads) == 1 else (yield Together(reads, limit=len(reads)))
        items: list[T] = []
        again, onward = list[Segment](), list[Segment]()
        for segment, page in zip(now, pages, strict=True):
            if isinstance(page, DynamoDBWrapperError):
                if self.stalled >= MOST_ROUNDS or not isinstance(page, ProvisionedThroughputExceededError):
                    raise page
                again.append(segment)
                continue
            items += page.items
            if page.last_evaluated_key:
                onward.append(replace(segment, start=page.last_evaluated_key))
        stalled = self.stalled + 1 if len(again) == len(now) else 0
        if again:
            yield Sleep(random.random() * min(BASE_SECONDS * 2**stalled, LONGEST_WAIT_SECONDS))
        width = max(1, self.width // 2) if again else min(self.widest, self.width + 1)
        rest = (*again, *later, *onward)
        following = replace(self, open=rest, width=width, stalled=stalled) if rest else None
        return Page(items, following)

    def _read(self, segment: Segment, send: Send) -> Flow[ReadPage[T] | DynamoDBWrapperError]:
        """The page of a segment, or what went wrong."""
        body = segment.body if segment.start is None else segment.body | {"ExclusiveStartKey": segment.start}
        try:
            reply = yield from send(Call("Scan", body, self.table))
            return self.reader.read_page(reply, table=self.table)
        except DynamoDBWrapperError as error:
            error.context |= {"segment": segment.number, "segments": self.total}
            error.add_note(f"in segment {segment.number} of {self.total} of the scan of {self.table}")
            return error


def segments_of(scan: Scan[Any], total: int) -> list[Segment]:
    """The segments of a scan."""
    return [
        Segment(number, replace(scan, segment=number, segments=total).call().body) for number in range(total)
    ]
