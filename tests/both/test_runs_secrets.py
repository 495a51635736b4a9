"""Secrets inside of values: none is in what a run stores of itself, nor in what it tells, on both faces."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.run_blocks import Blocks, stored
from tests.support.secret_texts import SECRET_TEXTS, urls

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.models import DataQualityResult, PipelineConfig, PipelineRunLog
from dynamodb_wrapper.runs.lineage import OpenLineage

SECRET = "Xy7hunterQ2zz"

HARMLESS = {
    "primary_key": "order_id",
    "keyspace": "sales",
    "token_count": 5,
    "max_tokens": Decimal(4096),
    "filter": "primary_key=order_id and keyspace=sales and token_count=5",
    "partition_columns": ["token", "signature_day", "password_changed_at"],
    "path": "s3a://bucket/a:b/primary_key=5/part-0.parquet",
    "lake": "abfss://container@account.dfs.core.windows.net/path",
    "bootstrap": "kafka://one:9092,two:9092",
    "with port": "http://host:8080/users/ada@example.com",
    "mail": "ada@example.com",
    "use_token": True,
    "not set": {"password": None},
}


class Doors:
    """A pipeline and its runs; `run(texts)` has a run that fails, with the texts at every door."""

    def __init__(self, face: str, config: DynamoDBConfig, read: Callable[[str], Any], events: Path) -> None:
        self.blocks, self._config, self._read, self._events = Blocks(face), config, read, events
        self._number = 0

    async def run(self, texts: list[str]) -> dict[str, str]:
        """What is stored and told, each as one text."""
        self._number += 1
        run_id = f"r{self._number}"
        self._configure(texts)
        lineage = OpenLineage(self._events)
        all_texts = "\n".join(texts)
        options: dict[str, Any] = {
            "config": self._config,
            "run_id": run_id,
            "watchers": [lineage],
            "tags": {"all": all_texts},
            "log_messages": [{"deep": [{"text": text} for text in texts]}],
            "data_quality_results": [
                DataQualityResult(check_name="before", passed=False, error_message=all_texts)
            ],
        }
        with pytest.raises(RuntimeError):
            async with self.blocks.run("p", **options) as run:
                await self._record(run, texts)
        assert lineage.flush()
        events, item = self._events.read_text(), self._read(run_id)
        self._events.unlink()
        return {"stored": json.dumps(item, default=str, ensure_ascii=False), "told": events}

    def _configure(self, texts: list[str]) -> None:
        nested: dict[str, Any] = {str(number): [{"in": [text]}] for number, text in enumerate(texts)}
        with DynamoDB(self._config) as db:
            db.put(
                PipelineConfig(
                    pipeline_id="p",
                    pipeline_name="Sales",
                    description=texts[0],
                    source_type="database",
                    source_config=nested,
                    destination_type="s3",
                    destination_config={text: number for number, text in enumerate(texts)},
                    spark_config={f"spark.x.{number}": text for number, text in enumerate(texts)},
                )
            )

    async def _record(self, run: Any, texts: list[str]) -> None:
        for number, text in enumerate(texts):
            run.input(text, rows=1)
            run.output(text)
            run.metric(f"metric {number}", {"in": [text, {text}]})
            run.check(f"check {number}", passed=False, expected=text, actual=[text], message=text)
        run.metric(texts[0], Exception(texts[0]))
        run.skip_stage(texts[0])
        run.note(monitoring_urls={"ui": texts[-1]}, log_messages=[{"text": "\n".join(texts)}])
        async with self.blocks.stage(run, f"stage {texts[0]}") as stage:
            stage.metrics["from"] = texts[0]
        async with self.blocks.stage(run, "failing"):
            try:
                raise ValueError(texts[0])
            except ValueError as error:
                error.add_note(texts[-1])
                raise RuntimeError("\n".join(texts)) from error


@pytest.fixture(params=["sync", "async"])
def doors(
    request: pytest.FixtureRequest,
    config: DynamoDBConfig,
    tables: Callable[..., list[str]],
    boto3_client: Any,
    tmp_path: Path,
) -> Doors:
    names = tables(PipelineRunLog, PipelineConfig)

    def read(run_id: str) -> Any:
        key = {"run_id": {"S": run_id}, "pipeline_id": {"S": "p"}}
        return boto3_client.get_item(TableName=names[0], Key=key, ConsistentRead=True)["Item"]

    return Doors(request.param, config, read, tmp_path / "lineage.jsonl")


async def test_no_secret_in_a_text_is_stored_or_told(doors: Doors) -> None:
    leaks = []
    for template in SECRET_TEXTS:
        found = await doors.run([template.format(SECRET)])
        leaks += [(template, where) for where, text in found.items() if SECRET in text]
    assert leaks == []


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(drawn=st.lists(urls(), min_size=1, max_size=12))
def test_no_secret_of_a_generated_text_is_stored_or_told(doors: Doors, drawn: list[tuple[str, str]]) -> None:
    found = asyncio.run(doors.run([text for _, text in drawn]))
    for secret, _ in drawn:
        assert [where for where, text in found.items() if secret in text] == []


async def test_what_is_cut_off_is_not_the_end_of_which_a_secret_is_known_by(doors: Doors) -> None:
    for before in range(1960, 2001, 4):
        found = await doors.run(["x" * before + f" https://ada:{SECRET}@host.example/path"])
        assert SECRET[:6] not in found["stored"] + found["told"]
    frames = "\n".join(f"https://ada:{SECRET}@host.example/{number}" for number in range(400))
    found = await doors.run([frames])
    assert SECRET[-6:] not in found["stored"] + found["told"]


async def test_the_rest_of_a_value_stays(doors: Doors, config: DynamoDBConfig) -> None:
    await doors.run(["https://ada:hidden@host.example/path", "jdbc:x://db/s?password=hidden&user=ada"])
    with DynamoDB(config) as db:
        log = stored(db, "r1")
    assert log.input_tables == ["https://***@host.example/path", "jdbc:x://db/s?password=***&user=ada"]
    assert log.config_snapshot["spark_config"]["spark.x.1"] == "jdbc:x://db/s?password=***&user=ada"
    assert log.error_message is not None
    assert log.error_message.startswith(
        "RuntimeError: https://***@host.example/path\njdbc:x://db/s?password=***"
    )


async def test_the_value_of_a_secret_name_is_left_out_wherever_it_is_recorded(
    doors: Doors, config: DynamoDBConfig
) -> None:
    with DynamoDB(config) as db:
        db.put(
            PipelineConfig(
                pipeline_id="p",
                pipeline_name="Sales",
                source_type="s3",
                destination_type="s3",
                spark_config={"fs.azure.account.key.a.dfs.example": SECRET, "fs.azure.sas.c.a": SECRET},
                source_config={"env": [{"name": "DB_PASSWORD", "value": SECRET}], "pwd": 12345},
            )
        )
        async with doors.blocks.run("p", config=config, run_id="r", tags={"token": SECRET}) as run:
            run.metric("api_token", SECRET)
            run.metric("source", {"credentials": {"user": SECRET}})
            run.note(log_messages=[{"password": SECRET}])
        log = stored(db)
    assert SECRET not in log.model_dump_json()
    assert log.config_snapshot["source_config"] == {
        "env": [{"name": "DB_PASSWORD", "value": "(redacted)"}],
        "pwd": "(redacted)",
    }


async def test_what_is_harmless_is_stored_as_it_is(doors: Doors, config: DynamoDBConfig) -> None:
    harmless = [value for value in HARMLESS.values() if isinstance(value, str)]
    with DynamoDB(config) as db:
        db.put(
            PipelineConfig(
                pipeline_id="p",
                pipeline_name="Sales",
                source_type="s3",
                destination_type="s3",
                source_config=HARMLESS,
            )
        )
        async with doors.blocks.run("p", config=config, run_id="r") as run:
            run.metric("harmless", HARMLESS)
            for text in harmless:
                run.input(text)
        log = stored(db)
    assert log.metrics["harmless"] == HARMLESS
    assert log.input_tables == harmless
    snapshot = log.config_snapshot["source_config"]
    assert {**snapshot, "max_tokens": Decimal(snapshot["max_tokens"])} == HARMLESS
