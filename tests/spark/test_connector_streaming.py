"""Changes of a table as a stream: each comes once, in order, also after a restart."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from tests.support.faults import FaultServer, answered, refuse, reply
from tests.support.spark_models import Order

from dynamodb_wrapper import DynamoDB, DynamoDBConfig, ValidationError
from dynamodb_wrapper.exceptions import ServiceError
from dynamodb_wrapper.spark.connector import change_schema
from dynamodb_wrapper.spark.connector.options import read_options
from dynamodb_wrapper.spark.connector.shards import Shard, Stream, sequence_of
from dynamodb_wrapper.spark.connector.source import Source
from dynamodb_wrapper.spark.connector.streaming import StreamReader
from dynamodb_wrapper.spark.connector.walking import Offset, walk

MODEL = "tests.support.spark_models:Order"


@pytest.fixture
def streamed(boto3_client: Any, tables: Callable[..., list[str]]) -> str:
    """The name of a table of orders whose changes are streamed."""
    (table,) = tables(Order)
    boto3_client.update_table(
        TableName=table,
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return table


def change(db: DynamoDB, first: int, last: int) -> None:
    for at in range(first, last):
        db.put(Order(customer=f"c{at % 3}", number=at, total=Decimal(at)))


class Batches:
    """What a reader gives batch by batch, as Spark asks for it."""

    def __init__(self, config: DynamoDBConfig, **options: str) -> None:
        self._source = Source(read_options(options), config)
        self.rows: list[dict[str, Any]] = []
        self.sizes: list[int] = []

    def run(self, start: Offset, most: int | None = None) -> Offset:
        reader = StreamReader(self._source, change_schema(self._source.own_model))
        limit = None if most is None else type("ReadMaxRows", (), {"max_rows": most})()
        while True:
            end = reader.latestOffset(start, limit)
            found = self.between(reader, start, end)
            if not found:
                return end
            self.rows += found
            self.sizes.append(len(found))
            start = json.loads(json.dumps(end))

    def between(self, reader: StreamReader, start: Offset, end: Offset) -> list[dict[str, Any]]:
        parts = reader.partitions(start, end)
        return [row for part in parts for batch in reader.read(part) for row in batch.to_pylist()]


def test_changes_come_once_and_in_order_within_the_limit(
    streamed: str, config: DynamoDBConfig, db: DynamoDB
) -> None:
    change(db, 0, 25)
    db.update(Order, {"customer": "c0", "number": 0}, {"weight": 2.5})
    db.delete(Order, {"customer": "c1", "number": 1})
    batches = Batches(config, model=MODEL)
    end = batches.run({}, most=7)
    assert batches.sizes == [7, 7, 7, 6]
    assert [row["event"] for row in batches.rows] == ["INSERT"] * 25 + ["MODIFY", "REMOVE"]
    assert [row["keys"]["number"] for row in batches.rows] == [*range(25), 0, 1]
    changed, removed = batches.rows[-2:]
    assert (changed["old"]["weight"], changed["new"]["weight"], changed["new"]["total"]) == (None, 2.5, "0")
    assert (removed["new"], removed["old"]["total"]) == (None, "1")
    change(db, 25, 40)
    batches.run(end)
    assert [row["keys"]["number"] for row in batches.rows[27:]] == list(range(25, 40))


def test_the_same_offsets_give_the_same_changes(streamed: str, config: DynamoDBConfig, db: DynamoDB) -> None:
    change(db, 0, 20)
    batches = Batches(config, table="orders", stream="true")
    first = StreamReader(batches._source, change_schema())
    start = first.latestOffset({}, type("ReadMaxRows", (), {"max_rows": 5})())
    end = first.latestOffset(start, type("ReadMaxRows", (), {"max_rows": 9})())
    change(db, 20, 30)
    planned = batches.between(first, start, end)
    replayed = batches.between(StreamReader(batches._source, change_schema()), start, end)
    assert planned == replayed
    assert [json.loads(row["keys"])["number"] for row in planned] == list(range(5, 14))


def test_a_reader_that_is_not_told_where_the_last_batch_ended_loses_and_repeats_nothing(
    streamed: str, config: DynamoDBConfig, db: DynamoDB
) -> None:
    """As Spark before 4.2 asks, and again after a restart."""
    change(db, 0, 10)
    batches = Batches(config, table="orders", stream="true")
    end = StreamReader(batches._source, change_schema()).latestOffset()
    change(db, 10, 15)
    restarted = StreamReader(batches._source, change_schema())
    rows = batches.between(restarted, end, restarted.latestOffset())
    assert [json.loads(row["keys"])["number"] for row in rows] == list(range(10, 15))


def test_a_table_without_a_stream_is_told(config: DynamoDBConfig, tables: Callable[..., list[str]]) -> None:
    tables(Order)
    with pytest.raises(ValidationError, match="has no stream: turn it on"):
        StreamReader(Source(read_options({"model": MODEL}), config), change_schema())


def test_columns_of_items_are_no_columns_of_changes(streamed: str, config: DynamoDBConfig) -> None:
    from pyspark.sql.types import StringType, StructField, StructType

    schema = StructType([StructField("customer", StringType())])
    with pytest.raises(ValidationError, match="a stream has no column customer"):
        StreamReader(Source(read_options({"model": MODEL}), config), schema)


class Shards:
    """A stream of two shards, parent and child, in the place of one that the engines do not split."""

    def __init__(self, last: str | None = None) -> None:
        self.records = {"child": [3, 4], "parent": [1, 2]}
        self.known = {"child": Shard("parent"), "parent": Shard("trimmed", last)}
        self.asked: list[str] = []

    def shards(self) -> dict[str, Shard]:
        return self.known

    def iterator(self, shard: str, after: str) -> str:
        return f"{shard} {after or 0}"

    def keep(self, shard: str, after: str, iterator: str) -> None:
        pass

    def page(self, shard: str, after: str, iterator: str, most: int) -> tuple[list[Any], str | None]:
        self.asked.append(shard)
        found = [number for number in self.records[shard] if number > int(iterator.split()[1])][:most]
        records = [
            {"dynamodb": {"SequenceNumber": str(number), "ApproximateCreationDateTime": number}}
            for number in found
        ]
        last = found[-1] if found else int(after or 0)
        over = shard == "parent" and last == self.records[shard][-1]
        return records, None if over else f"{shard} {last}"


def test_a_shard_waits_until_its_parent_was_read_to_its_end() -> None:
    stream: Any = Shards()
    first = walk(stream, {}, most=1)
    assert first == {"parent": {"after": "1", "done": False}}
    second = walk(stream, first)
    assert second == {"parent": {"after": "2", "done": True}}
    assert walk(stream, second)["child"] == {"after": "4", "done": False}
    assert walk(stream, {}, at_once=True).keys() == {"parent", "child"}


def test_what_is_changed_later_is_left_to_the_next_run_and_shards_that_are_gone_are_forgotten() -> None:
    stream: Any = Shards()
    start = {"gone": {"after": "9", "done": True}, "parent": {"after": "", "done": False}}
    assert walk(stream, start, until=1) == {"parent": {"after": "1", "done": False}}


def test_a_closed_shard_that_was_read_to_its_last_number_is_done_without_a_look() -> None:
    """Its last record may be gone by then, so that no iterator can begin after it."""
    stream: Any = Shards(last="2")
    assert walk(stream, {"parent": {"after": "2", "done": False}}) == {"parent": {"after": "2", "done": True}}
    assert stream.asked == []


def test_pages_without_records_do_not_end_a_closed_shard(config: DynamoDBConfig) -> None:
    ranges = {"StartingSequenceNumber": "1", "EndingSequenceNumber": "9"}
    described = [
        {"ShardId": "s", "SequenceNumberRange": ranges},
        {"ShardId": "child", "ParentShardId": "s", "SequenceNumberRange": ranges},
    ]
    record = {"dynamodb": {"SequenceNumber": "7", "ApproximateCreationDateTime": 1}}
    empty = {"Records": [], "NextShardIterator": "on"}
    replies = [
        {"StreamDescription": {"Shards": described[:1], "LastEvaluatedShardId": "s"}},
        {"StreamDescription": {"Shards": described[1:]}},
        {"ShardIterator": "here"},
        *[empty] * 7,
        {"Records": [record]},
    ]
    with answers(config, *replies) as stream:
        assert walk(stream, {}) == {"s": {"after": "7", "done": True}}


@contextmanager
def answers(config: DynamoDBConfig, *replies: Any) -> Iterator[Stream]:
    """A stream whose service answers so; an answer that is a text is an error of that code."""
    faults = [refuse(each) if isinstance(each, str) else reply(answered(each)) for each in replies]
    with (
        FaultServer(faults) as server,
        DynamoDB(config.replace(endpoint_url=server.url)) as db,
    ):
        yield Stream(db, "orders", "arn")


def test_an_iterator_that_is_too_old_is_made_anew_where_it_was(config: DynamoDBConfig) -> None:
    pages = [
        {"Records": [{"dynamodb": {"SequenceNumber": str(number)}}], "NextShardIterator": "on"}
        for number in (5, 6)
    ]
    expired = "ExpiredIteratorException"
    with answers(
        config, {"ShardIterator": "a"}, pages[0], expired, {"ShardIterator": "b"}, pages[1]
    ) as stream:
        found = [sequence_of(record) for page in stream.between("s", "4", "6") for record in page]
    assert found == ["5", "6"]


@pytest.mark.parametrize(
    "replies",
    [
        ["TrimmedDataAccessException"],
        ["ResourceNotFoundException"],
        [{"ShardIterator": "a"}, "TrimmedDataAccessException"],
        [{"ShardIterator": "a"}, "ExpiredIteratorException", "TrimmedDataAccessException"],
        [{"ShardIterator": "a"}, {"Records": []}],
    ],
    ids=lambda replies: str(len(replies)),
)
def test_records_that_are_gone_are_an_error_and_no_silent_loss(
    config: DynamoDBConfig, replies: list[Any]
) -> None:
    with (
        answers(config, *replies) as stream,
        pytest.raises(
            ServiceError, match=r"has not the records of shard s .* Begin anew with another checkpoint"
        ),
    ):
        list(stream.between("s", "1", "7"))


def test_a_shard_that_is_gone_before_it_was_read_to_its_end_is_an_error(
    streamed: str, config: DynamoDBConfig, db: DynamoDB
) -> None:
    change(db, 0, 2)
    reader = StreamReader(Source(read_options({"model": MODEL}), config), change_schema())
    start: Offset = {"gone": {"after": "9", "done": False}}
    with pytest.raises(ServiceError, match="records of shard gone after 9 any more"):
        reader.partitions(start, reader.latestOffset(start))
    start["gone"]["done"] = True
    assert len(reader.partitions(start, reader.latestOffset(start))) == 1
    reader.stop()


def test_a_stream_without_changes_has_no_batch(streamed: str, config: DynamoDBConfig) -> None:
    batches = Batches(config, table="orders", stream="true")
    end = batches.run({})
    assert (batches.rows, {at["after"] for at in end.values()}) == ([], {""})
