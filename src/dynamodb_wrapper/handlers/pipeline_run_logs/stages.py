"""Stages of a run: added or replaced by name, however many writers there are at once.

Knows how a list of stages is changed in place. Must not know the life of a run.

A run's stages are one list. An append carries the condition that none of the list's first places holds the
name, so writers of different stages never disturb each other, and nothing is read before. Only when the list
has outgrown those places, or holds the name, does the condition fail; the reply then brings the list, and the
next attempt looks behind what is known or replaces the stage in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from dynamodb_wrapper.engine.flow import Call, Flow, Reply, Send, Write
from dynamodb_wrapper.exceptions import ConditionalCheckFailedError
from dynamodb_wrapper.expressions import (
    AllOf,
    Assign,
    Change,
    Compare,
    Concat,
    Condition,
    Exists,
    In,
    Missing,
    Not,
    Params,
    Path,
    Remove,
    Update,
    all_of,
)
from dynamodb_wrapper.expressions.conditions import AnyOf, Size
from dynamodb_wrapper.handlers.pipeline_run_logs.inputs import TERMINAL
from dynamodb_wrapper.models import PipelineRunLog, StageInfo
from dynamodb_wrapper.operations import UpdateItem
from dynamodb_wrapper.operations.intents import changes_of, conflict, not_found
from dynamodb_wrapper.operations.keys import wire_key
from dynamodb_wrapper.operations.rekeying import rekeyed
from dynamodb_wrapper.schema import TableSchema
from dynamodb_wrapper.timezones import utcnow

STAGES = "stages"
PLACES = 64
"""How many places one condition looks at: 64 comparisons are well below an expression's 300 operators and
4 KB (DynamoDB Developer Guide, "Expression parameters")."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What must hold of a run, as the service judges it and as it is seen in a run that was refused."""

    condition: Condition
    holds: Callable[[PipelineRunLog], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class PutStage(Write[PipelineRunLog]):
    """Add a stage to a run that exists, or replace its stage of that name.

    Doing it twice ends as doing it once. It becomes the current stage unless the run is over. What an older
    stage of that name has beside the fields of `StageInfo` is kept.

    Parameters:
        timeout_seconds: how long to go on when other writers keep changing the run.
        guard: what else must hold of the run; where it does not, that is a `ConflictError`.
    """

    schema: TableSchema[PipelineRunLog]
    table: str
    key: Mapping[str, Any]
    stage: StageInfo
    timeout_seconds: float
    guard: Guard | None = None

    def call(self) -> Call:
        """The first request; see `Operation.call`."""
        return self._write(()).call()

    def flow(self, send: Send) -> Flow[PipelineRunLog]:
        """See `Operation.flow`."""
        deadline = monotonic() + self.timeout_seconds
        known: Sequence[StageInfo] = ()
        is_over = False
        while True:
            try:
                after = yield from self._write(known, is_over).flow(send)
            except ConditionalCheckFailedError as error:
                run: Any = error.current_item
                if run is None:
                    raise not_found(self.schema, self.table, self.key, "UpdateItem") from error
                if not isinstance(run, PipelineRunLog):
                    why = "does not fit its model as it is stored, so that no stage can be replaced: mend it"
                    raise conflict(self.schema, self.key, error, why) from error
                if self.guard is not None and not self.guard.holds(run):
                    raise conflict(self.schema, self.key, error, "takes no stage in its state") from error
                if monotonic() >= deadline:
                    why = f"kept changing for {self.timeout_seconds:g} s while a stage was added: try again"
                    raise conflict(self.schema, self.key, error, why) from error
                known, is_over = run.stages, run.status.is_terminal
            else:
                assert after is not None, "ALL_NEW brings the item"
                return after

    def parse(self, reply: Reply) -> PipelineRunLog:
        """See `Operation.parse`."""
        after = self._write(()).parse(reply)
        assert after is not None, "ALL_NEW brings the item"
        return after

    def _write(self, known: Sequence[StageInfo], is_over: bool = False) -> UpdateItem[PipelineRunLog]:
        names = [stage.stage_name for stage in known]
        place = names.index(self.stage.stage_name) if self.stage.stage_name in names else None
        changes: tuple[Change, ...]
        if place is None:
            changes = (Concat(Path((STAGES,)), [self.stage]),)
            condition: Condition = _NoneOfName(self.stage.stage_name, len(known))
        else:
            changes = _replacement(place, self.stage)
            condition = Compare(Path((STAGES, place, "stage_name")), "=", self.stage.stage_name)
        guard = None if self.guard is None else self.guard.condition
        over: Condition = In(Path(("status",)), TERMINAL)
        current = {} if is_over else {"current_stage": self.stage.stage_name}
        stamps = changes_of(self.schema, {**current, "updated_at": utcnow()})
        return UpdateItem(
            table=self.table,
            key=wire_key(self.schema, self.key),
            update=Update(rekeyed(self.schema, self.key, (*changes, *stamps)).changes),
            reader=self.schema.codec,
            condition=all_of(
                Exists(Path((self.schema.partition_key,))), condition, guard, over if is_over else Not(over)
            ),
            encode=self.schema.codec.encode_attribute,
            returns="ALL_NEW",
            repeatable=True,
        )


@dataclass(frozen=True, slots=True)
class _NoneOfName(Condition):
    """The list of stages ends within `PLACES` after the first `known`, and none of those has the name."""

    name: str
    known: int

    def encode(self, params: Params) -> str:
        """See `Condition.encode`."""
        stages, end = Path((STAGES,)), self.known + PLACES
        places = [Path((STAGES, at, "stage_name")) for at in range(self.known, end)]
        mark = params.plain_value(self.name, STAGES)
        taken = " OR ".join(f"{place.encode(params)} = {mark}" for place in places)
        room: Condition = AnyOf((Missing(stages), Size(stages, "<", end)))
        if self.known:
            room = AllOf((Size(stages, ">=", self.known), Size(stages, "<", end)))
        return f"({room.encode(params)} AND NOT ({taken}))"


def _replacement(place: int, stage: StageInfo) -> tuple[Change, ...]:
    changes: list[Change] = []
    for name in type(stage).model_fields:
        path, value = Path((STAGES, place, name)), getattr(stage, name)
        changes.append(Remove(path) if value is None else Assign(path, value))
    return tuple(changes)
