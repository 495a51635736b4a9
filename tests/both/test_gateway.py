"""The gateway beside boto3's resource on the same engine: the same calls give the same answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary
from tests.support.faults import Exchange, Fault, FaultServer, answered, reset_after_apply

from dynamodb_wrapper import (
    GSI,
    AsyncDynamoDB,
    DynamoDB,
    DynamoDBConfig,
    DynamoDBModel,
    create_async_table_gateway,
    create_table_gateway,
)
from dynamodb_wrapper.exceptions import (
    ConditionalCheckFailedError,
    ConflictError,
    TableNotFoundError,
    TransactionCanceledError,
    ValidationError,
    WriteOutcomeUnknownError,
)
from dynamodb_wrapper.expressions import Between, Compare, Path, all_of
from dynamodb_wrapper.local import RunningEngine

NAIVE = datetime(2024, 7, 1, 12, 0)
IN_UTC = NAIVE.replace(tzinfo=UTC)
IN_OSLO = NAIVE.replace(tzinfo=timezone(timedelta(hours=2)))


class Reading(DynamoDBModel):
    """What our gateway writes."""

    device: str
    number: int
    kind: str | None = None

    class Meta:
        table_name = "readings"
        partition_key = "device"
        sort_key = "number"
        gsis = (GSI("ByKind", "kind", "number"),)


class Twin(Reading):
    """The same table again, for boto3."""

    class Meta(Reading.Meta):
        table_name = "twins"


class Doors:
    """Makes gateways of one face."""

    def __init__(self, face: Any) -> None:
        self._face = face
        self._awaitable: type = type(face(DynamoDB))

    def gateway(self, table: str, config: DynamoDBConfig | None = None) -> Any:
        config = config or self._face.config
        if self._face.name == "async":
            return create_async_table_gateway(config, table)
        return self._awaitable(create_table_gateway(config, table))

    def writer(self, gateway: Any, **options: Any) -> Any:
        if self._face.name == "async":
            return gateway.batch_writer(**options)
        return self._awaitable(gateway._blocking.batch_writer(**options))


@pytest.fixture
def doors(face: Any, tables: Any) -> Doors:
    tables(Reading, Twin)
    return Doors(face)


@pytest.fixture
async def gateway(doors: Doors) -> Any:
    async with doors.gateway("readings") as opened:
        yield opened


class Beside:
    """Makes a call through the gateway and through boto3, and holds the answers to be the same."""

    def __init__(self, gateway: Any, resource: Any) -> None:
        self._gateway = gateway
        self._resource = resource

    async def __call__(self, method: str, **request: Any) -> dict[str, Any]:
        ours = await getattr(self._gateway, method)(**request)
        theirs = getattr(self._resource, method)(**request)
        assert ours.pop("ResponseMetadata")["HTTPStatusCode"] == 200
        theirs.pop("ResponseMetadata")
        assert ours == with_bytes(theirs, self._resource.name, self._gateway.table_name)
        answer: dict[str, Any] = ours
        return answer

    async def refused(self, method: str, **request: Any) -> Exception:
        with pytest.raises(Exception, match=r".") as theirs:
            getattr(self._resource, method)(**request)
        assert type(theirs.value).__module__.partition(".")[0] in ("boto3", "botocore")
        with pytest.raises(Exception, match=r".") as ours:
            await getattr(self._gateway, method)(**request)
        return ours.value


def with_bytes(value: Any, name: str, other: str) -> Any:
    """boto3's answer with bytes for its `Binary`, and with the other table's name."""
    if isinstance(value, dict):
        return {key: with_bytes(entry, name, other) for key, entry in value.items()}
    if isinstance(value, list):
        return [with_bytes(entry, name, other) for entry in value]
    if isinstance(value, set):
        return {with_bytes(entry, name, other) for entry in value}
    if isinstance(value, Binary):
        wrapped: Any = value
        return wrapped.value
    return other if value == name else value


@pytest.fixture
def beside(gateway: Any, config: DynamoDBConfig, boto3_table: Callable[[str], Any]) -> Beside:
    return Beside(gateway, boto3_table(config.get_table_name("twins")))


RICH = {
    "device": "d1",
    "number": 1,
    "kind": "rich",
    "text": "héllo \U0001f600",
    "empty": "",
    "int": -5,
    "long": Decimal("12345678901234567890123456789012345678"),
    "small": Decimal("1E-130"),
    "flag": True,
    "nothing": None,
    "bytes": b"\x00\xff",
    "texts": {"a", "b"},
    "numbers": {1, Decimal("2.5")},
    "binaries": {b"x", b"y"},
    "list": [1, "x", [None, {"deep": False}]],
    "map": {"a.b": {"#c": []}, "size": 1},
}


async def some_rows(beside: Beside, count: int = 5) -> None:
    for number in range(count):
        await beside(
            "put_item",
            Item={
                "device": "d1",
                "number": number,
                "kind": "odd" if number % 2 else "even",
                "size": number * 10,
            },
        )


async def test_an_item_of_every_type_reads_back_as_boto3_reads_it(beside: Beside) -> None:
    await beside("put_item", Item=RICH)
    answer = await beside("get_item", Key={"device": "d1", "number": 1}, ConsistentRead=True)
    assert answer["Item"] == RICH
    assert isinstance(answer["Item"]["bytes"], bytes)


async def test_what_the_gateway_stored_boto3_reads(gateway: Any, boto3_table: Callable[[str], Any]) -> None:
    await gateway.put_item(Item=RICH)
    theirs = boto3_table(gateway.table_name).get_item(Key={"device": "d1", "number": 1})["Item"]
    assert with_bytes(theirs, "", "") == RICH


async def test_a_number_of_38_digits_that_boto3_stored_is_read_exactly(
    gateway: Any, boto3_client: Any
) -> None:
    digits = "9.9999999999999999999999999999999999999E+125"
    key = {"device": {"S": "d"}, "number": {"N": "1"}}
    boto3_client.put_item(TableName=gateway.table_name, Item={**key, "most": {"N": digits}})
    item = (await gateway.get_item(Key={"device": "d", "number": 1}))["Item"]
    assert item["most"] == Decimal(digits)


async def test_a_missing_item_gives_a_response_without_item(beside: Beside) -> None:
    assert "Item" not in await beside("get_item", Key={"device": "none", "number": 1})


async def test_get_item_takes_projection_and_names(beside: Beside) -> None:
    await beside("put_item", Item=RICH)
    answer = await beside(
        "get_item",
        Key={"device": "d1", "number": 1},
        ProjectionExpression="#l[1], #m.#s, #n",
        ExpressionAttributeNames={"#l": "list", "#m": "map", "#s": "size", "#n": "number"},
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer["Item"] == {"list": ["x"], "map": {"size": 1}, "number": 1}
    assert answer["ConsumedCapacity"]["CapacityUnits"] > 0


async def test_writes_return_the_values_that_were_asked_for(beside: Beside) -> None:
    await beside("put_item", Item=RICH)
    replaced = await beside("put_item", Item={"device": "d1", "number": 1, "size": 1}, ReturnValues="ALL_OLD")
    assert replaced["Attributes"] == RICH
    updated = await beside(
        "update_item",
        Key={"device": "d1", "number": 1},
        UpdateExpression="SET #size = #size + :one, kind = :kind",
        ExpressionAttributeNames={"#size": "size"},
        ExpressionAttributeValues={":one": 1, ":kind": "new"},
        ReturnValues="UPDATED_NEW",
    )
    assert updated["Attributes"] == {"size": 2, "kind": "new"}
    deleted = await beside("delete_item", Key={"device": "d1", "number": 1}, ReturnValues="ALL_OLD")
    assert deleted["Attributes"]["size"] == 2
    missing = await beside("delete_item", Key={"device": "d1", "number": 1}, ReturnValues="ALL_OLD")
    assert "Attributes" not in missing


async def test_an_update_makes_a_missing_item_as_the_service_does(beside: Beside) -> None:
    made = await beside(
        "update_item",
        Key={"device": "d9", "number": 1},
        UpdateExpression="ADD hits :one",
        ExpressionAttributeValues={":one": 1},
        ReturnValues="ALL_NEW",
    )
    assert made["Attributes"] == {"device": "d9", "number": 1, "hits": 1}


async def test_pages_of_a_query_follow_each_other_as_with_boto3(beside: Beside) -> None:
    await some_rows(beside)
    numbers: list[int] = []
    more: dict[str, Any] = {}
    while True:
        page = await beside("query", KeyConditionExpression=Key("device").eq("d1"), Limit=2, **more)
        numbers += [item["number"] for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            break
        more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert numbers == [0, 1, 2, 3, 4]


async def test_a_start_key_that_is_none_begins_at_the_first_page(gateway: Any) -> None:
    await gateway.put_item(Item={"device": "d", "number": 1})
    assert (await gateway.scan(ExclusiveStartKey=None))["Count"] == 1


async def test_an_index_is_read_in_descending_order(beside: Beside) -> None:
    await some_rows(beside)
    answer = await beside(
        "query",
        IndexName="ByKind",
        KeyConditionExpression=Key("kind").eq("even") & Key("number").between(0, 3),
        ScanIndexForward=False,
    )
    assert [item["number"] for item in answer["Items"]] == [2, 0]


async def test_a_count_comes_without_items(beside: Beside) -> None:
    await some_rows(beside)
    answer = await beside("scan", Select="COUNT", FilterExpression=Attr("size").gte(20))
    assert answer == {"Count": 3, "ScannedCount": 5}


async def test_segments_of_a_scan_hold_every_item_once(beside: Beside) -> None:
    await some_rows(beside)
    pages = [await beside("scan", TotalSegments=3, Segment=segment) for segment in range(3)]
    assert sum(page["Count"] for page in pages) == 5


async def test_the_members_that_expressions_replaced_still_work(beside: Beside) -> None:
    await beside(
        "update_item",
        Key={"device": "d1", "number": 1},
        AttributeUpdates={"size": {"Value": Decimal("1.5"), "Action": "PUT"}},
        Expected={"size": {"Exists": False}},
    )
    answer = await beside(
        "query",
        KeyConditions={"device": {"AttributeValueList": ["d1"], "ComparisonOperator": "EQ"}},
        QueryFilter={"size": {"AttributeValueList": [1], "ComparisonOperator": "GT"}},
    )
    assert answer["Items"] == [{"device": "d1", "number": 1, "size": Decimal("1.5")}]


async def sizes(gateway: Any, condition: object, **more: Any) -> list[int]:
    """The sizes that a filter lets through, given as the filter of a scan."""
    answer = await gateway.scan(FilterExpression=condition, **more)
    return sorted(item["size"] for item in answer["Items"])


async def test_conditions_may_be_text_or_boto3s_or_our_own(beside: Beside, gateway: Any) -> None:
    await some_rows(beside)
    as_text = await sizes(
        gateway,
        "#s BETWEEN :low AND :high",
        ExpressionAttributeNames={"#s": "size"},
        ExpressionAttributeValues={":low": 10, ":high": 30},
    )
    as_boto3 = await sizes(gateway, Attr("size").between(10, 30))
    as_ours = await sizes(gateway, Between(Path(("size",)), 10, 30))
    assert as_text == as_boto3 == as_ours == [10, 20, 30]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Attr("size").eq(10) | Attr("size").eq(20), [10, 20]),
        (Attr("size").ne(10) & ~Attr("kind").eq("even"), [30]),
        (Attr("size").lt(10), [0]),
        (Attr("size").lte(10), [0, 10]),
        (Attr("size").gt(30), [40]),
        (Attr("size").is_in([20, 99]), [20]),
        (Attr("kind").begins_with("od"), [10, 30]),
        (Attr("kind").contains("ve"), [0, 20, 40]),
        (Attr("kind").exists() & Attr("none").not_exists(), [0, 10, 20, 30, 40]),
        (Attr("kind").attribute_type("N"), []),
        (Attr("kind").size().lt(4), [10, 30]),
    ],
)
async def test_every_condition_of_boto3_means_the_same_here(
    beside: Beside, condition: Any, expected: list[int]
) -> None:
    await some_rows(beside)
    answer = await beside("scan", FilterExpression=condition)
    assert sorted(item["size"] for item in answer["Items"]) == expected


async def test_objects_stand_beside_placeholders_of_the_users_own(gateway: Any, beside: Beside) -> None:
    await some_rows(beside)
    answer = await gateway.query(
        KeyConditionExpression=Key("device").eq("d1") & Key("number").gte(1),
        FilterExpression="#0 < :0 AND #n0 = :v0",
        ProjectionExpression="#0",
        ExpressionAttributeNames={"#0": "size", "#n0": "kind"},
        ExpressionAttributeValues={":0": 30, ":v0": "odd"},
    )
    assert answer["Items"] == [{"size": 10}]
    updated = await gateway.update_item(
        Key={"device": "d1", "number": 1},
        UpdateExpression="SET #0 = :0",
        ConditionExpression=all_of(Compare(Path(("size",)), "=", 10), Compare(Path(("kind",)), "=", "odd")),
        ExpressionAttributeNames={"#0": "size"},
        ExpressionAttributeValues={":0": 11},
        ReturnValues="UPDATED_NEW",
    )
    assert updated["Attributes"] == {"size": 11}


@pytest.mark.parametrize(
    "condition",
    [Attr("size").eq(7), Compare(Path(("size",)), "=", 7), "size_ = :seven"],
    ids=["boto3", "own", "text"],
)
async def test_a_failed_condition_carries_the_item_and_writes_nothing(gateway: Any, condition: Any) -> None:
    key = {"device": "d", "number": 1}
    await gateway.put_item(Item={**key, "size_": 1, "size": 1, "seen": {1, 2}})
    values = {"ExpressionAttributeValues": {":seven": 7}} if isinstance(condition, str) else {}
    for write in (
        gateway.put_item(Item=key, ConditionExpression=condition, **values),
        gateway.delete_item(Key=key, ConditionExpression=condition, **values),
    ):
        with pytest.raises(ConditionalCheckFailedError) as failed:
            await write
        assert failed.value.current_item == {**key, "size_": 1, "size": 1, "seen": {1, 2}}
    assert (await gateway.get_item(Key=key))["Item"]["seen"] == {1, 2}


async def test_a_failed_condition_on_a_missing_item_carries_none(beside: Beside) -> None:
    error = await beside.refused(
        "update_item",
        Key={"device": "none", "number": 1},
        UpdateExpression="SET kind = :kind",
        ConditionExpression=Attr("device").exists(),
        ExpressionAttributeValues={":kind": "x"},
    )
    assert isinstance(error, ConditionalCheckFailedError)
    assert error.current_item is None


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("get_item", {"Key": {"device": "d"}}),
        ("put_item", {"Item": {"device": "d", "number": "no number"}}),
        ("put_item", {"Item": {"device": "", "number": 1}}),
        ("query", {"KeyConditionExpression": Attr("size").eq(1)}),
        ("query", {"IndexName": "Nowhere", "KeyConditionExpression": Key("kind").eq("x")}),
        ("scan", {"FilterExpression": "size = "}),
        ("scan", {"FilterExpresion": "kind = :x", "ExpressionAttributeValues": {":x": 1}}),
        ("put_item", {"Item": {"device": "d", "number": 1}, "ConditionExpresion": "attribute_exists(x)"}),
        ("get_item", {"Key": "d"}),
    ],
)
async def test_what_boto3_refuses_is_a_validation_error_here(
    beside: Beside, gateway: Any, method: str, request_: dict[str, Any]
) -> None:
    assert isinstance(await beside.refused(method, **request_), ValidationError)
    assert (await gateway.scan())["Items"] == []


async def test_a_missing_table_has_its_own_error(doors: Doors) -> None:
    async with doors.gateway("nowhere") as gateway:
        with pytest.raises(TableNotFoundError, match="nowhere"):
            await gateway.get_item(Key={"device": "d", "number": 1})


async def test_a_datetime_in_utc_is_stored_as_text_that_sorts(gateway: Any) -> None:
    await gateway.put_item(Item={"device": "d", "number": 1, "at": IN_UTC})
    found = await gateway.scan(FilterExpression=Attr("at").eq(IN_UTC))
    assert found["Items"][0]["at"] == "2024-07-01T12:00:00.000000+00:00"


@pytest.mark.parametrize("moment", [NAIVE, IN_OSLO], ids=["naive", "other zone"])
async def test_other_datetimes_are_refused_wherever_they_stand(gateway: Any, moment: datetime) -> None:
    key = {"device": "d", "number": 1}
    inside = {":at": {"deep": [moment]}}
    calls: list[Callable[[], Any]] = [
        lambda: gateway.put_item(Item={**key, "list": [{"at": moment}]}),
        lambda: gateway.scan(FilterExpression=Attr("at").lt(moment)),
        lambda: gateway.scan(FilterExpression=Attr("a.b").is_in([moment])),
        lambda: gateway.scan(FilterExpression=Compare(Path(("at",)), "<", moment)),
        lambda: gateway.scan(FilterExpression="x = :at", ExpressionAttributeValues=inside),
        lambda: gateway.batch_get([{"device": moment, "number": 1}]),
        lambda: gateway.transact_write_items(TransactItems=[{"Put": {"Item": {**key, "at": moment}}}]),
        lambda: gateway.execute_statement(Statement="SELECT * FROM x WHERE at=?", Parameters=[moment]),
    ]
    for call in calls:
        with pytest.raises(ValidationError, match="UTC"):
            await call()
    assert (await gateway.scan())["Items"] == []


async def test_batch_get_reads_more_than_100_keys_with_duplicates_and_missing(
    doors: Doors, gateway: Any
) -> None:
    async with doors.writer(gateway) as batch:
        for number in range(0, 240, 2):
            await batch.put_item(Item={"device": "d", "number": number})
    wanted = [*range(239, -1, -1), 4, 4, 5]
    answer = await gateway.batch_get([{"device": "d", "number": number} for number in wanted])
    items = answer["Responses"][gateway.table_name]
    assert [item["number"] for item in items] == [number for number in wanted if number % 2 == 0]
    assert answer["UnprocessedKeys"] == {}


async def test_batch_get_of_no_keys_is_empty(gateway: Any) -> None:
    answer = await gateway.batch_get([])
    assert answer["Responses"] == {gateway.table_name: []}


async def test_a_key_in_place_of_a_list_of_keys_is_refused(gateway: Any) -> None:
    with pytest.raises(ValidationError, match="Keys"):
        await gateway.batch_get({"device": "d", "number": 1})


async def test_keys_written_in_two_ways_are_one_key(gateway: Any) -> None:
    await gateway.put_item(Item={"device": "d", "number": 100})
    answer = await gateway.batch_get(
        [{"device": "d", "number": 100}, {"device": "d", "number": Decimal("1E+2")}]
    )
    assert [item["number"] for item in answer["Responses"][gateway.table_name]] == [100, 100]


async def test_batch_get_gives_only_what_was_projected(gateway: Any) -> None:
    for number in range(3):
        await gateway.put_item(Item={"device": "d", "number": number, "map": {"a": number, "b": 1}, "x": 1})
    answer = await gateway.batch_get(
        Keys=[{"device": "d", "number": number} for number in (2, 0)],
        ProjectionExpression="#m.a, x",
        ExpressionAttributeNames={"#m": "map"},
        ConsistentRead=True,
    )
    assert answer["Responses"][gateway.table_name] == [
        {"map": {"a": 2}, "x": 1},
        {"map": {"a": 0}, "x": 1},
    ]


async def stored(gateway: Any) -> list[int]:
    return sorted(item["number"] for item in (await gateway.scan(ConsistentRead=True))["Items"])


async def test_a_batch_writer_writes_any_number_of_items(doors: Doors, gateway: Any) -> None:
    async with doors.writer(gateway) as batch:
        for number in range(60):
            await batch.put_item(Item={"device": "d", "number": number, "tags": {"x"}})
    assert await stored(gateway) == list(range(60))
    async with doors.writer(gateway) as batch:
        for number in range(50):
            await batch.delete_item(Key={"device": "d", "number": number})
    assert await stored(gateway) == list(range(50, 60))


async def test_a_batch_whose_body_raises_sends_nothing_more(doors: Doors, gateway: Any) -> None:
    async def write_until_it_fails() -> None:
        async with doors.writer(gateway) as batch:
            for number in range(30):
                await batch.put_item(Item={"device": "d", "number": number})
            raise LookupError("the source broke off")

    with pytest.raises(LookupError):
        await write_until_it_fails()
    assert await stored(gateway) == list(range(25)), "only the batch that was full had been sent"


async def test_a_refused_item_in_a_batch_sends_nothing_more(doors: Doors, gateway: Any) -> None:
    async def write_with_a_naive_time() -> None:
        async with doors.writer(gateway) as batch:
            await batch.put_item(Item={"device": "d", "number": 1})
            await batch.put_item(Item={"device": "d", "number": 2, "at": NAIVE})

    with pytest.raises(ValidationError, match="UTC"):
        await write_with_a_naive_time()
    assert await stored(gateway) == []


async def test_of_two_writes_with_one_key_the_later_counts(doors: Doors, gateway: Any) -> None:
    async with doors.writer(gateway, overwrite_by_pkeys=["device", "number"]) as batch:
        await batch.put_item(Item={"device": "d", "number": 1, "turn": "first"})
        await batch.put_item(Item={"device": "d", "number": 1, "turn": "second"})
        await batch.put_item(Item={"device": "d", "number": 2})
        await batch.delete_item(Key={"device": "d", "number": 2})
        await batch.delete_item(Key={"device": "d", "number": 3})
        await batch.put_item(Item={"device": "d", "number": 3})
    assert await stored(gateway) == [1, 3]
    assert (await gateway.get_item(Key={"device": "d", "number": 1}))["Item"]["turn"] == "second"


async def test_without_key_names_the_service_refuses_a_key_that_stands_twice(
    doors: Doors, gateway: Any
) -> None:
    async def write_twice() -> None:
        async with doors.writer(gateway) as batch:
            await batch.put_item(Item={"device": "d", "number": 1})
            await batch.put_item(Item={"device": "d", "number": 1})

    with pytest.raises(ValidationError, match="BatchWriteItem"):
        await write_twice()
    assert await stored(gateway) == []


async def test_a_batch_can_be_sent_before_its_end(doors: Doors, gateway: Any) -> None:
    async with doors.writer(gateway) as batch:
        await batch.put_item(Item={"device": "d", "number": 1})
        await batch.flush()
        assert await stored(gateway) == [1]


def processing_only(count: int) -> Fault:
    """The engine gets the first so many writes of a batch; the others come back as unprocessed."""

    def fault(exchange: Exchange) -> None:
        ((table, writes),) = exchange.request.json["RequestItems"].items()
        body = json.dumps({"RequestItems": {table: writes[:count]}}).encode()
        headers = {**exchange.request.headers, "content-length": str(len(body))}
        exchange.request = replace(exchange.request, body=body, headers=headers)
        assert exchange.apply().status == 200
        exchange.send(answered({"UnprocessedItems": {table: writes[count:]}}))

    return fault


async def test_what_the_service_leaves_unprocessed_is_sent_again(doors: Doors, engine: RunningEngine) -> None:
    config = doors._face.config
    with FaultServer([processing_only(10), processing_only(1)], upstream=engine.endpoint_url) as server:
        through = config.model_copy(update={"endpoint_url": server.url})
        async with doors.gateway("readings", through) as gateway:
            async with doors.writer(gateway) as batch:
                for number in range(20):
                    await batch.put_item(Item={"device": "d", "number": number})
            sent = [len(request.json["RequestItems"][gateway.table_name]) for request in server.requests]
            assert sent == [20, 10, 9]
            assert await stored(gateway) == list(range(20))


async def test_an_increment_that_was_applied_but_not_answered_is_not_sent_again(
    doors: Doors, engine: RunningEngine
) -> None:
    config = doors._face.config
    key = {"device": "d", "number": 1}
    with FaultServer([reset_after_apply()], upstream=engine.endpoint_url) as server:
        through = config.model_copy(update={"endpoint_url": server.url})
        async with doors.gateway("readings", through) as gateway:
            with pytest.raises(WriteOutcomeUnknownError):
                await gateway.update_item(
                    Key=key, UpdateExpression="ADD hits :one", ExpressionAttributeValues={":one": 1}
                )
            assert (await gateway.get_item(Key=key))["Item"]["hits"] == 1


async def test_a_transaction_that_was_applied_but_not_answered_counts_once(
    doors: Doors, engine: RunningEngine
) -> None:
    config = doors._face.config
    key = {"device": "d", "number": 1}
    increment = {
        "Update": {
            "Key": key,
            "UpdateExpression": "ADD hits :one",
            "ExpressionAttributeValues": {":one": 1},
        }
    }
    with FaultServer([reset_after_apply()], upstream=engine.endpoint_url) as server:
        through = config.model_copy(update={"endpoint_url": server.url})
        async with doors.gateway("readings", through) as gateway:
            await gateway.transact_write_items(TransactItems=[increment])
            assert len(server.requests) == 2
            assert (await gateway.get_item(Key=key))["Item"]["hits"] == 1


async def test_a_transaction_writes_all_of_its_actions(gateway: Any) -> None:
    for number in (1, 2, 3):
        await gateway.put_item(Item={"device": "d", "number": number, "size": number})
    await gateway.transact_write_items(
        TransactItems=[
            {"Put": {"Item": {"device": "d", "number": 9, "tags": {"new"}}}},
            {
                "Update": {
                    "Key": {"device": "d", "number": 1},
                    "UpdateExpression": "SET size_ = :size",
                    "ConditionExpression": Attr("size").eq(1),
                    "ExpressionAttributeValues": {":size": 10},
                }
            },
            {
                "Delete": {
                    "Key": {"device": "d", "number": 2},
                    "ConditionExpression": "attribute_exists(device)",
                }
            },
            {
                "ConditionCheck": {
                    "Key": {"device": "d", "number": 3},
                    "ConditionExpression": Compare(Path(("size",)), "=", 3),
                }
            },
        ]
    )
    assert await stored(gateway) == [1, 3, 9]
    assert (await gateway.get_item(Key={"device": "d", "number": 1}))["Item"]["size_"] == 10


async def test_a_cancelled_transaction_tells_the_reason_of_each_action(gateway: Any) -> None:
    await gateway.put_item(Item={"device": "d", "number": 2, "size": 2, "tags": {"x"}})
    with pytest.raises(TransactionCanceledError) as cancelled:
        await gateway.transact_write_items(
            TransactItems=[
                {"Put": {"Item": {"device": "d", "number": 1}}},
                {
                    "Delete": {
                        "Key": {"device": "d", "number": 2},
                        "ConditionExpression": Attr("size").eq(5),
                    }
                },
                {
                    "ConditionCheck": {
                        "Key": {"device": "d", "number": 3},
                        "ConditionExpression": "attribute_exists(device)",
                    }
                },
            ]
        )
    reasons = cancelled.value.reasons
    assert [reason.code for reason in reasons] == ["None", "ConditionalCheckFailed", "ConditionalCheckFailed"]
    assert [reason.item for reason in reasons] == [
        None,
        {"device": "d", "number": 2, "size": 2, "tags": {"x"}},
        None,
    ]
    assert await stored(gateway) == [2]


async def test_a_misspelt_condition_of_a_transaction_writes_nothing(gateway: Any) -> None:
    for action in (
        {"Put": {"Item": {"device": "d", "number": 1}, "ConditionExpresion": "attribute_exists(device)"}},
        {"Insert": {"Item": {"device": "d", "number": 1}}},
    ):
        with pytest.raises(ValidationError, match=r"ConditionExpression|Put, Update"):
            await gateway.transact_write_items(TransactItems=[action])
    assert await stored(gateway) == []


async def test_transact_get_keeps_the_slot_of_a_missing_item(
    gateway: Any, config: DynamoDBConfig, boto3_table: Callable[[str], Any]
) -> None:
    await gateway.put_item(Item={"device": "d", "number": 1, "size": Decimal("1.5"), "kind": "x"})
    keys = [{"device": "d", "number": 2}, {"device": "d", "number": 1}]
    gets: Sequence[dict[str, Any]] = [{"Get": {"Key": key}} for key in keys]
    answer = await gateway.transact_get_items(TransactItems=gets)
    theirs = boto3_table(gateway.table_name).meta.client.transact_get_items(
        TransactItems=[{"Get": {"TableName": gateway.table_name, "Key": key}} for key in keys]
    )
    assert answer["Responses"] == theirs["Responses"]
    assert answer["Responses"][0] == {}
    assert answer["Responses"][1]["Item"]["size"] == Decimal("1.5")


async def test_transact_get_reads_of_several_tables(
    gateway: Any, config: DynamoDBConfig, beside: Beside
) -> None:
    await some_rows(beside, 1)
    key = {"device": "d1", "number": 0}
    answer = await gateway.transact_get_items(
        TransactItems=[
            {"Get": {"Key": key}},
            {"Get": {"TableName": config.get_table_name("twins"), "Key": key}},
        ]
    )
    first, second = (slot["Item"] for slot in answer["Responses"])
    assert first == second == {"device": "d1", "number": 0, "kind": "even", "size": 0}


async def test_statements_take_and_give_python_values(
    gateway: Any, boto3_table: Callable[[str], Any]
) -> None:
    table = gateway.table_name
    await gateway.execute_statement(
        Statement=f"INSERT INTO \"{table}\" VALUE {{'device': ?, 'number': ?, 'sizes': ?}}",
        Parameters=["d", 1, {Decimal("1.5"), 2}],
    )
    select = {
        "Statement": f'SELECT * FROM "{table}" WHERE device = ? AND "number" = ?',
        "Parameters": ["d", 1],
    }
    answer = await gateway.execute_statement(**select)
    theirs = boto3_table(table).meta.client.execute_statement(**select)
    assert answer["Items"] == theirs["Items"] == [{"device": "d", "number": 1, "sizes": {Decimal("1.5"), 2}}]


async def test_a_statement_that_changes_a_missing_item_is_refused(gateway: Any) -> None:
    with pytest.raises(ConditionalCheckFailedError):
        await gateway.execute_statement(
            Statement=f'UPDATE "{gateway.table_name}" SET kind = ? WHERE device = ? AND "number" = ?',
            Parameters=["x", "none", 1],
        )
    assert await stored(gateway) == []


async def test_gateways_of_one_config_share_their_connections(doors: Doors, engine: RunningEngine) -> None:
    with FaultServer(upstream=engine.endpoint_url) as server:
        through = doors._face.config.model_copy(update={"endpoint_url": server.url})
        async with doors.gateway("readings", through) as readings, doors.gateway("twins", through) as twins:
            for _ in range(3):
                await readings.scan()
                await twins.scan()
        assert len(server.requests) == 6
        assert server.connections == 1


async def test_an_async_gateway_is_made_from_a_client_too(config: DynamoDBConfig, tables: Any) -> None:
    from dynamodb_wrapper import AsyncTableGateway, TableGateway

    tables(Reading)
    with DynamoDB(config) as db:
        TableGateway(db, db.table_name(Reading)).put_item(Item={"device": "d", "number": 1})
    async with AsyncDynamoDB(config) as adb:
        answer = await AsyncTableGateway(adb, adb.table_name(Reading)).scan()
    assert answer["Count"] == 1


async def test_a_second_insert_of_one_key_changes_nothing(gateway: Any) -> None:
    insert = f"INSERT INTO \"{gateway.table_name}\" VALUE {{'device': 'd', 'number': 1, 'turn': ?}}"
    await gateway.execute_statement(Statement=insert, Parameters=["first"])
    with pytest.raises(ConflictError):
        await gateway.execute_statement(Statement=insert, Parameters=["second"])
    assert (await gateway.scan())["Items"][0]["turn"] == "first"
