from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.exceptions import BulkWriteError, ServiceError, UnprocessedError
from dynamodb_wrapper.operations.bulk import Outcome, delete_entry, put_entry, raise_failures, read, write
from dynamodb_wrapper.schema import schema_of


class Part(BaseModel):
    sku: str
    count: int = 0

    class Meta:
        table_name = "parts"
        partition_key = "sku"


class Tool(Part):
    class Meta:
        table_name = "tools"
        partition_key = "sku"


SCHEMA: Any = schema_of(Part)
Service = Callable[..., Any]


def put(sku: str, count: int = 0, table: str = "t") -> Any:
    return put_entry(table, SCHEMA, Part(sku=sku, count=count))


def test_outcomes_stand_in_the_order_of_the_writes_of_several_tables(service: Service) -> None:
    entries = [put("a"), put("b", table="u"), delete_entry("t", SCHEMA, "c")]
    asked = service(
        {"UnprocessedItems": {"t": [{"DeleteRequest": {"Key": {"sku": {"S": "c"}}}}]}}, ServiceError("no")
    )
    outcomes = asked.drive(write(asked.send, entries))
    assert [outcome.given for outcome in outcomes] == [Part(sku="a"), Part(sku="b"), "c"]
    assert [outcome.written for outcome in outcomes] == [True, False, False]
    assert [list(body["RequestItems"]) for body in asked.bodies] == [["t"], ["t"]]


def test_of_two_of_one_item_the_later_is_sent_and_both_have_its_outcome(service: Service) -> None:
    asked = service({})
    outcomes = asked.drive(write(asked.send, [put("a", 1), put("a", 2), delete_entry("t", SCHEMA, "b")]))
    assert [outcome.written for outcome in outcomes] == [True, True, True]
    (item, key) = asked.bodies[0]["RequestItems"]["t"]
    assert item["PutRequest"]["Item"]["count"] == {"N": "2"}
    assert key == {"DeleteRequest": {"Key": {"sku": {"S": "b"}}}}


ENTRIES = [put("a"), put("b")]
FINAL, LEFT = ServiceError("no"), UnprocessedError("later")


def test_nothing_is_raised_where_all_was_written() -> None:
    raise_failures(ENTRIES, [Outcome("a"), Outcome("b")])


@pytest.mark.parametrize(
    ("errors", "raised"),
    [((FINAL, FINAL), ServiceError), ((None, FINAL), BulkWriteError), ((LEFT, LEFT), BulkWriteError)],
)
def test_the_error_itself_is_raised_only_where_nothing_was_written(
    errors: Any, raised: type[Exception]
) -> None:
    outcomes = [Outcome(given, error) for given, error in zip("ab", errors, strict=True)]
    with pytest.raises(raised) as caught:
        raise_failures(ENTRIES, outcomes)
    assert type(caught.value) is raised
    if isinstance(caught.value, BulkWriteError):
        assert caught.value.succeeded == (("a",) if errors[0] is None else ())
        assert caught.value.unwritten == (("b",) if errors[0] is None else ("a", "b"))


def test_models_of_different_tables_share_calls(service: Service) -> None:
    def found(call: Call) -> Any:
        return {"Responses": {table: asked["Keys"] for table, asked in call.body["RequestItems"].items()}}

    asked = service(found)
    wanted: Any = [(Part, "t", "a"), (Tool, "u", "a"), (Part, "t", "b")]
    got = asked.drive(read(asked.send, wanted, False, float("inf")))
    assert got == [Part(sku="a"), Tool(sku="a"), Part(sku="b")]
    assert len(asked.sent) == 1


def test_keys_that_are_left_over_are_named_as_they_were_given(service: Service) -> None:
    def stuck(call: Call) -> Any:
        return {"UnprocessedKeys": call.body["RequestItems"]}

    asked = service(*[stuck] * 20)
    wanted: Any = [(Part, "t", "a"), (Tool, "u", {"sku": "b"})]
    with pytest.raises(UnprocessedError, match="2 keys of t, u were not read") as caught:
        asked.drive(read(asked.send, wanted, False, float("inf")))
    assert caught.value.unprocessed == ((Part, "a"), (Tool, {"sku": "b"}))
