"""The JSON Schemas that the command gives, held against an independent validator and against pydantic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pydantic import BaseModel

from dynamodb_wrapper import (
    PipelineConfig,
    PipelineConfigUpsert,
    PipelineRunLog,
    PipelineRunLogUpsert,
    TableConfig,
    TableConfigUpsert,
    ValidationError,
)
from dynamodb_wrapper.cli import main
from dynamodb_wrapper.cli.schema import json_schema, json_schemas, schema_classes

CLASSES = schema_classes()
AT = "2026-07-01T12:00:00Z"
STAGE = {"stage_name": "load", "status": "success", "start_time": AT, "duration_seconds": "1.5"}
CHECK = {"check_name": "rows", "passed": True, "expected_value": [1], "actual_value": None}
PIPELINE = {
    "pipeline_id": "p1",
    "pipeline_name": "Flights",
    "description": None,
    "config": {"depth": [1, {"a": True}]},
    "source_type": "s3",
    "destination_type": "warehouse",
    "schedule_expression": "0 6 * * 1-5",
    "is_active": True,
    "environment": "prod",
    "version": "1.2.3",
    "cpu_cores": 2,
    "memory_gb": 4.5,
    "tags": {"team": "data"},
    "created_by": "ada",
}
TABLE = {
    "table_id": "orders",
    "pipeline_id": "p1",
    "table_name": "orders",
    "table_type": "source",
    "data_format": "parquet",
    "location": "s3://lake/orders",
    "partition_columns": ["day"],
    "cache_level": "MEMORY_ONLY",
    "retention_days": 30,
    "is_active": False,
}
RUN = {
    "run_id": "r1",
    "pipeline_id": "p1",
    "status": "failed",
    "trigger_type": "schedule",
    "start_time": AT,
    "end_time": "2026-07-01T14:00:00+02:00",
    "duration_seconds": "0",
    "error_message": "no space",
    "data_quality_results": [CHECK],
    "log_level": "warning",
    "log_messages": [{"text": "x"}],
}
STAMPS = {"created_at": AT, "updated_at": AT}
GIVEN: dict[str, dict[str, Any]] = {
    "StageInfo": STAGE,
    "DataQualityResult": CHECK,
    "PipelineConfig": PIPELINE | STAMPS,
    "PipelineConfigUpsert": PIPELINE,
    "PipelineConfigView": PIPELINE | STAMPS,
    "PipelineConfigSummaryView": PIPELINE | STAMPS,
    "TableConfig": TABLE | STAMPS | {"record_count": 7, "last_updated_data": AT},
    "TableConfigUpsert": TABLE,
    "TableConfigView": TABLE | STAMPS | {"size_bytes": 7},
    "TableConfigSummaryView": TABLE | {"record_count": 7},
    "PipelineRunLog": RUN | STAMPS | {"stages": [STAGE], "cpu_hours": 1.25},
    "PipelineRunLogUpsert": RUN,
    "PipelineRunLogStatusUpdate": {"status": "failed", "error_message": "no space", "end_time": AT},
    "PipelineRunLogView": RUN | STAMPS | {"retry_count": 1},
    "PipelineRunLogSummaryView": RUN,
}
ODD = [
    None,
    True,
    0,
    -1,
    7,
    100_000,
    0.25,
    "",
    "x",
    "a b",
    "dev",
    "s3",
    "x" * 300,
    [],
    ["x"],
    [1],
    {},
    {"a": "b"},
    {"a": 1},
]

CHECKED_BY_FORMAT = {
    "schedule_expression",
    *("start_time", "end_time", "created_at", "updated_at", "last_updated_data"),
    *("lease_until", "heartbeat_at"),
}
TOGETHER = ("per core is needed", "must be less than", "is required when", "must not be")

each_class = pytest.mark.parametrize("name", CLASSES)


def fields_of(name: str) -> dict[str, Any]:
    """What is given for a class; a DTO takes no other fields than its own."""
    return {field: value for field, value in GIVEN[name].items() if field in CLASSES[name].model_fields}


def accepts(model: type[BaseModel], document: dict[str, Any]) -> bool:
    try:
        model.model_validate_json(json.dumps(document))
    except (ValueError, ValidationError):
        return False
    return True


def test_every_model_view_and_dto_has_one() -> None:
    assert CLASSES.keys() == GIVEN.keys()


@each_class
def test_it_is_a_schema_of_draft_2020_12(name: str) -> None:
    schema = json_schema(CLASSES[name])
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == name
    assert schema["description"]
    Draft202012Validator.check_schema(schema)


@each_class
def test_what_an_instance_gives_as_json_fits_its_schema(name: str) -> None:
    model = CLASSES[name]
    written = model.model_validate_json(json.dumps(fields_of(name))).model_dump_json()
    Draft202012Validator(json_schema(model)).validate(json.loads(written))
    assert model.model_validate_json(written).model_dump_json() == written


@each_class
def test_a_field_that_fits_the_schema_is_taken(name: str) -> None:
    model, given = CLASSES[name], fields_of(name)
    schema = json_schema(model)
    tried = 0
    for field in model.model_fields.keys() - CHECKED_BY_FORMAT:
        part = Draft202012Validator(
            {"$defs": schema.get("$defs", {}), "properties": {field: schema["properties"][field]}}
        )
        for value in ODD:
            if part.is_valid({field: value}):
                assert problem_with(model, given | {field: value}) in (None, "together"), (field, value)
                tried += 1
    assert tried


def problem_with(model: type[BaseModel], document: dict[str, Any]) -> str | None:
    """ "together" where only a rule over several fields is broken, which JSON Schema cannot say."""
    try:
        model.model_validate_json(json.dumps(document))
    except ValidationError as error:
        texts = {text for told in error.errors.values() for text in told}
        return "together" if all(any(word in text for word in TOGETHER) for text in texts) else str(error)
    except ValueError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("PipelineConfigUpsert", "pipeline_id", "a b"),
        ("PipelineConfigUpsert", "environment", "production"),
        ("PipelineConfigUpsert", "source_type", "s4"),
        ("PipelineConfigUpsert", "cpu_cores", 0),
        ("PipelineConfigUpsert", "memory_gb", 0.25),
        ("PipelineConfigUpsert", "version", "1.2"),
        ("PipelineConfigUpsert", "is_active", None),
        ("PipelineConfigUpsert", "unknown", 1),
        ("TableConfigUpsert", "location", "lake/orders"),
        ("TableConfigUpsert", "table_type", "table"),
        ("TableConfigUpsert", "cache_level", "DISK"),
        ("PipelineRunLogUpsert", "trigger_type", "magic"),
        ("PipelineRunLogUpsert", "retry_count", 11),
        ("PipelineRunLogUpsert", "status", "done"),
        ("PipelineRunLogStatusUpdate", "status", None),
    ],
)
def test_what_the_rules_of_one_field_refuse_does_not_fit(name: str, field: str, value: object) -> None:
    document = fields_of(name) | {field: value}
    assert not accepts(CLASSES[name], document)
    assert not Draft202012Validator(json_schema(CLASSES[name])).is_valid(document)


def test_one_document_has_them_all() -> None:
    document = json_schemas(CLASSES.values())
    Draft202012Validator.check_schema(document)
    assert CLASSES.keys() <= document["$defs"].keys()
    for name in ("PipelineConfigUpsert", "PipelineRunLog"):
        inside = document | {"$ref": f"#/$defs/{name}"}
        assert Draft202012Validator(inside).is_valid(fields_of(name))
        assert not Draft202012Validator(inside).is_valid({})


def test_without_names_the_command_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    listed = dict(line.split()[::-1] for line in capsys.readouterr().out.splitlines())
    assert listed.keys() == CLASSES.keys()
    assert [
        listed[name] for name in ("PipelineConfig", "PipelineConfigView", "PipelineConfigUpsert", "StageInfo")
    ] == [
        "model",
        "view",
        "dto",
        "part",
    ]


def test_the_command_prints_one_or_several_as_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "TableConfigUpsert"]) == 0
    assert json.loads(capsys.readouterr().out) == json_schema(TableConfigUpsert)
    assert main(["schema", "PipelineConfig", "TableConfig"]) == 0
    assert json.loads(capsys.readouterr().out) == json_schemas([PipelineConfig, TableConfig])
    assert main(["schema", "--all"]) == 0
    assert json.loads(capsys.readouterr().out) == json_schemas(CLASSES.values())


def test_the_command_writes_a_file_for_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "made" / "here"
    assert main(["schema", "PipelineRunLog", "PipelineConfigUpsert", "--to", str(folder)]) == 0
    assert sorted(path.name for path in folder.iterdir()) == [
        "PipelineConfigUpsert.json",
        "PipelineRunLog.json",
    ]
    assert json.loads((folder / "PipelineRunLog.json").read_text()) == json_schema(PipelineRunLog)
    assert main(["schema", "--to", str(folder)]) == 0
    assert len(list(folder.iterdir())) == len(CLASSES)
    assert str(folder / "TableConfig.json") in capsys.readouterr().out.splitlines()


def test_an_unknown_name_is_told_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schema", "PipelineConfg", "--to", str(tmp_path / "x")]) == 1
    assert "did you mean 'PipelineConfig'" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_the_dtos_of_the_schema_are_those_that_the_apis_take() -> None:
    assert {PipelineConfigUpsert, TableConfigUpsert, PipelineRunLogUpsert} <= set(CLASSES.values())
