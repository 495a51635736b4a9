"""The layer alone, over a service that is a function: what makes a call, and what a write forgets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from dynamodb_wrapper.engine.flow import Call, Effect, Flow, Reply, run
from dynamodb_wrapper.exceptions import AuthenticationError, ConnectionError, DynamoDBWrapperError
from dynamodb_wrapper.plugins import CachePlugin

ITEM = {"id": {"S": "a"}, "n": {"N": "1"}}
KEY = {"id": {"S": "a"}}


class Service:
    """A client of the cache over a service that answers by action, and notes what was asked."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.errors: dict[str, DynamoDBWrapperError] = {}
        self.batch: dict[str, Any] = {}
        self._layer = CachePlugin().layers[0]

    def ask(self, action: str, body: dict[str, Any]) -> Any:
        return msgspec.json.decode(run(self._layer(self._send, Call(action, body)), self._perform))

    def get(self, table: str, key: dict[str, Any] | None = None) -> bool:
        """Whether reading an item made a call."""
        before = len(self.calls)
        self.ask("GetItem", {"TableName": table, "Key": key or KEY})
        return len(self.calls) > before

    def _send(self, call: Call) -> Flow[Reply]:
        reply: Reply = yield call
        return reply

    def _perform(self, effect: Effect) -> Any:
        if not isinstance(effect, Call):
            return None
        self.calls.append(effect)
        if error := self.errors.get(effect.action):
            raise error
        if effect.action == "BatchGetItem":
            return msgspec.json.encode(self.batch)
        if effect.action == "DescribeTable":
            return b'{"Table":{"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}}'
        return msgspec.json.encode({"Item": ITEM} if effect.action == "GetItem" else {})


@pytest.fixture
def service() -> Service:
    service = Service()
    for table in ("t", "u"):
        assert service.get(table)
        assert not service.get(table)
    return service


@pytest.mark.parametrize(
    ("text", "forgotten"),
    [
        ('UPDATE "t" SET n=1 WHERE id=?', "t"),
        ("update t set n=1 where id=?", "t"),
        ("\n  DELETE   FROM t WHERE id=?", "t"),
        ("INSERT INTO \"t\" VALUE {'id': ?}", "t"),
        ("UPSERT SOMEHOW", "tu"),
        ('SELECT * FROM "t"', ""),
    ],
)
def test_a_statement_forgets_the_table_that_it_writes(service: Service, text: str, forgotten: str) -> None:
    service.ask("ExecuteStatement", {"Statement": text})
    assert "".join(table for table in "tu" if service.get(table)) == forgotten


@pytest.mark.parametrize("action", ["BatchExecuteStatement", "ExecuteTransaction"])
def test_statements_together_forget_all_their_tables(service: Service, action: str) -> None:
    member = "Statements" if action == "BatchExecuteStatement" else "TransactStatements"
    reads = [{"Statement": "SELECT * FROM t"}, {"Statement": "EXISTS(SELECT * FROM u)"}]
    service.ask(action, {member: reads})
    assert not service.get("t")
    writes = [{"Statement": "UPDATE t SET n=1"}, {"Statement": "DELETE FROM u"}]
    service.ask(action, {member: writes})
    assert service.get("t")
    assert service.get("u")


def test_a_transaction_forgets_what_it_writes_and_not_what_it_checks(service: Service) -> None:
    check = {"ConditionCheck": {"TableName": "u", "Key": KEY, "ConditionExpression": "n = :n"}}
    service.ask("TransactWriteItems", {"TransactItems": [check, {"Put": {"TableName": "t", "Item": ITEM}}]})
    assert service.get("t")
    assert not service.get("u")


def test_values_that_are_encoded_already_are_understood(service: Service) -> None:
    put = {"TableName": "t", "Item": {"id": Raw(b'{"S":"a"}'), "n": Raw(b'{"N":"5"}')}}
    service.ask("PutItem", put)
    got = service.ask("GetItem", {"TableName": "t", "Key": {"id": Raw(b'{"S":"a"}')}})
    assert got == {"Item": {"id": {"S": "a"}, "n": {"N": "5"}}}


