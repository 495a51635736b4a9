"""What all commands on runs share: which run is meant, and what a run's times imply.

Knows the key of a run. Must not know what the commands change.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Path
from dynamodb_wrapper.handlers.given import mapping
from dynamodb_wrapper.handlers.pipeline_run_logs.inputs import ambiguous, having, partition_of
from dynamodb_wrapper.handlers.writing import Commands
from dynamodb_wrapper.models import PipelineRunLog, PipelineRunLogUpsert
from dynamodb_wrapper.operations import Query, Take
from dynamodb_wrapper.operations.intents import not_found
from dynamodb_wrapper.operations.readers import plain

MICROSECOND = timedelta(microseconds=1)
WRITTEN_ELSEWHERE = {
    "status": "update_run_status or finish_pipeline_run, so that a run that is over stays over",
    "stages": "add_stage_info, so that no other stage is lost",
}


class RunCommands(Commands[PipelineRunLog, PipelineRunLogUpsert]):
    """The part that all commands on runs are made of."""

    model = PipelineRunLog
    dto = PipelineRunLogUpsert

    def _find_key(self, run_id: str, pipeline_id: str | None) -> Flow[dict[str, Any] | None]:
        """The key of a run, looked up where only its first half is known; None where there is no such run."""
        if pipeline_id is not None:
            return {"run_id": run_id, "pipeline_id": pipeline_id}
        schema = self._schema
        query = Query(
            table=self._table,
            reader=plain,
            key_fields=schema.key_fields,
            key_condition=having("run_id", partition_of(schema, run_id)["run_id"]),
            projection=[Path((name,)) for name in schema.key_fields],
            consistent=True,
            encode=schema.codec.encode_attribute,
        )
        found = (yield from Take(query, 2).flow(self.client.send)).items
        if len(found) > 1:
            raise ambiguous(run_id)
        return found[0] if found else None

    def _key(self, run_id: str, pipeline_id: str | None) -> Flow[dict[str, Any]]:
        key = yield from self._find_key(run_id, pipeline_id)
        if key is None:
            raise not_found(self._schema, self._table, {"run_id": run_id}, "Query")
        return key

    def _new(self, dto: PipelineRunLogUpsert, **more: object) -> PipelineRunLog:
        """As for every model, but a run of which only the end is known does not start after it."""
        dto = self._checked(dto)
        if dto.start_time is None and dto.end_time is not None:
            more = {"start_time": dto.end_time, **more}
        return super()._new(completed(dto), **more)

    def _upsert(self, dto: PipelineRunLogUpsert) -> Flow[PipelineRunLog]:
        return super()._upsert(completed(self._checked(dto)))

    def _update(
        self, key: object, updates: Mapping[str, Any], condition: object = None
    ) -> Flow[PipelineRunLog]:
        updates = mapping("updates", updates, '{"environment": "prod"}')
        if refused := [name for name in WRITTEN_ELSEWHERE if name in updates]:
            errors = {name: [f"is changed by {WRITTEN_ELSEWHERE[name]}"] for name in refused}
            told = "; ".join(f"{name} {texts[0]}" for name, texts in errors.items())
            raise ValidationError(f"the update of a run is not valid: {told}", errors=errors)
        return super()._update(key, updates, condition)


def completed(dto: PipelineRunLogUpsert) -> PipelineRunLogUpsert:
    """The same with what follows from it where it is left open.

    That is the duration, from its start and end, and that its data is not good, from a check that failed.
    """
    follows: dict[str, Any] = {}
    if dto.duration_seconds is None and dto.start_time is not None and dto.end_time is not None:
        follows["duration_seconds"] = seconds_between(dto.start_time, dto.end_time)
    given = "data_quality_passed" in dto.model_fields_set
    if not given and not all(result.passed for result in dto.data_quality_results):
        follows["data_quality_passed"] = False
    return dto.model_copy(update=follows) if follows else dto


def seconds_between(start: datetime, end: datetime) -> Decimal:
    """The seconds from one time to another, exact to the microsecond."""
    return Decimal((end - start) // MICROSECOND).scaleb(-6)
