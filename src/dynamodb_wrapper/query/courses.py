"""Carrying out a plan: flows that take items in its order, from any place, in either direction.

Knows lanes, keys and how to go on in the middle of a page. Must not choose, nor know the form of cursors. A
place is a value: what was taken lies before it, and the rest of each lane behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any, Final, Generic, TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from dynamodb_wrapper.engine.flow import Flow, Reply, Send, Together
from dynamodb_wrapper.expressions import AllOf, Not
from dynamodb_wrapper.operations import BatchGet, GetItem, Search
from dynamodb_wrapper.operations.entries import entries_of, wire_reader
from dynamodb_wrapper.operations.readers import Reader
from dynamodb_wrapper.operations.reads import FIRST_FILTERED_LOOK, WIDEST_LOOK
from dynamodb_wrapper.query.judging import Judge, judge_of, rank
from dynamodb_wrapper.query.plan import Lane, Plan
from dynamodb_wrapper.wire.values import WireItem

T = TypeVar("T")
MERGED_PAGE: Final = 1000
"""How many items the lanes of a fan-out hold together while their items are read by iteration."""
HYDRATED_PAGE: Final = 500
BEGUN_TOGETHER: Final = 8
"""How many queries are begun together of those whose items come one after the other."""
KEYS_AT_ONCE: Final = 300
Place: TypeAlias = Any


class Spot(Struct, frozen=True):
    """Where a lane goes on: after a key, at its start (None), or nowhere."""

    start: WireItem | None = None
    over: bool = False


class Row(Struct, frozen=True):
    """An item, and those of its attributes by which it is ordered, judged and gone on from."""

    item: Any
    entry: WireItem


class Lead(Struct, frozen=True):
    """How far a lane has been read: rows that are not taken yet, and where the service goes on."""

    spot: Spot
    taken: Spot
    rows: tuple[Row, ...] = ()

    @property
    def place(self) -> Spot:
        """Where to go on when the rows are let go."""
        return self.taken if self.rows else self.spot


class Haul(Struct, Generic[T], frozen=True):
    """What was taken.

    Parameters:
        items: in the plan's order, also where they were read backward.
        onward: the state to take more from, in the same direction; None at the end.
        before: the place from which the other direction starts.
    """

    items: list[T]
    onward: Any
    before: Place


class KeyCourse(Generic[T]):
    """Items got by their keys; a place is how many keys lie before it."""

    def __init__(self, plan: Plan, table: str, reader: Reader[T], *, backward: bool = False) -> None:
        self.plan, self.table, self.reader = plan, table, reader
        self.backward = backward
        self.keys = plan.keys[::-1] if backward else plan.keys
        self.judge = _judge(plan, plan.judged)
        self.can_go_back = True

    def start(self, place: Place = None) -> Any:
        """The state at a place; the beginning where none is given."""
        return place or 0

    def place(self, state: Any) -> Place:
        """The place of a state."""
        return state

    def take(self, state: Any, most: int | None, send: Send) -> Flow[Haul[T]]:
        """Take up to `most` items, fewer only at the end; one batch where it is None."""
        at, items = int(state), list[T]()
        while at < len(self.keys) and (most is None or len(items) < most):
            count = KEYS_AT_ONCE if most is None else min(most - len(items), KEYS_AT_ONCE)
            items += yield from self._get(self.keys[at : at + count], send)
            at += count
            if most is None:
                break
        onward = at if at < len(self.keys) else None
        return Haul(items[::-1] if self.backward else items, onward, len(self.keys) - int(state))

    def _get(self, keys: Sequence[WireItem], send: Send) -> Flow[list[T]]:
        options: dict[str, Any] = {
            "table": self.table,
            "projection": self.plan.item_projection(),
            "consistent": self.plan.consistent,
            "reader": self.reader if self.judge is None else wire_reader,
        }
        if len(self.plan.keys) == 1:
            found = [(yield from GetItem(key=keys[0], **options).flow(send))]
        else:
            found = yield from BatchGet(keys=keys, **options).flow(send)
        there = [item for item in found if item is not None]
        if self.judge is None:
            return there
        return [self.reader.decode(item, table=self.table) for item in there if self.judge(item)]


class _Track(Struct, frozen=True):
    """One lane made ready to be read."""

    lane: Lane
    search: Search[Any]
    judge: Judge | None
    fields: tuple[str, ...]


class LaneCourse(Generic[T]):
    """Items of queries or a scan; a place has one `Spot` for each lane.

    Parameters:
        plan: what is read.
        table: the table's full name.
        reader: what items become.
        backward: whether they are taken from the end towards the start.
    """

    def __init__(self, plan: Plan, table: str, reader: Reader[T], *, backward: bool = False) -> None:
        self.plan, self.table, self.reader = plan, table, reader
        self.backward = backward
        self.tracks = tuple(self._track(lane, plan.forward is not backward) for lane in plan.lanes)
        self.together = plan.merged or len(self.tracks) == 1
        self.can_go_back = all(lane.key for lane in plan.lanes)
        self.plain = len(self.tracks) == 1 and not self.tracks[0].lane.judges and not backward

    def start(self, place: Place = None) -> tuple[Lead, ...]:
        """See `KeyCourse.start`."""
        return tuple(Lead(spot, spot) for spot in place or [Spot()] * len(self.tracks))

    def place(self, state: tuple[Lead, ...]) -> Place:
        """See `KeyCourse.place`."""
        return tuple(lead.place for lead in state)

    def take(self, state: tuple[Lead, ...], most: int | None, send: Send) -> Flow[Haul[T]]:
        """See `KeyCourse.take`; a page where `most` is None."""
        if most is None and self.plain:
            return (yield from self._page(state[0], send))
        items, leads, before = list[T](), state, None
        while True:
            wanted = None if most is None else most - len(items)
            leads = yield from self._filled(leads, wanted, send)
            before = self._before(leads) if before is None else before
            rows, leads = self._picked(leads, wanted)
            items += yield from self._settled(rows, send)
            if len(items) == most and len(leads) > 1 and not any(lead.rows for lead in leads):
                leads = yield from self._filled(leads, 1, send)  # is there more?
            ended = all(lead.spot.over and not lead.rows for lead in leads)
            if ended or most is None or len(items) == most:
                break
        return Haul(items[::-1] if self.backward else items, None if ended else leads, before)

    def _track(self, lane: Lane, forward: bool) -> _Track:
        judge = _judge(self.plan, (*lane.judged, *(Not(part) for part in lane.excluded)))
        reader: Reader[Any] = wire_reader if lane.hydrated else self.reader
        fields = tuple(dict.fromkeys((*self.plan.key_fields(lane), *sorted(lane.needed))))
        search = self.plan.search(lane, self.table, reader, forward=forward)
        return _Track(lane, search, judge, fields)

    def _page(self, lead: Lead, send: Send) -> Flow[Haul[T]]:
        """A page as the service gives it, of which nothing needs to be looked at."""
        if lead.spot.over:
            return Haul([], None, None)
        search = replace(self.tracks[0].search, start=lead.spot.start)
        page = search.reader.read_page((yield from send(search.call())), table=self.table)
        last = page.last_evaluated_key
        return Haul(list(page.items), None if last is None else self.start((Spot(last),)), None)

    def _filled(self, leads: tuple[Lead, ...], wanted: int | None, send: Send) -> Flow[tuple[Lead, ...]]:
        """Read on in the lanes of which the next row is needed."""
        now = list(leads)
        while dry := self._dry(now, wanted):
            flows = [self._read(self.tracks[at], now[at], wanted, len(dry), send) for at in dry]
            read = [(yield from flows[0])] if len(flows) == 1 else (yield Together(flows))
            for at, lead in zip(dry, read, strict=True):
                now[at] = lead
        return tuple(now)

    def _dry(self, leads: Sequence[Lead], wanted: int | None) -> list[int]:
        """The lanes to read on in.

        Of lanes that come one after the other it is the next one; where everything is wanted, some that come
        after it are begun beside it.
        """
        going_on = [at for at in self._order() if leads[at].rows or not leads[at].spot.over]
        dry = [at for at in going_on if not leads[at].rows]
        if self.together:
            return dry
        if not dry or dry[0] != going_on[0]:
            return []
        if wanted is not None or leads[dry[0]].spot.start is not None:
            return dry[:1]
        return [at for at in dry if leads[at].spot.start is None][:BEGUN_TOGETHER]

    def _read(self, track: _Track, lead: Lead, wanted: int | None, beside: int, send: Send) -> Flow[Lead]:
        look = self._look(track.lane, wanted, len(self.tracks) if self.together else beside)
        spot, rows = lead.spot, tuple[Row, ...]()
        while not rows and not spot.over:
            search = replace(track.search, start=spot.start, evaluate=look)
            reply = yield from send(search.call())
            page = search.reader.read_page(reply, table=self.table)
            spot = Spot(page.last_evaluated_key, over=page.last_evaluated_key is None)
            rows = self._rows(track, page.items, reply)
            look = None if look is None else min(look * 4, WIDEST_LOOK)
        return Lead(spot, lead.taken, rows)

    def _rows(self, track: _Track, items: Sequence[Any], reply: Reply) -> tuple[Row, ...]:
        found = (Row(*both) for both in zip(items, entries_of(reply, track.fields), strict=True))
        if track.judge is None or track.lane.hydrated:
            return tuple(found)
        return tuple(row for row in found if track.judge(row.entry))

    def _look(self, lane: Lane, wanted: int | None, lanes: int) -> int | None:
        if wanted is None:
            page = HYDRATED_PAGE if lane.hydrated else None if lanes == 1 else MERGED_PAGE
            return page if page is None else max(page // lanes, 10)
        if self.plan.asked(lane.filter) or lane.judges:
            return max(wanted, FIRST_FILTERED_LOOK)
        share = wanted + 1 if lanes == 1 else min(wanted + 1, 2 * ceil(wanted / lanes) + 1)
        return min(share, WIDEST_LOOK)

    def _picked(
        self, leads: tuple[Lead, ...], wanted: int | None
    ) -> tuple[list[tuple[_Track, Row]], tuple[Lead, ...]]:
        """The next rows of all lanes in the plan's order, and what is left."""
        if len(leads) > 1 and self.together:
            picked = self._merged(leads)
        else:
            first = next((at for at in self._order() if leads[at].rows), None)
            picked = [] if first is None else [(first, row) for row in leads[first].rows]
        picked = picked[:wanted]
        taken = [0] * len(leads)
        for at, _ in picked:
            taken[at] += 1
        left = tuple(
            self._after(track, lead, count)
            for track, lead, count in zip(self.tracks, leads, taken, strict=True)
        )
        return [(self.tracks[at], row) for at, row in picked], left

    def _merged(self, leads: tuple[Lead, ...]) -> list[tuple[int, Row]]:
        """Rows that nothing unread can come before: up to the nearest last row of a lane that goes on."""
        descending = self.plan.forward is self.backward
        order = [  # of two that sort alike the one of the earlier lane comes first, whatever page they are on
            [(_rank(row.entry, track.lane.index.sort), at) for row in lead.rows]
            for at, (track, lead) in enumerate(zip(self.tracks, leads, strict=True))
        ]
        edges = [ranks[-1] for ranks, lead in zip(order, leads, strict=True) if not lead.spot.over]
        edge = None if not edges else max(edges) if descending else min(edges)
        safe = [
            (ranked, row)
            for ranks, lead in zip(order, leads, strict=True)
            for ranked, row in zip(ranks, lead.rows, strict=True)
            if edge is None or (ranked >= edge if descending else ranked <= edge)
        ]
        safe.sort(key=lambda found: found[0], reverse=descending)
        return [(ranked[1], row) for ranked, row in safe]

    def _after(self, track: _Track, lead: Lead, count: int) -> Lead:
        if not count:
            return lead
        last = lead.rows[count - 1].entry
        key = {name: last[name] for name in self.plan.key_fields(track.lane)}
        return Lead(lead.spot, Spot(key), lead.rows[count:])

    def _settled(self, rows: Sequence[tuple[_Track, Row]], send: Send) -> Flow[list[T]]:
        """The items of rows; those of an index that lacks some of them are fetched from the table."""
        fetched = [row.entry for track, row in rows if track.lane.hydrated]
        if not fetched:
            return [row.item for _, row in rows]
        keys = [{name: entry[name] for name in self.plan.schema.key_fields} for entry in fetched]
        batch = BatchGet(
            table=self.table,
            keys=keys,
            reader=wire_reader,
            projection=self.plan.item_projection(),
            consistent=self.plan.consistent,
        )
        found = iter((yield from batch.flow(send)))
        items: list[T] = []
        for track, row in rows:
            if not track.lane.hydrated:
                items.append(row.item)
            elif (item := next(found)) is not None and (track.judge is None or track.judge(item)):
                items.append(self.reader.decode(item, table=self.table))
        return items

    def _before(self, leads: tuple[Lead, ...]) -> Place:
        """Where the other direction starts: before the first row of each lane."""
        order = self._order()
        active = next((at for at in order if leads[at].rows), None)
        spots = [self._head(track, lead) for track, lead in zip(self.tracks, leads, strict=True)]
        if not self.together and active is not None:
            for at in order[order.index(active) + 1 :]:
                spots[at] = Spot(over=True)
        return tuple(spots)

    def _head(self, track: _Track, lead: Lead) -> Spot:
        if not lead.rows:
            return Spot()
        if track.lane.one:
            return Spot(over=True)
        return Spot({name: lead.rows[0].entry[name] for name in self.plan.key_fields(track.lane)})

    def _order(self) -> list[int]:
        order = list(range(len(self.tracks)))
        return order[::-1] if self.backward else order


Course: TypeAlias = KeyCourse[T] | LaneCourse[T]


def course_of(plan: Plan, table: str, reader: Reader[T], *, backward: bool = False) -> Course[T]:
    """The way to carry out a plan."""
    make: Callable[..., Course[T]] = KeyCourse if plan.keys else LaneCourse
    return make(plan, table, reader, backward=backward)


def packed(place: Place) -> Any:
    """A place as JSON has it."""
    if isinstance(place, int):
        return place
    return [[spot.start, spot.over] if spot.over or spot.start else None for spot in place]


def unpacked(packed: Any) -> Place:
    """The place that was packed."""
    if isinstance(packed, int):
        return packed
    return tuple(Spot(*spot) if spot else Spot() for spot in packed)


def _judge(plan: Plan, parts: Sequence[Any]) -> Judge | None:
    return judge_of(AllOf(tuple(parts)), plan.schema.codec.encode_attribute) if parts else None


def _rank(entry: WireItem, sort: Sequence[str]) -> tuple[Any, ...]:
    return tuple(rank(entry[name]) for name in sort)
