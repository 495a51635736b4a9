"""The library as its users were told to use it: the same imports, names, arguments and results."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr, Key

from dynamodb_wrapper import (
    DynamoDB,
    DynamoDBConfig,
    PipelineConfig,
    PipelineConfigReadApi,
    PipelineConfigUpsert,
    PipelineConfigView,
    PipelineConfigWriteApi,
    PipelineRunLog,
    PipelineRunLogsReadApi,
    PipelineRunLogsWriteApi,
    PipelineRunLogUpsert,
    ReadApi,
    RunStatus,
    TableConfig,
    TableConfigReadApi,
    TableConfigUpsert,
    TableConfigWriteApi,
    create_table_gateway,
)
from dynamodb_wrapper.exceptions import (
    ConflictError,
    ConnectionError,
    ItemNotFoundError,
    TableNotFoundError,
    ValidationError,
)
from dynamodb_wrapper.utils import to_user_timezone, to_utc

JANUARY = datetime(2024, 1, 1, tzinfo=UTC)


def pipeline(pipeline_id: str = "my-pipeline", **more: Any) -> PipelineConfigUpsert:
    given: dict[str, Any] = {
        "pipeline_name": "Data Processing Pipeline",
        "source_type": "s3",
        "destination_type": "warehouse",
    }
    return PipelineConfigUpsert(pipeline_id=pipeline_id, **(given | more))


def table(table_id: str, **more: Any) -> TableConfigUpsert:
    given: dict[str, Any] = {
        "pipeline_id": "my-pipeline",
        "table_name": table_id,
        "table_type": "source",
        "data_format": "parquet",
        "location": f"s3://lake/{table_id}",
    }
    return TableConfigUpsert(table_id=table_id, **(given | more))


def run(run_id: str, pipeline_id: str = "my-pipeline", **more: Any) -> PipelineRunLogUpsert:
    given: dict[str, Any] = {"status": "running", "trigger_type": "schedule"}
    return PipelineRunLogUpsert(run_id=run_id, pipeline_id=pipeline_id, **(given | more))


@pytest.fixture
def settings(config: DynamoDBConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> DynamoDBConfig:
    """The test's own settings, found in the environment as a deployment has them."""
    monkeypatch.chdir(tmp_path)
    assert config.endpoint_url is not None
    for name, text in {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "us-east-1",
        "DYNAMODB_ENDPOINT_URL": config.endpoint_url,
        "DYNAMODB_TABLE_PREFIX": config.table_prefix,
        "DYNAMODB_USER_TIMEZONE": "America/New_York",
    }.items():
        monkeypatch.setenv(name, text)
    return DynamoDBConfig.from_env()


class TestQuickStart:
    async def test_settings_of_the_environment_reach_the_tables(
        self, face: Any, tables: Any, settings: DynamoDBConfig
    ) -> None:
        tables(PipelineConfig)
        await face(PipelineConfigWriteApi, settings).create_pipeline(pipeline())
        view = await face(PipelineConfigReadApi, settings).get_by_id("my-pipeline")
        assert view.pipeline_name == "Data Processing Pipeline"
        assert view.created_at.tzinfo.key == "America/New_York"

    async def test_a_projection_fetches_only_what_it_names(self, face: Any, tables: Any) -> None:
        tables(PipelineConfig)
        await face(PipelineConfigWriteApi).create_pipeline(pipeline(description="long " * 100))
        view = await face(PipelineConfigReadApi).get_by_id(
            "my-pipeline", projection=["pipeline_id", "pipeline_name", "is_active"]
        )
        assert isinstance(view, PipelineConfigView)
        assert view.model_fields_set == {"pipeline_id", "pipeline_name", "is_active"}
        assert view.is_active is True
        assert view.description is None

    async def test_active_pipelines_come_in_pages(self, face: Any, tables: Any) -> None:
        tables(PipelineConfig)
        write, read = face(PipelineConfigWriteApi), face(PipelineConfigReadApi)
        await write.upsert_many([pipeline(f"p{n}", is_active=n != 3) for n in range(6)])
        first, next_key = await read.query_active_pipelines(limit=3, last_key=None)
        rest, end = await read.query_active_pipelines(limit=3, last_key=next_key)
        assert isinstance(next_key, str)
        assert end is None
        assert {view.pipeline_id for view in [*first, *rest]} == {"p0", "p1", "p2", "p4", "p5"}

    async def test_a_pipeline_is_created_once_and_changed_on_a_condition(
        self, face: Any, tables: Any
    ) -> None:
        tables(PipelineConfig)
        write = face(PipelineConfigWriteApi)
        created = await write.create_pipeline(pipeline("new-pipeline"))
        assert isinstance(created, PipelineConfig)
        with pytest.raises(ConflictError):
            await write.create_pipeline(pipeline("new-pipeline"))

        only_if_active = Attr("is_active").eq(True)
        updated = await write.update_pipeline(
            "new-pipeline", {"is_active": False}, condition_expression=only_if_active
        )
        assert updated.is_active is False
        with pytest.raises(ConflictError) as conflict:
            await write.update_pipeline(
                "new-pipeline", {"is_active": False}, condition_expression=only_if_active
            )
        assert conflict.value.current_item == updated

    async def test_an_upsert_keeps_when_and_by_whom_it_was_created(self, face: Any, tables: Any) -> None:
        tables(PipelineConfig)
        write = face(PipelineConfigWriteApi)
        created = await write.create_pipeline(pipeline(created_by="ada"))
        again = await write.upsert_pipeline(pipeline(pipeline_name="Renamed", created_by="bob"))
        assert (again.created_at, again.created_by) == (created.created_at, "ada")
        assert again.updated_at > created.updated_at
        assert again.pipeline_name == "Renamed"


