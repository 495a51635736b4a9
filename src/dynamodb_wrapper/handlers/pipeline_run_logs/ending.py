"""The end of a run, and in the same write that of the stages which it leaves open.

Knows stages as they are stored. Must not know who ends a run, nor which runs may be ended.

The first attempt asks that no stage is open, so that nothing is read before. Where one is, the refusal brings
the run, and the next attempt writes its stages anew if they still are as they were seen. They are taken as
they are stored, so that what older versions or other software put there stays, also in a run that does not
fit its model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from operator import eq
from time import monotonic
from typing import Any

from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Send, Write
from dynamodb_wrapper.exceptions import ConditionalCheckFailedError, ValidationError
from dynamodb_wrapper.expressions import (
    AllOf,
    AnyOf,
    Assign,
    Change,
    Compare,
    Condition,
    Exists,
    In,
    Missing,
    Not,
    Path,
    Remove,
    Update,
    all_of,
)
from dynamodb_wrapper.expressions.conditions import Size
from dynamodb_wrapper.expressions.params import Wire
from dynamodb_wrapper.handlers.pipeline_run_logs.inputs import OPEN
from dynamodb_wrapper.handlers.pipeline_run_logs.runs import seconds_between
from dynamodb_wrapper.handlers.pipeline_run_logs.stages import PLACES, STAGES
from dynamodb_wrapper.models import PipelineRunLog, RunStatus, StageInfo
from dynamodb_wrapper.operations import UpdateItem
from dynamodb_wrapper.operations.intents import conflict, not_found
from dynamodb_wrapper.operations.keys import wire_key
from dynamodb_wrapper.operations.rekeying import rekeyed
from dynamodb_wrapper.operations.writes import as_stored
from dynamodb_wrapper.schema import TableSchema
from dynamodb_wrapper.timezones import parse_iso
from dynamodb_wrapper.wire.values import WireItem, WireValue

CURRENT = Path(("current_stage",))


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRun(Write[PipelineRunLog]):
    """End a run that exists, and its open stages with it; returns it as it is afterwards.

    A stage that was running ends as the run does, at the same time; one that had not begun is skipped. No
    stage is the current one any more. A missing run is `ItemNotFoundError`, a guard that fails
    `ConflictError`, which carries the run as it is. Doing it twice ends as doing it once.

    Parameters:
        changes: those of the run itself, such as its status.
        status: how the run ends.
        end: when.
        guard: what must hold of the run; nothing in it is of the stages.
        timeout_seconds: how long to go on when other writers keep changing the stages.
    """

    schema: TableSchema[PipelineRunLog]
    table: str
    key: Mapping[str, Any]
    changes: Sequence[Change]
    status: RunStatus
    end: datetime
    guard: Condition | None
    timeout_seconds: float

    def call(self) -> Call:
        """The first request; see `Operation.call`."""
        return self._write(_UNSEEN).call()

    def parse(self, reply: Reply) -> PipelineRunLog:
        """See `Operation.parse`."""
        after = self._write(_UNSEEN).parse(reply)
        assert after is not None, "ALL_NEW brings the item"
        return after

    def flow(self, send: Send) -> Flow[PipelineRunLog]:
        """See `Operation.flow`."""
        deadline = monotonic() + self.timeout_seconds
        seen = _UNSEEN
        while True:
            try:
                after = yield from self._write(seen).flow(send)
            except ConditionalCheckFailedError as error:
                run: WireItem | None = error.current_item
                if run is None:
                    raise not_found(self.schema, self.table, self.key, "UpdateItem") from error
                stages = run.get(STAGES)
                if seen.holds_of(stages) or monotonic() >= deadline:
                    error.current_item = as_stored(self.schema.codec, run, self.table)
                    why = "is not in the state that the update needs; nothing was written"
                    raise conflict(self.schema, self.key, error, why) from error
                seen = _Seen(_are(stages), partial(eq, stages), self._ended(stages))
            except ValidationError:  # the service's, for an item that has no room left
                if seen.ended is None:
                    raise
                seen = _Seen(None, lambda _: True)
            else:
                assert after is not None, "ALL_NEW brings the item"
                return after

    def _write(self, seen: _Seen) -> UpdateItem[PipelineRunLog]:
        changes = [*rekeyed(self.schema, self.key, self.changes, self.table).changes, Remove(CURRENT)]
        if seen.ended is not None:
            changes.append(Assign(Path((STAGES,)), Wire(seen.ended)))
        return UpdateItem(
            table=self.table,
            key=wire_key(self.schema, self.key, self.table),
            update=Update(tuple(changes)),
            reader=_RefusedAsStored(self.schema),
            condition=all_of(Exists(Path((self.schema.partition_key,))), self.guard, seen.condition),
            encode=self.schema.codec.encode_attribute,
            returns="ALL_NEW",
            repeatable=True,
        )

    def _ended(self, stages: WireValue | None) -> WireValue | None:
        """The same stages, of which none is open; None where none was."""
        if not any(map(_is_open, _listed(stages))):
            return None
        return {"L": [self._end(stage) if _is_open(stage) else stage for stage in _listed(stages)]}

    def _end(self, stage: WireValue) -> WireValue:
        fields: WireItem = stage["M"]
        if fields["status"]["S"] == RunStatus.PENDING:
            return {"M": fields | {"status": {"S": RunStatus.SKIPPED.value}}}
        start = _moment(fields.get("start_time"))
        end = self.end if start is None else max(self.end, start)
        told = StageInfo(
            stage_name="",
            status=self.status,
            end_time=end,
            duration_seconds=None if start is None else seconds_between(start, end),
        )
        [encoded] = self.schema.codec.encode_attribute(STAGES, [told])["L"]
        known = {name: value for name, value in encoded["M"].items() if value != {"NULL": True}}
        return {"M": fields | known | {"stage_name": fields.get("stage_name", {"S": ""})}}


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a write takes a run's stages to be.

    Parameters:
        condition: that they are so, for the service.
        holds_of: the same of stages that stood in the way.
        ended: what they become; None where they stay.
    """

    condition: Condition | None
    holds_of: Callable[[WireValue | None], bool]
    ended: WireValue | None = None


