from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import field_validator

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import (
    Dto,
    DynamoDBModel,
    PipelineConfig,
    PipelineConfigUpsert,
    PipelineRunLog,
    PipelineRunLogUpsert,
    RunStatus,
    TableConfig,
    TableConfigUpsert,
    validate_update,
)

STORED = PipelineConfig(
    pipeline_id="p1",
    pipeline_name="Flights",
    source_type="file",
    destination_type="warehouse",
    memory_gb=Decimal(2),
)


def update(changes: dict[str, Any], current: PipelineConfig = STORED) -> dict[str, Any]:
    return validate_update(PipelineConfigUpsert, PipelineConfig, current, changes, keys=("pipeline_id",))


def refused(changes: dict[str, Any], current: PipelineConfig = STORED) -> dict[str, list[str]]:
    with pytest.raises(ValidationError, match="the update of PipelineConfig is not valid") as caught:
        update(changes, current)
    return caught.value.errors


def test_only_the_changed_fields_come_back_with_the_models_types() -> None:
    assert update({"memory_gb": 0.5, "tags": {"a": "b"}, "description": None}) == {
        "memory_gb": Decimal("0.5"),
        "tags": {"a": "b"},
        "description": None,
    }


def test_a_changed_field_obeys_the_dtos_limits() -> None:
    assert set(
        refused({"environment": "qa", "cpu_cores": 0, "schedule_expression": "x", "pipeline_name": None})
    ) == {
        "environment",
        "cpu_cores",
        "schedule_expression",
        "pipeline_name",
    }


def test_a_rule_looks_at_what_is_stored_and_what_changes() -> None:
    assert update({"cpu_cores": 4}) == {"cpu_cores": 4}
    assert set(refused({"cpu_cores": 5})) == {"memory_gb"}
    assert update({"cpu_cores": 5, "memory_gb": 3}) == {"cpu_cores": 5, "memory_gb": Decimal(3)}


def test_stored_values_that_break_a_rule_do_not_hinder_other_changes() -> None:
    old = STORED.model_copy(update={"cpu_cores": 900, "environment": "qa", "source_type": "ftp"})
    assert update({"description": "new"}, old) == {"description": "new"}
    assert set(refused({"cpu_cores": 800}, old)) == {"memory_gb"}


def test_unknown_and_key_fields_are_refused() -> None:
    errors = refused({"pipeline_id": "p2", "descripton": "x"})
    assert errors["descripton"] == ["there is no such field; did you mean 'description'?"]
    assert "part of the key" in errors["pipeline_id"][0]


def test_a_field_that_only_the_model_has_obeys_the_models_type() -> None:
    moment = datetime(2026, 1, 31, tzinfo=UTC)
    changes = {"record_count": "7", "last_updated_data": moment, "is_active": False}
    assert validate_update(TableConfigUpsert, TableConfig, {}, changes) == {
        "record_count": 7,
        "last_updated_data": moment,
        "is_active": False,
    }
    with pytest.raises(ValidationError) as caught:
        validate_update(
            TableConfigUpsert, TableConfig, {}, {"size_bytes": "many", "last_updated_data": datetime.now()}
        )
    assert set(caught.value.errors) == {"size_bytes", "last_updated_data"}
    assert "ensure_timezone_aware" in caught.value.errors["last_updated_data"][0]


def test_a_change_to_a_terminal_status_ends_the_run_once() -> None:
    ended = validate_update(
        PipelineRunLogUpsert, PipelineRunLog, {"status": RunStatus.RUNNING}, {"status": "success"}
    )
    assert set(ended) == {"status", "end_time"}
    later = validate_update(PipelineRunLogUpsert, PipelineRunLog, {"status": RunStatus.SUCCESS}, {"tags": {}})
    assert later == {"tags": {}}


def test_nothing_changed_is_nothing_to_write() -> None:
    assert update({}) == {}


def test_a_users_own_dto_keeps_its_field_validators() -> None:
    class Note(DynamoDBModel):
        id: str
        text: str

    class NoteInput(Dto):
        id: str
        text: str

        @field_validator("text")
        @classmethod
        def _short(cls, text: str) -> str:
            if len(text) > 3:
                raise ValueError("too long")
            return text

    assert validate_update(NoteInput, Note, {}, {"text": "abc"}) == {"text": "abc"}
    with pytest.raises(ValidationError) as caught:
        validate_update(NoteInput, Note, {}, {"text": "abcd"})
    assert caught.value.errors == {"text": ["too long"]}