class TestAdvancedQueries:
    async def test_a_range_of_an_attribute_that_no_index_sorts_by(self, face: Any, tables: Any) -> None:
        tables(PipelineRunLog)
        made = [
            PipelineRunLog(
                run_id=f"r{day}",
                pipeline_id="my-pipeline",
                status=RunStatus.SUCCESS,
                trigger_type="schedule",
                created_at=JANUARY + timedelta(days=day),
            )
            for day in (-1, 0, 15, 30, 31)
        ]
        await face(DynamoDB).batch_write(PipelineRunLog, puts=made)
        logs, next_key = await face(PipelineRunLogsReadApi).query_by_composite_key_range(
            partition_key="pipeline_id",
            partition_value="my-pipeline",
            sort_key="created_at",
            sort_condition="between",
            sort_value=JANUARY,
            sort_value2=datetime(2024, 1, 31, tzinfo=UTC),
            limit=100,
        )
        assert {log.run_id for log in logs} == {"r0", "r15", "r30"}
        assert next_key is None

    async def test_a_scan_with_filters_and_projection(self, face: Any, tables: Any) -> None:
        tables(PipelineRunLog)
        write = face(PipelineRunLogsWriteApi)
        await write.create_run_log(run("r1", status="failed", error_message="no disk"))
        await write.create_run_log(run("r2"))
        failed, _ = await face(PipelineRunLogsReadApi).scan_for_all_runs(
            projection=["run_id", "pipeline_id", "status", "error_message"],
            filters={"status": "failed"},
            limit=50,
        )
        assert [(log.run_id, log.status, log.error_message) for log in failed] == [
            ("r1", RunStatus.FAILED, "no disk")
        ]
        assert "start_time" not in failed[0].model_fields_set


class TestFlexibleQueries:
    async def test_a_table_with_a_few_fields(self, face: Any, tables: Any) -> None:
        tables(TableConfig)
        await face(TableConfigWriteApi).create_table(table("table-123"))
        view = await face(TableConfigReadApi).get_by_id(
            "table-123", projection=["table_id", "table_name", "table_type", "is_active"]
        )
        assert (view.table_name, view.table_type.value, view.is_active) == ("table-123", "source", True)
        assert view.location is None

    async def test_filters_on_the_sort_key_and_on_other_attributes(self, face: Any, tables: Any) -> None:
        tables(TableConfig)
        await face(TableConfigWriteApi).upsert_many(
            [
                table("in-use"),
                table("retired", is_active=False),
                table("result", table_type="destination"),
                table("foreign", pipeline_id="other"),
            ]
        )
        found, next_token = await face(TableConfigReadApi).query_by_pipeline(
            pipeline_id="my-pipeline",
            filters={"is_active": True, "table_type": "source"},
            limit=20,
            last_key=None,
        )
        assert [view.table_id for view in found] == ["in-use"]
        assert next_token is None

    async def test_configurations_changed_since_a_time_in_any_environment(
        self, face: Any, tables: Any
    ) -> None:
        tables(TableConfig)
        await face(TableConfigWriteApi).upsert_many([table("a"), table("b", environment="prod")])
        read = face(TableConfigReadApi)
        recent, _ = await read.query_recent_configs(since=JANUARY, limit=50)
        assert {view.table_id for view in recent} == {"a", "b"}
        assert await read.query_recent_configs(since=datetime.now(UTC) + timedelta(days=1)) == ([], None)


