"""Bad input: each is one clear error of the right class, in its time, and nothing is written."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr
from pydantic import SecretStr
from tests.support.faults import FaultServer, refuse

from dynamodb_wrapper import (
    DynamoDBConfig,
    PipelineConfig,
    PipelineConfigReadApi,
    PipelineConfigUpsert,
    PipelineConfigWriteApi,
)
from dynamodb_wrapper.exceptions import (
    AuthenticationError,
    BulkWriteError,
    ConnectionError,
    DeadlineExceededError,
    TableNotFoundError,
    ValidationError,
    WriteOutcomeUnknownError,
)

NAIVE = datetime(2026, 1, 1)
LARGE = {"text": "x" * 410_000}


def pipeline(name: str = "b", **more: Any) -> PipelineConfigUpsert:
    given = {"pipeline_id": name, "pipeline_name": "P", "source_type": "s3", "destination_type": "s3"}
    return PipelineConfigUpsert(**(given | more))


@pytest.fixture
def table(tables: Any, boto3_table: Any) -> Iterator[Any]:
    """boto3's view of the table, which holds one pipeline, "a", and must hold just that after the test."""
    (name,) = tables(PipelineConfig)
    found = boto3_table(name)
    found.put_item(
        Item={"pipeline_id": "a", "pipeline_name": "A", "source_type": "s3", "destination_type": "s3"}
    )
    before = found.scan()["Items"]
    yield found
    assert found.scan()["Items"] == before


@pytest.fixture
def read(face: Any, table: Any) -> Any:
    return face(PipelineConfigReadApi)


@pytest.fixture
def write(face: Any, table: Any) -> Any:
    return face(PipelineConfigWriteApi)


class TestConfig:
    @pytest.mark.parametrize(
        ("field", "value", "says"),
        [
            ("region_name", "nowhere", "'us-east-1'"),
            ("region_name", "us-esat-1", "us-east-1"),
            ("user_timezone", "Mars/Olympus", "IANA"),
            ("environment", "moon", "'prod'"),
            ("endpoint_url", "localhost:8000", "http://host"),
            ("timeout_seconds", 0, "greater than 0"),
        ],
    )
    def test_a_wrong_setting_names_the_field_and_what_is_allowed(
        self, field: str, value: Any, says: str
    ) -> None:
        with pytest.raises(ValidationError, match=says) as caught:
            DynamoDBConfig(**{field: value})
        assert list(caught.value.errors) == [field]


class TestEndpoint:
    async def test_an_endpoint_where_nothing_listens(self, face: Any, table: Any, config: Any) -> None:
        with socket.create_server(("127.0.0.1", 0)) as reserved:
            port = reserved.getsockname()[1]
        nowhere = config.model_copy(
            update={"endpoint_url": f"http://127.0.0.1:{port}", "timeout_seconds": 3.0}
        )
        start = time.monotonic()
        with pytest.raises(
            ConnectionError, match=f"Cannot reach http://127.0.0.1:{port} .*is the endpoint right"
        ):
            await face(PipelineConfigReadApi, nowhere).get_by_id("a")
        with pytest.raises(ConnectionError, match="Cannot reach"):
            await face(PipelineConfigWriteApi, nowhere).create_pipeline(pipeline())
        assert time.monotonic() - start < 3

    async def test_an_endpoint_that_never_answers(self, face: Any, table: Any, config: Any) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            slow = config.model_copy(update={"endpoint_url": url, "timeout_seconds": 0.3})
            start = time.monotonic()
            with pytest.raises(DeadlineExceededError, match="raise timeout_seconds"):
                await face(PipelineConfigReadApi, slow).get_by_id("a")
            with pytest.raises(WriteOutcomeUnknownError, match="may or may not have been applied"):
                await face(PipelineConfigWriteApi, slow).create_pipeline(pipeline())
            assert time.monotonic() - start < 2

    async def test_a_region_without_the_table(self, face: Any, table: Any, config: Any) -> None:
        """What the service answers where the table is in another Region; the engines know no Regions."""
        with FaultServer([refuse("ResourceNotFoundException")] * 2) as server:
            elsewhere = config.model_copy(update={"endpoint_url": server.url, "region_name": "eu-west-3"})
            with pytest.raises(TableNotFoundError, match=r"does not exist in Region eu-west-3 .* check"):
                await face(PipelineConfigReadApi, elsewhere).get_by_id("a")
            with pytest.raises(TableNotFoundError):
                await face(PipelineConfigWriteApi, elsewhere).create_pipeline(pipeline())
            assert all(
                "/eu-west-3/dynamodb/" in request.headers["authorization"] for request in server.requests
            )


