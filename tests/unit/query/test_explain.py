"""Explanations in words."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from dynamodb_wrapper import DynamoDB, DynamoDBConfig
from dynamodb_wrapper.expressions.conditions import Expression
from dynamodb_wrapper.expressions.params import encode_plainly
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.query.explain import describe
from dynamodb_wrapper.query.spoken import condition_from
from dynamodb_wrapper.schema import GSI, schema_of


class Event(DynamoDBModel):
    source: str
    at: datetime
    level: str = "info"
    size: int = 0

    class Meta:
        table_name = "events"
        partition_key = "source"
        sort_key = "at"
        gsis: ClassVar = [GSI("ByLevel", "level", "at", "KEYS_ONLY")]


def query() -> Any:
    config = DynamoDBConfig(region_name="us-east-1", table_prefix="t_")
    return DynamoDB(config, transport=lambda *_: b"{}").query(Event)


def test_a_query_in_words() -> None:
    since = datetime(2026, 5, 1, tzinfo=UTC)
    asked = query().where("level", "=", "error").where("at", ">", since).where("size", "!=", 3)
    assert str(asked.order(ascending=False).explain()).splitlines() == [
        "query on t_events, index ByLevel",
        "  key       level = 'error' AND at > '2026-05-01T00:00:00.000000+00:00'",
        "  checked   size <> 3 (in Python)",
        "  reads     all attributes",
        "  fetches   the items from the table by key: the index lacks some",
        "  order     at, descending",
        "  estimate  34 items in 2 requests, 18 read units",
        "            if there are 1,024 bytes an item, 100 items a partition key value",
    ]


def test_many_keys_in_words() -> None:
    keys = [f"s{number}" for number in range(9)]
    lines = str(query().where("source", "in", keys).where("size", ">", 1).explain()).splitlines()
    assert lines[0] == "9 queries on t_events"
    assert lines[1:6] == [
        "  key       source = 's0'",
        "            source = 's1'",
        "            source = 's2'",
        "            source = 's3'",
        "            and 5 more",
    ]
    assert lines[6] == "  filter    size > 1"


def test_what_is_hidden_in_words() -> None:
    class Visit(Event):
        ends: int | None = None

        class Meta(Event.Meta):
            ttl = "ends"

    config = DynamoDBConfig(region_name="us-east-1")
    asked = DynamoDB(config, transport=lambda *_: b"{}").query(Visit).where("source", "=", "a")
    assert "  hides     what is past its ends" in str(asked.explain()).splitlines()
    assert "filter" not in str(asked.explain())
    assert "hides" not in str(asked.include_expired().explain())


def test_nothing_in_words() -> None:
    explained = query().where("source", "=", "a").where("source", "=", "b").explain()
    assert str(explained) == "nothing is read of t_events: no item can fulfil the conditions"
    assert explained.index is None


def test_conditions_in_words() -> None:
    schema = schema_of(Event)
    many = condition_from(schema, "size", "in", [list(range(1000))])
    few = condition_from(schema, "level", "=", ["info"]) & ~condition_from(schema, "size", "exists")
    assert describe(many | few, encode_plainly) == (
        "(size IN (1,000 values) OR (level = 'info' AND NOT attribute_exists(size)))"
    )
    assert describe(Expression("#s > :n", {"#s": "size"}, {":n": 2}), encode_plainly) == "(size > 2)"


def test_the_explanations_in_the_docs_are_the_programs_own() -> None:
    script = Path(__file__).parents[3] / "scripts" / "explain"
    subprocess.run([sys.executable, script, "--check"], check=True)