class TestTimezones:
    async def test_a_run_is_stored_in_utc_and_shown_in_the_users_zone(self, face: Any, tables: Any) -> None:
        (name,) = tables(PipelineRunLog)
        utc_time = to_utc(datetime.fromisoformat("2024-07-01T08:00:00-04:00"))
        await face(PipelineRunLogsWriteApi).create_run_log(run("run-123", start_time=utc_time))
        with create_table_gateway(face.config, "pipeline_run_logs") as gateway:
            assert gateway.table_name == name
            item = gateway.get_item(Key={"run_id": "run-123", "pipeline_id": "my-pipeline"})["Item"]
        assert item["start_time"] == "2024-07-01T12:00:00.000000+00:00"
        display_time = to_user_timezone(utc_time, "America/New_York")
        assert (display_time.hour, display_time == utc_time) == (8, True)

    async def test_the_zone_of_a_call_beats_that_of_the_settings_and_utc_is_the_default(
        self, face: Any, tables: Any, config: DynamoDBConfig
    ) -> None:
        tables(PipelineRunLog)
        noon = datetime(2024, 7, 1, 12, tzinfo=UTC)
        await face(PipelineRunLogsWriteApi).create_run_log(run("r1", start_time=noon))
        new_york = config.model_copy(update={"user_timezone": "America/New_York"})
        plain, set_ = face(PipelineRunLogsReadApi), face(PipelineRunLogsReadApi, new_york)
        shown = [
            (await plain.get_by_id("r1", "my-pipeline")).start_time,
            (await set_.get_by_id("r1", "my-pipeline")).start_time,
            (await set_.get_by_id("r1", "my-pipeline", user_timezone="America/Los_Angeles")).start_time,
        ]
        assert [moment.hour for moment in shown] == [12, 8, 5]
        assert shown == [noon, noon, noon]

    async def test_a_list_is_shown_in_the_zone_of_the_call(self, face: Any, tables: Any) -> None:
        tables(PipelineConfig)
        await face(PipelineConfigWriteApi).create_pipeline(pipeline())
        pipelines, _ = await face(PipelineConfigReadApi).query_active_pipelines(
            limit=50, user_timezone="America/New_York"
        )
        assert [view.updated_at.tzinfo.key for view in pipelines] == ["America/New_York"]

    def test_a_dto_never_assumes_a_zone(self) -> None:
        with pytest.raises(ValidationError) as refused:
            run("r1", start_time=datetime(2024, 7, 1))
        assert set(refused.value.errors) == {"start_time"}


