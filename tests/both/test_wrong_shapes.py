"""Arguments of the wrong shape: each is one clear error that names the parameter, before anything is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr

from dynamodb_wrapper import (
    AsyncDynamoDB,
    AsyncPipelineConfigReadApi,
    AsyncReadApi,
    AsyncWriteApi,
    DynamoDB,
    DynamoDBConfig,
    DynamoDBModel,
    PipelineConfig,
    PipelineConfigReadApi,
    PipelineConfigUpsert,
    PipelineConfigWriteApi,
    PipelineRunLog,
    PipelineRunLogsReadApi,
    PipelineRunLogsWriteApi,
    PipelineRunLogUpsert,
    ReadApi,
    TableConfigReadApi,
    TableConfigWriteApi,
    WriteApi,
)
from dynamodb_wrapper.core import create_async_table_gateway, create_table_gateway
from dynamodb_wrapper.exceptions import ConflictError, ItemNotFoundError, MetaError, ValidationError
from dynamodb_wrapper.models import DataQualityResult, RunStatus, StageInfo

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAIVE = datetime(2026, 1, 1)


async def refused(call: Any, says: str, *fields: str) -> None:
    """What is awaited is a ValidationError that says so of these fields."""
    with pytest.raises(ValidationError, match=says) as caught:
        await call
    if fields:
        assert tuple(caught.value.errors) == fields


class TestTimes:
    @pytest.mark.parametrize("wrong", ["20240101", "2024-01-01", 1704067200, NAIVE])
    async def test_of_queries(self, wrong: Any, face: Any) -> None:
        runs, tables = face(PipelineRunLogsReadApi), face(TableConfigReadApi)
        one = "aware datetime|without a time zone"
        await refused(tables.query_recent_configs(wrong), one, "since")
        await refused(tables.query_recent_configs(since=wrong, environment="dev"), one, "since")
        for pair in ((wrong, NOW), (NOW, wrong), (wrong, None)):
            await refused(runs.query_by_pipeline("p", start_time_range=pair), one, "start_time_range")
            await refused(runs.query_by_status("failed", time_range=pair), one, "time_range")
        await refused(runs.query_time_series("pipeline_id", "p", "start_time", wrong, NOW), one, "start_time")
        await refused(runs.query_time_series("pipeline_id", "p", "start_time", NOW, wrong), one, "end_time")

    async def test_a_range_is_a_pair(self, face: Any) -> None:
        runs = face(PipelineRunLogsReadApi)
        await refused(
            runs.query_by_pipeline("p", None, NOW), r"give a pair \(start, end\)", "start_time_range"
        )
        await refused(runs.query_by_status("failed", None, (NOW,)), r"give a pair", "time_range")

    @pytest.mark.parametrize("wrong", ["20240101", "2024-01-01T00:00:00Z", 5, NAIVE])
    async def test_the_end_of_a_run(self, wrong: Any, face: Any) -> None:
        write = face(PipelineRunLogsWriteApi)
        call = write.update_run_status("r", "p", "success", end_time=wrong)
        await refused(call, "end_time is", "end_time")

    @pytest.mark.parametrize("number", ["2020", "20240101", "1.5", " 7 ", 2020, 1.5])
    async def test_a_bare_number_in_an_update(self, number: Any, face: Any) -> None:
        write = face(PipelineConfigWriteApi)
        await refused(write.update_pipeline("p", {"created_at": number}), "bare number", "created_at")
        tables = face(TableConfigWriteApi)
        call = tables.update_table_statistics("t", last_updated_data=number)
        await refused(call, "bare number", "last_updated_data")
        call = tables.update_table("t", {"last_updated_data": number})
        await refused(call, "bare number", "last_updated_data")


class Room(DynamoDBModel):
    hotel: str
    number: int

    class Meta:
        table_name = "rooms"
        partition_key = "hotel"
        sort_key = "number"


class TestKeys:
    """There are no tables: whatever was sent would be another error."""

    @pytest.mark.parametrize(
        "wrong", [5, "p", b"p", {"pipeline_id": "p"}, Room(hotel="ritz", number=3), Room]
    )
    async def test_one_key_is_no_list(self, wrong: Any, face: Any) -> None:
        says = r"^keys is one key: give a list, as in keys=\[key\]$"
        await refused(face(DynamoDB).batch_get(PipelineConfig, wrong), says, "keys")

    async def test_the_parts_of_a_key_are_one(self, face: Any) -> None:
        db = face(DynamoDB)
        parts = r"is one key: give a list, as in \w+=\[{\"hotel\": 'ritz', \"number\": 3}\]$"
        await refused(db.batch_get(Room, ("ritz", 3)), f"^keys {parts}", "keys")
        await refused(
            db.batch_write(Room, deletes=("ritz", 3), outcomes=True), f"^deletes {parts}", "deletes"
        )

    @pytest.mark.parametrize("ask", ["batch_get", "transact_get"])
    async def test_keys_of_several_models_stand_beside_them(self, ask: str, face: Any) -> None:
        call = getattr(face(DynamoDB), ask)
        one = r"^keys is one key: give a list, as in keys=\[\(Model, key\)\]$"
        for wrong in (5, "p", Room(hotel="ritz", number=3), None):
            await refused(call(wrong), one, "keys")
        each = r" is no model with a key: give a list, as in keys=\[\(Model, key\)\]$"
        for several in ((PipelineConfig, "p"), ["p"], [(PipelineConfig, "p", 1)], [("p", PipelineConfig)]):
            await refused(call(several), each, "keys")
        await refused(call(PipelineConfig), f"^{ask} of PipelineConfig: give the keys to read$", "keys")


def dto() -> PipelineConfigUpsert:
    return PipelineConfigUpsert(pipeline_id="p", pipeline_name="P", source_type="s3", destination_type="s3")


class TestWrites:
    @pytest.mark.parametrize("updates", [["a"], "a", 5, None, dto()])
    async def test_updates_are_a_mapping(self, updates: Any, face: Any) -> None:
        says = "updates is .*: give a mapping such as"
        await refused(face(PipelineConfigWriteApi).update_pipeline("p", updates), says, "updates")
        await refused(face(TableConfigWriteApi).update_table("t", updates), says, "updates")
        await refused(face(PipelineRunLogsWriteApi).update({"run_id": "r"}, updates), says, "updates")

    @pytest.mark.parametrize("wrong", [None, 5, "a", {"a": 1}])
    async def test_many_are_a_list(self, wrong: Any, face: Any) -> None:
        pipelines, tables = face(PipelineConfigWriteApi), face(TableConfigWriteApi)
        await refused(pipelines.upsert_many(wrong), "give a list of PipelineConfigUpsert", "dtos")
        await refused(pipelines.activate_pipelines(wrong), "ids is .*: give a list of ids", "ids")
        await refused(tables.bulk_update_statistics(wrong), "statistics is", "statistics")
        if wrong is not None:  # None stands for every table
            call = tables.activate_tables_for_pipeline("p", wrong)
            await refused(call, "table_ids is .*: give a list of ids", "table_ids")

    @pytest.mark.parametrize("wrong", [None, {"pipeline_id": "p"}, "p"])
    async def test_what_is_stored_comes_from_a_dto(self, wrong: Any, face: Any) -> None:
        pipelines, runs = face(PipelineConfigWriteApi), face(PipelineRunLogsWriteApi)
        for call in (pipelines.create_pipeline, pipelines.upsert_pipeline, pipelines.create):
            await refused(call(wrong), "give a PipelineConfigUpsert$", "dto")
        for call in (runs.create_run_log, runs.upsert_run_log):
            await refused(call(wrong), "give a PipelineRunLogUpsert$", "dto")

    async def test_a_status_update_is_a_dto(self, face: Any) -> None:
        call = face(PipelineRunLogsWriteApi).update_run_status_with_dto("r", "p", {"status": "success"})
        await refused(call, "dto is a dict: give a PipelineRunLogStatusUpdate", "dto")

    @pytest.mark.parametrize("wrong", [["x"], "x", 5])
    async def test_metrics_are_a_mapping(self, wrong: Any, face: Any) -> None:
        call = face(PipelineRunLogsWriteApi).update_run_metrics("r", "p", wrong)
        await refused(call, "metrics is .*: give a mapping", "metrics")

    async def test_what_comes_after_a_left_out_pipeline_is_given_by_name(self, face: Any) -> None:
        write = face(PipelineRunLogsWriteApi)
        stage = StageInfo(stage_name="load", status=RunStatus.RUNNING)
        says = "pipeline_id comes before it.*give {0} by its name: {0}="
        await refused(write.add_stage_info("r", stage), says.format("stage"), "stage")
        await refused(write.update_run_metrics("r", {"retry_count": 1}), says.format("metrics"), "metrics")
        await refused(write.update_run_status("r", "success"), says.format("status"), "status")


class TestReads:
    @pytest.mark.parametrize("projection", [[1], [None], 5, [["a"]], "pipeline_id", {"pipeline_id": 1}])
    async def test_a_projection_is_a_list_of_names(self, projection: Any, face: Any) -> None:
        read = face(PipelineConfigReadApi)
        for call in (read.get_by_id("p", projection), read.query_active_pipelines(projection)):
            await refused(call, "projection is .*: give", "projection")

    async def test_a_partition_is_a_mapping(self, face: Any) -> None:
        read = face(PipelineConfigReadApi)
        for call in (read.query("o"), read.count("o"), read.query(None)):
            await refused(call, "give a mapping such as {'pipeline_id': value}", "partition")

    @pytest.mark.parametrize(("value", "says"), [("", "is empty"), ("x" * 2049, "2,049 bytes")])
    async def test_key_values_of_queries(self, value: str, says: str, face: Any) -> None:
        """The engines would answer differently; the service refuses them."""
        pipelines, runs, tables = map(
            face, (PipelineConfigReadApi, PipelineRunLogsReadApi, TableConfigReadApi)
        )
        await refused(pipelines.query_by_environment(value), says, "environment")
        await refused(pipelines.count_pipelines_by_environment(value), says, "environment")
        await refused(runs.query_by_pipeline(value), says, "pipeline_id")
        await refused(tables.query_by_pipeline(value), says, "pipeline_id")
        await refused(tables.query_by_table_type("source", value), says, "pipeline_id")

    @pytest.mark.parametrize("zone", ["", "Mars/Olympus", 5])
    async def test_a_zone_is_told_by_its_parameter(self, zone: Any, face: Any) -> None:
        read = face(PipelineConfigReadApi)
        for call in (
            read.get_by_id("p", user_timezone=zone),
            read.query_active_pipelines(user_timezone=zone),
            face(PipelineRunLogsReadApi).find_by_id("r", user_timezone=zone),
        ):
            await refused(call, "not an IANA time zone", "user_timezone")


@pytest.mark.parametrize("wrong", ["x", {"region_name": "us-east-1"}, 5])
def test_a_config_is_one(wrong: Any) -> None:
    for made in (DynamoDB, AsyncDynamoDB, PipelineConfigReadApi, AsyncPipelineConfigReadApi):
        with pytest.raises(ValidationError, match="give a DynamoDBConfig") as caught:
            made(wrong)
        assert list(caught.value.errors) == ["config"]
    for gateway in (create_table_gateway, create_async_table_gateway):
        with pytest.raises(ValidationError, match="give a DynamoDBConfig"):
            gateway(wrong, "books")


@pytest.mark.parametrize("wrong", [None, PipelineConfig, "", 5])
def test_a_gateway_is_to_a_table_by_name(wrong: Any) -> None:
    for gateway in (create_table_gateway, create_async_table_gateway):
        with pytest.raises(ValidationError, match="without the prefix, as text") as caught:
            gateway(DynamoDBConfig(), wrong)
        assert list(caught.value.errors) == ["table_name"]


class TestDomains:
    @pytest.mark.parametrize("base", [ReadApi, AsyncReadApi, WriteApi, AsyncWriteApi])
    def test_an_api_that_names_nothing_says_what_it_needs(self, base: Any) -> None:
        nothing: Any = type("Nothing", (base,), {})
        other = "view" if "Read" in base.__name__ else "dto"
        with pytest.raises(MetaError, match=f"Nothing names no model and no {other}: .*`model = ..."):
            nothing(DynamoDBConfig())

    @pytest.mark.parametrize("base", [WriteApi, AsyncWriteApi])
    def test_a_field_that_could_not_be_stored_is_told_when_the_api_is_defined(self, base: Any) -> None:
        class Wider(PipelineConfigUpsert):
            colour: str = "red"

        with pytest.raises(MetaError, match=r"Wider has colour, which PipelineConfig has not.*add it to"):
            type("Lossy", (base,), {"model": PipelineConfig, "dto": Wider})


class TestContext:
    async def test_errors_of_writes_say_where(self, face: Any, tables: Any) -> None:
        (name,) = tables(PipelineConfig)
        write = face(PipelineConfigWriteApi)
        await write.create_pipeline(dto())
        where = {"table": name, "key": {"pipeline_id": "p"}}
        other = Attr("pipeline_name").eq("Q")
        for call in (
            write.create_pipeline(dto()),
            write.update_pipeline("p", {"description": "x"}, other),
            write.delete_pipeline("p", other),
        ):
            with pytest.raises(ConflictError) as conflict:
                await call
            assert conflict.value.context.items() >= where.items()
        missing = {"table": name, "key": {"pipeline_id": "none"}, "operation": "UpdateItem"}
        with pytest.raises(ItemNotFoundError) as caught:
            await write.update_pipeline("none", {"description": "x"})
        assert caught.value.context == missing
        with pytest.raises(ItemNotFoundError) as caught:
            await face(PipelineConfigReadApi).get_by_id("none")
        assert caught.value.context == missing | {"operation": "GetItem"}
        with pytest.raises(ValidationError) as empty:
            await write.update_pipeline("", {"description": "x"})
        assert empty.value.context["table"] == name

    async def test_a_run_that_is_over(self, face: Any, tables: Any) -> None:
        (name,) = tables(PipelineRunLog)
        write = face(PipelineRunLogsWriteApi)
        await write.start_pipeline_run("r", "p", "manual")
        await write.finish_pipeline_run("r", "p", "success")
        with pytest.raises(ConflictError) as caught:
            await write.update_run_status("r", "p", "running")
        assert caught.value.context == {
            "table": name,
            "key": {"run_id": "r", "pipeline_id": "p"},
            "operation": "UpdateItem",
        }


@pytest.mark.parametrize("method", ["create_run_log", "upsert_run_log"])
class TestWhatFollowsOfARun:
    async def test_the_duration(self, method: str, face: Any, tables: Any) -> None:
        tables(PipelineRunLog)
        run = PipelineRunLogUpsert(
            run_id="r",
            pipeline_id="p",
            status=RunStatus.SUCCESS,
            trigger_type="manual",
            start_time=NOW,
            end_time=NOW + timedelta(seconds=90),
        )
        stored = await getattr(face(PipelineRunLogsWriteApi), method)(run)
        assert stored.duration_seconds == 90

    @pytest.mark.parametrize(("given", "passed"), [({}, False), ({"data_quality_passed": True}, True)])
    async def test_that_the_data_is_not_good(
        self, method: str, given: Any, passed: bool, face: Any, tables: Any
    ) -> None:
        tables(PipelineRunLog)
        run = PipelineRunLogUpsert(
            run_id="r",
            pipeline_id="p",
            status=RunStatus.RUNNING,
            trigger_type="manual",
            data_quality_results=[DataQualityResult(check_name="rows", passed=False)],
            **given,
        )
        write = face(PipelineRunLogsWriteApi)
        assert (await getattr(write, method)(run)).data_quality_passed is passed
        assert (await face(PipelineRunLogsReadApi).get_by_id("r", "p")).data_quality_passed is passed