def test_the_key_of_a_table_is_asked_for_once_where_none_was_seen() -> None:
    service = Service()
    for _ in range(3):
        service.ask("PutItem", {"TableName": "t", "Item": ITEM})
    assert [call.action for call in service.calls].count("DescribeTable") == 1
    assert not service.get("t")


def test_where_the_key_stays_unknown_a_put_forgets_the_table() -> None:
    service = Service()
    service.errors["DescribeTable"] = AuthenticationError("not permitted")
    service.ask("BatchWriteItem", {"RequestItems": {"t": [{"PutRequest": {"Item": ITEM}}]}})
    assert service.get("t")
    assert not service.get("t")
    service.ask("PutItem", {"TableName": "t", "Item": {"other": {"S": "b"}}})
    assert service.get("t")
    assert [call.action for call in service.calls].count("DescribeTable") == 1


@pytest.mark.parametrize("body", [{}, {"TableName": "t"}, {"TransactItems": [{"Put": {}}]}])
def test_a_request_that_the_service_will_refuse_reaches_it(service: Service, body: dict[str, Any]) -> None:
    for action in (
        "PutItem",
        "DeleteItem",
        "BatchWriteItem",
        "TransactWriteItems",
        "GetItem",
        "BatchGetItem",
    ):
        service.ask(action, body)
    assert len(service.calls) == 2 + 6


@pytest.mark.parametrize(
    ("write", "body"),
    [
        ("PutItem", {"TableName": "t", "Item": ITEM}),
        ("DeleteItem", {"TableName": "t", "Key": KEY}),
        ("UpdateItem", {"TableName": "t", "Key": KEY, "ReturnValues": "ALL_NEW"}),
        ("ExecuteStatement", {"Statement": "DELETE FROM t"}),
    ],
)
@pytest.mark.parametrize("lost", [False, True])
def test_a_write_that_fails_forgets_what_it_was_about(
    service: Service, write: str, body: dict[str, Any], lost: bool
) -> None:
    error = service.errors[write] = ConnectionError("gone")
    error.outcome_unknown = lost
    with pytest.raises(ConnectionError):
        service.ask(write, body)
    assert service.get("t")
    assert not service.get("u")


def test_a_write_that_nobody_waits_for_any_more_forgets_too(service: Service) -> None:
    layer: Callable[..., Flow[Reply]] = service._layer
    flow = layer(service._send, Call("PutItem", {"TableName": "t", "Item": ITEM}))
    assert isinstance(next(flow), Call)
    flow.close()
    assert service.get("t")


def test_of_a_batch_only_what_is_not_kept_is_asked_for(service: Service) -> None:
    other, left = {"id": {"S": "b"}}, {"id": {"S": "c"}}
    asked = {
        "t": {"Keys": [KEY, other, left]},
        "u": {"Keys": [KEY], "ConsistentRead": True},
        "v": {"Keys": [KEY], "ProjectionExpression": "n"},
    }
    service.batch = {
        "Responses": {"t": [other | {"n": {"N": "2"}}], "u": [ITEM], "v": [{"n": {"N": "3"}}]},
        "UnprocessedKeys": {"t": {"Keys": [left]}},
    }
    got = service.ask("BatchGetItem", {"RequestItems": asked})
    assert service.calls[-1].body["RequestItems"] == asked | {"t": {"Keys": [other, left]}}
    assert got["Responses"] == service.batch["Responses"] | {"t": [other | {"n": {"N": "2"}}, ITEM]}
    assert got["UnprocessedKeys"] == service.batch["UnprocessedKeys"]
    assert not service.get("t", other)
    assert service.get("t", left)
    service.ask("BatchGetItem", {"RequestItems": asked})
    assert service.calls[-1].body["RequestItems"] == {"u": asked["u"], "v": asked["v"]}


def test_a_batch_that_is_kept_makes_no_call_and_costs_nothing(service: Service) -> None:
    calls = len(service.calls)
    asked = {"t": {"Keys": [KEY]}, "u": {"Keys": [KEY]}}
    got = service.ask("BatchGetItem", {"RequestItems": asked, "ReturnConsumedCapacity": "TOTAL"})
    assert got == {"Responses": {"t": [ITEM], "u": [ITEM]}, "UnprocessedKeys": {}, "ConsumedCapacity": []}
    assert len(service.calls) == calls