class TestConfiguration:
    def test_the_environment_is_read(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
        monkeypatch.chdir(tmp_path)
        for name, text in {
            "AWS_ACCESS_KEY_ID": "your-access-key",
            "AWS_SECRET_ACCESS_KEY": "your-secret-key",
            "AWS_REGION": "us-east-1",
            "DYNAMODB_ENDPOINT_URL": "http://localhost:8000",
            "DYNAMODB_TABLE_PREFIX": "dev_",
            "DYNAMODB_USER_TIMEZONE": "America/New_York",
        }.items():
            monkeypatch.setenv(name, text)
        config = DynamoDBConfig.from_env()
        assert config.get_table_name("pipeline_config") == "dev_pipeline_config"
        assert config.user_timezone == "America/New_York"
        assert config.endpoint_url == "http://localhost:8000"
        assert "your-secret-key" not in repr(config)

    def test_it_can_be_written_in_code(self) -> None:
        config = DynamoDBConfig(
            aws_access_key_id="your-key",
            aws_secret_access_key="your-secret",
            region_name="us-east-1",
            table_prefix="prod_",
            user_timezone="America/New_York",
        )
        assert config.get_table_name("table_config") == "prod_table_config"


class TestErrors:
    async def test_a_missing_item_a_missing_table_and_a_missing_endpoint_differ(
        self, face: Any, tables: Any, config: DynamoDBConfig
    ) -> None:
        tables(PipelineConfig)
        with pytest.raises(ItemNotFoundError) as missing:
            await face(PipelineConfigReadApi).get_by_id("non-existent")
        assert missing.value.key == {"pipeline_id": "non-existent"}
        with pytest.raises(TableNotFoundError):
            await face(TableConfigReadApi).get_by_id("t")
        nowhere = config.model_copy(
            update={"endpoint_url": "http://127.0.0.1:1", "retries": 1, "timeout_seconds": 2.0}
        )
        with pytest.raises(ConnectionError):
            await face(PipelineConfigReadApi, nowhere).get_by_id("p")


class TestGateway:
    async def test_a_gateway_takes_boto3s_conditions_and_text(self, face: Any, tables: Any) -> None:
        tables(PipelineConfig)
        await face(PipelineConfigWriteApi).create_pipeline(pipeline())
        with create_table_gateway(face.config, "pipeline_config") as gateway:
            response = gateway.query(
                KeyConditionExpression=Key("pipeline_id").eq("my-pipeline"),
                ProjectionExpression="pipeline_id, pipeline_name, is_active",
            )
        assert response["Items"] == [
            {
                "pipeline_id": "my-pipeline",
                "pipeline_name": "Data Processing Pipeline",
                "is_active": "true",
            }
        ]


class PipelineReports(ReadApi[PipelineConfig, PipelineConfigView]):
    """A pattern of a user's own over a domain of the library."""

    model, view = PipelineConfig, PipelineConfigView

    def names_in(self, environment: str) -> list[str | None]:
        views, _ = self.query({"environment": environment}, "EnvironmentIndex", projection=["pipeline_name"])
        return [view.pipeline_name for view in views]


class TestExtensions:
    def test_a_read_api_takes_methods_of_ones_own(
        self, config: DynamoDBConfig, tables: Callable[..., list[str]]
    ) -> None:
        tables(PipelineConfig)
        with PipelineConfigWriteApi(config) as write, PipelineReports(config) as reports:
            write.create_pipeline(pipeline("a", pipeline_name="First"))
            write.create_pipeline(pipeline("b", pipeline_name="Second", environment="prod"))
            assert reports.names_in("prod") == ["Second"]


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("dynamodb_wrapper.config", "DynamoDBConfig"),
        ("dynamodb_wrapper.core", "TableGateway create_table_gateway"),
        ("dynamodb_wrapper.core.table_gateway", "TableGateway create_table_gateway"),
        (
            "dynamodb_wrapper.exceptions",
            "ItemNotFoundError ValidationError ConflictError ConnectionError RetryableError",
        ),
        ("dynamodb_wrapper.handlers.pipeline_config.commands", "PipelineConfigWriteApi"),
        ("dynamodb_wrapper.handlers.pipeline_config.queries", "PipelineConfigReadApi"),
        ("dynamodb_wrapper.handlers.pipeline_run_logs.commands", "PipelineRunLogsWriteApi"),
        ("dynamodb_wrapper.handlers.pipeline_run_logs.queries", "PipelineRunLogsReadApi"),
        ("dynamodb_wrapper.handlers.table_config.commands", "TableConfigWriteApi"),
        ("dynamodb_wrapper.handlers.table_config.queries", "TableConfigReadApi"),
        ("dynamodb_wrapper.models", "PipelineConfig PipelineConfigView PipelineConfigUpsert"),
        ("dynamodb_wrapper.models.domain_models", "PipelineConfig TableConfig PipelineRunLog"),
        ("dynamodb_wrapper.models.dtos", "PipelineConfigUpsert TableConfigUpsert PipelineRunLogUpsert"),
        ("dynamodb_wrapper.models.views", "PipelineConfigView TableConfigView PipelineRunLogView"),
        (
            "dynamodb_wrapper.utils",
            "extract_model_metadata build_model_key build_gsi_key_condition build_projection_expression "
            "to_utc to_user_timezone ensure_timezone_aware",
        ),
    ],
)
def test_a_name_is_the_same_thing_wherever_it_is_imported_from(module: str, names: str) -> None:
    home, root = importlib.import_module(module), importlib.import_module("dynamodb_wrapper")
    for name in names.split():
        found = getattr(home, name)
        assert getattr(root, name, found) is found