class _RefusedAsStored:
    """Reads runs, but leaves one that stands in the way as it is stored."""

    def __init__(self, schema: TableSchema[PipelineRunLog]) -> None:
        self._codec = schema.codec
        self.read_item = schema.codec.read_item
        self.read_page = schema.codec.read_page

    def decode(self, item: Mapping[str, WireValue], *, table: str = "") -> Any:
        return item


def _no_stage_is_open() -> Condition:
    """That the list of stages ends within its first places, and that none of those is open."""
    stages = Path((STAGES,))
    open_ones = AnyOf(tuple(In(Path((STAGES, at, "status")), OPEN) for at in range(PLACES)))
    return AllOf((AnyOf((Missing(stages), Size(stages, "<", PLACES))), Not(open_ones)))


def _may_be_unseen(stages: WireValue | None) -> bool:
    """Whether `_no_stage_is_open` holds of them."""
    listed = _listed(stages)
    return (stages is None or "L" in stages) and len(listed) < PLACES and not any(map(_is_open, listed))


def _are(stages: WireValue | None) -> Condition:
    path = Path((STAGES,))
    return Missing(path) if stages is None else Compare(path, "=", Wire(stages))


def _listed(stages: WireValue | None) -> Sequence[WireValue]:
    return () if stages is None else stages.get("L", ())


def _is_open(stage: WireValue) -> bool:
    status = stage.get("M", {}).get("status", {}).get("S")
    return status in OPEN


def _moment(stored: WireValue | None) -> datetime | None:
    """A time as it is stored; None where it is none."""
    try:
        return None if stored is None else parse_iso(stored.get("S", ""), "UTC")
    except ValidationError:
        return None


_UNSEEN = _Seen(_no_stage_is_open(), _may_be_unseen)
