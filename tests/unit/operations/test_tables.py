from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.exceptions import DeadlineExceededError, ResourceInUseError, TableNotFoundError
from dynamodb_wrapper.operations import CreateTable, DeleteTable, DescribeTable, ListTables
from dynamodb_wrapper.schema import GSI, LSI, schema_of


class Reading(BaseModel):
    sensor: str
    at: int
    room: str = ""
    floor: int = 0
    alarm: bool = False
    note: str | None = None
    expires: int | None = None

    class Meta:
        partition_key = "sensor"
        sort_key = "at"
        gsis = (
            GSI("ByRoom", ["room", "floor"], ["alarm", "at"], projection=["note"]),
            GSI("ByAlarm", "alarm", projection="KEYS_ONLY"),
        )
        lsis = (LSI("ByFloor", "floor"),)


class Session(BaseModel):
    key: str
    expires: int = 0

    class Meta:
        partition_key = "key"
        ttl = "expires"


def described(status: str = "ACTIVE", **indexes: str) -> dict[str, Any]:
    listed = [{"IndexName": name, "IndexStatus": state} for name, state in indexes.items()]
    return {"Table": {"TableName": "t", "TableStatus": status, "GlobalSecondaryIndexes": listed}}


def existing(create: CreateTable) -> dict[str, Any]:
    return {"Table": described()["Table"] | create.call().body}


def hashed(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": "HASH"} for name in names]


def ranged(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": "RANGE"} for name in names]


CREATE, CREATE_SESSIONS = CreateTable(schema_of(Reading), "t"), CreateTable(schema_of(Session), "t")
MISSING, IN_USE = TableNotFoundError("no"), ResourceInUseError("exists")
ON, OFF = ({"TimeToLiveDescription": {"TimeToLiveStatus": status}} for status in ("ENABLED", "DISABLED"))


class TestCreate:
    def test_its_request_is_all_that_the_meta_says(self) -> None:
        assert CREATE.call() == Call(
            "CreateTable",
            {
                "TableName": "t",
                "KeySchema": hashed("sensor") + ranged("at"),
                "AttributeDefinitions": [
                    {"AttributeName": name, "AttributeType": kind}
                    for name, kind in [
                        ("sensor", "S"),
                        ("at", "N"),
                        ("room", "S"),
                        ("floor", "N"),
                        ("alarm", "S"),
                    ]
                ],
                "BillingMode": "PAY_PER_REQUEST",
                "GlobalSecondaryIndexes": [
                    {
                        "IndexName": "ByRoom",
                        "KeySchema": hashed("room", "floor") + ranged("alarm", "at"),
                        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["note"]},
                    },
                    {
                        "IndexName": "ByAlarm",
                        "KeySchema": hashed("alarm"),
                        "Projection": {"ProjectionType": "KEYS_ONLY"},
                    },
                ],
                "LocalSecondaryIndexes": [
                    {
                        "IndexName": "ByFloor",
                        "KeySchema": hashed("sensor") + ranged("floor"),
                        "Projection": {"ProjectionType": "ALL"},
                    }
                ],
            },
            "t",
        )

    def test_a_table_without_indexes_has_none_in_its_request(self) -> None:
        assert not {"GlobalSecondaryIndexes", "LocalSecondaryIndexes"} & set(CREATE_SESSIONS.call().body)

    def test_it_waits_until_the_table_and_its_indexes_are_active(self, service: Callable[..., Any]) -> None:
        asked = service(
            {}, MISSING, described("CREATING"), described(ByRoom="CREATING"), described(ByRoom="ACTIVE")
        )
        assert asked.run(CREATE) is True
        assert asked.waits == pytest.approx([0.05, 0.1, 0.2])

    def test_waits_never_exceed_two_seconds(self, service: Callable[..., Any]) -> None:
        asked = service({}, *[described("CREATING")] * 10, described())
        asked.run(CREATE)
        assert max(asked.waits) == 2.0

    def test_a_table_that_exists_is_left_as_it_is_and_waited_for(self, service: Callable[..., Any]) -> None:
        asked = service(IN_USE, described("CREATING"), existing(CREATE))
        assert asked.run(CREATE) is False
        assert [call.action for call in asked.sent] == ["CreateTable", "DescribeTable", "DescribeTable"]

    def test_it_does_not_wait_for_ever(self, service: Callable[..., Any]) -> None:
        asked = service({}, described("CREATING"))
        with pytest.raises(DeadlineExceededError, match="table t was not active after 0 s") as caught:
            asked.run(CreateTable(schema_of(Reading), "t", wait_seconds=0))
        assert caught.value.context == {"table": "t"}

    def test_ttl_is_switched_on(self, service: Callable[..., Any]) -> None:
        asked = service({}, described(), OFF, {})
        assert asked.run(CREATE_SESSIONS) is True
        assert asked.sent[-1].action == "UpdateTimeToLive"
        assert asked.bodies[-1]["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}

    def test_ttl_that_an_attempt_before_did_not_reach_is_switched_on(
        self, service: Callable[..., Any]
    ) -> None:
        asked = service(IN_USE, existing(CREATE_SESSIONS), OFF, {})
        assert asked.run(CREATE_SESSIONS) is False
        assert asked.sent[-1].action == "UpdateTimeToLive"

    def test_ttl_that_is_on_is_left_alone(self, service: Callable[..., Any]) -> None:
        asked = service(IN_USE, existing(CREATE_SESSIONS), ON)
        assert asked.run(CREATE_SESSIONS) is False
        assert asked.sent[-1].action == "DescribeTimeToLive"


class TestDelete:
    def test_it_waits_until_the_table_is_gone(self, service: Callable[..., Any]) -> None:
        asked = service({}, described("DELETING"), MISSING)
        assert asked.run(DeleteTable("t")) is True
        assert [call.action for call in asked.sent] == ["DeleteTable", "DescribeTable", "DescribeTable"]

    def test_a_missing_table_is_false(self, service: Callable[..., Any]) -> None:
        assert service(MISSING).run(DeleteTable("t")) is False

    def test_a_table_that_is_being_deleted_already_is_waited_for(self, service: Callable[..., Any]) -> None:
        assert (
            service(IN_USE, described("DELETING"), described("DELETING"), MISSING).run(DeleteTable("t"))
            is True
        )

    def test_a_table_that_is_in_use_otherwise_is_an_error(self, service: Callable[..., Any]) -> None:
        with pytest.raises(ResourceInUseError):
            service(IN_USE, described("CREATING")).run(DeleteTable("t"))

    def test_it_does_not_wait_for_ever(self, service: Callable[..., Any]) -> None:
        with pytest.raises(DeadlineExceededError, match="was not gone after 0 s"):
            service({}, described("DELETING")).run(DeleteTable("t", wait_seconds=0))


def test_describe_tells_how_the_table_and_its_indexes_stand(service: Callable[..., Any]) -> None:
    status = service(described("ACTIVE", One="ACTIVE", Two="BACKFILLING")).run(DescribeTable("t"))
    assert (status.status, status.indexes) == ("ACTIVE", {"One": "ACTIVE", "Two": "BACKFILLING"})
    assert not status.is_active
    assert status.description["TableName"] == "t"


def test_list_reads_every_page(service: Callable[..., Any]) -> None:
    asked = service({"TableNames": ["a", "b"], "LastEvaluatedTableName": "b"}, {"TableNames": ["c"]})
    assert asked.run(ListTables()) == ["a", "b", "c"]
    assert asked.bodies == [{}, {"ExclusiveStartTableName": "b"}]