class TestCredentials:
    @pytest.mark.parametrize(
        "code",
        [
            "UnrecognizedClientException",
            "InvalidSignatureException",
            "ExpiredTokenException",
            "AccessDeniedException",
            "MissingAuthenticationTokenException",
        ],
    )
    async def test_those_that_the_service_refuses_are_not_tried_again(
        self, code: str, face: Any, table: Any, config: Any, engine: Any
    ) -> None:
        with FaultServer([refuse(code)] * 2, upstream=engine.endpoint_url) as server:
            secret = {"aws_secret_access_key": SecretStr("TOPSECRET")}
            wrong = config.model_copy(update={"endpoint_url": server.url, **secret})
            for call in (
                face(PipelineConfigReadApi, wrong).get_by_id("a"),
                face(PipelineConfigWriteApi, wrong).create_pipeline(pipeline()),
            ):
                with pytest.raises(AuthenticationError, match=f"{code}.*check the credentials") as caught:
                    await call
                assert "TOPSECRET" not in repr(vars(caught.value)) + str(caught.value)
            assert len(server.requests) == 2

    @pytest.mark.parametrize("given", ["aws_access_key_id", "aws_secret_access_key"])
    async def test_half_of_a_pair_is_refused(self, given: str, face: Any, table: Any, config: Any) -> None:
        other = {"aws_access_key_id": "aws_secret_access_key"}.get(given, "aws_access_key_id")
        with pytest.raises(AuthenticationError, match=f"{other} is missing"):
            await face(PipelineConfigReadApi, config.model_copy(update={other: None})).get_by_id("a")

    async def test_none_at_all_says_where_was_looked(
        self, face: Any, table: Any, config: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE"):
            monkeypatch.delenv(f"AWS_{name}", raising=False)
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        without = config.model_copy(update={"aws_access_key_id": None, "aws_secret_access_key": None})
        with pytest.raises(AuthenticationError, match="No AWS credentials were found; looked in"):
            await face(PipelineConfigReadApi, without).get_by_id("a")


async def test_a_missing_table_is_named(face: Any, config: Any) -> None:
    read, write = face(PipelineConfigReadApi), face(PipelineConfigWriteApi)
    name = config.get_table_name("pipeline_config")
    for call in (
        read.get_by_id("a"),
        read.query_by_environment("dev"),
        read.scan_for_all_pipelines(),
        read.count_active_pipelines(),
        write.create_pipeline(pipeline()),
        write.update_pipeline("a", {"description": "x"}),
        write.delete_pipeline("a"),
    ):
        with pytest.raises(
            TableNotFoundError, match=f"Table '{name}' or its index does not exist.*create_table"
        ):
            await call


BAD_KEYS = {
    "empty": ("", "is empty"),
    "2 KB": ("x" * 2049, "2,049 bytes, more than 2,048"),
    "none": (None, "valid string"),
    "a number": (5, "valid string"),
}


@pytest.mark.parametrize("kind", BAD_KEYS)
class TestKeys:
    async def test_reads(self, kind: str, read: Any) -> None:
        key, says = BAD_KEYS[kind]
        for call in (read.get_by_id, read.find_by_id, read.get_pipeline_summary):
            with pytest.raises(ValidationError, match=says) as caught:
                await call(key)
            assert list(caught.value.errors) == ["pipeline_id"]

    async def test_writes(self, kind: str, write: Any) -> None:
        key, says = BAD_KEYS[kind]
        calls: list[Callable[[], Any]] = [
            lambda: write.update_pipeline(key, {"description": "x"}),
            lambda: write.update_pipeline_status(key, False),
            lambda: write.delete_pipeline(key),
            lambda: write.activate_pipelines(["a", key]),
        ]
        for call in calls:
            with pytest.raises(ValidationError, match=says):
                await call()

    def test_what_is_to_be_written(self, kind: str) -> None:
        with pytest.raises(ValidationError) as caught:
            pipeline(BAD_KEYS[kind][0])  # type: ignore[arg-type]
        assert list(caught.value.errors) == ["pipeline_id"]


class TestReads:
    @pytest.mark.parametrize("projection", [["nope"], ["pipeline_id", "nope"], ["config"], []])
    async def test_an_unknown_field_in_a_projection(self, projection: list[str], read: Any) -> None:
        for call in (
            read.get_by_id("a", projection),
            read.query_active_pipelines(projection),
            read.scan_for_all_pipelines(projection),
        ):
            with pytest.raises(
                ValidationError, match="PipelineConfigView has pipeline_id, pipeline_name"
            ) as caught:
                await call
            assert caught.value.errors.keys() == set(projection or ["projection"]) - {"pipeline_id"}

    @pytest.mark.parametrize("key", ["a", "none"])
    async def test_an_unknown_zone(self, key: str, read: Any) -> None:
        for call in (
            read.find_by_id(key, user_timezone="Mars/Olympus"),
            read.query_by_environment("nowhere", user_timezone="Mars/Olympus"),
            read.scan_for_all_pipelines(user_timezone="Mars/Olympus"),
        ):
            with pytest.raises(ValidationError, match="'Mars/Olympus' is not an IANA time zone"):
                await call

    async def test_a_naive_datetime_in_a_filter(self, read: Any) -> None:
        for filters in ({"updated_at": NAIVE}, Attr("updated_at").lt(NAIVE), Attr("config.seen").lt(NAIVE)):
            with pytest.raises(ValidationError, match="without a time zone is refused"):
                await read.scan_for_all_pipelines(filters=filters)

    async def test_what_is_no_filter(self, read: Any) -> None:
        with pytest.raises(ValidationError):
            await read.scan_for_all_pipelines(filters={"no_such_attribute": 1})
        with pytest.raises(ValidationError):
            await read.scan_for_all_pipelines(filters="environment = dev")


class TestWrites:
    async def test_an_item_of_more_than_400_kb(self, write: Any) -> None:
        calls: list[Callable[[], Any]] = [
            lambda: write.create_pipeline(pipeline(config=LARGE)),
            lambda: write.upsert_pipeline(pipeline(config=LARGE)),
            lambda: write.update_pipeline("a", {"config": LARGE}),
        ]
        for call in calls:
            with pytest.raises(
                ValidationError, match=r"the item has 410,\d\d\d bytes.*largest attribute is config"
            ) as caught:
                await call()
            assert list(caught.value.errors) == ["config"]

    async def test_many_of_which_one_is_too_large_say_which(self, write: Any) -> None:
        with pytest.raises(BulkWriteError) as caught:
            await write.upsert_many([pipeline("large", config=LARGE)])
        assert list(caught.value.failed) == ["large"]
        assert type(caught.value.failed["large"]) is ValidationError

    async def test_a_naive_datetime(self, write: Any) -> None:
        calls: list[Callable[[], Any]] = [
            lambda: write.create_pipeline(pipeline(config={"seen": [NAIVE]})),
            lambda: write.upsert_pipeline(pipeline(config={"seen": NAIVE})),
            lambda: write.update_pipeline("a", {"config": {"seen": NAIVE}}),
            lambda: write.update_pipeline("a", {"description": "x"}, Attr("updated_at").lt(NAIVE)),
            lambda: write.delete_pipeline("a", Attr("updated_at").lt(NAIVE)),
        ]
        for call in calls:
            with pytest.raises(ValidationError, match="without a time zone is refused"):
                await call()

    @pytest.mark.parametrize(
        "updates", [{}, {"nope": 1}, {"pipeline_id": "b"}, {"memory_gb": "much"}, {"environment": "moon"}]
    )
    async def test_an_update_that_is_not_valid(self, updates: dict[str, Any], write: Any) -> None:
        with pytest.raises(ValidationError):
            await write.update_pipeline("a", updates)

    async def test_what_is_no_condition(self, write: Any) -> None:
        for condition in (True, "is_active = true", {"is_active": True}):
            with pytest.raises(ValidationError, match="a condition was expected"):
                await write.delete_pipeline("a", condition)
