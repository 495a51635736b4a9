from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dynamodb_wrapper import AsyncDynamoDB, DynamoDB, DynamoDBConfig
from dynamodb_wrapper.core import AsyncBatchWriter, BatchWriter
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.exceptions import ValidationError


class Recorder:
    """A transport that keeps the writes of each batch and says that all were processed."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []

    def __call__(self, call: Call, deadline: float) -> bytes:
        assert call.action == "BatchWriteItem"
        self.batches += call.body["RequestItems"].values()
        return msgspec.json.encode({"UnprocessedItems": {}})

    async def awaited(self, call: Call, deadline: float) -> bytes:
        return self(call, deadline)

    @property
    def sizes(self) -> list[int]:
        return [len(batch) for batch in self.batches]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def client(recorder: Recorder) -> DynamoDB:
    return DynamoDB(DynamoDBConfig(), transport=recorder)


def test_a_full_batch_is_sent_at_once_and_the_rest_at_the_end(recorder: Recorder, client: DynamoDB) -> None:
    with BatchWriter(client, "t") as batch:
        for number in range(60):
            batch.put_item(Item={"id": number})
        assert recorder.sizes == [25, 25]
    assert recorder.sizes == [25, 25, 10]


def test_nothing_is_sent_where_nothing_was_written(recorder: Recorder, client: DynamoDB) -> None:
    with BatchWriter(client, "t"):
        pass
    assert recorder.batches == []


def test_a_body_that_raises_sends_nothing_more(recorder: Recorder, client: DynamoDB) -> None:
    batch = BatchWriter(client, "t")

    def interrupted() -> None:
        with batch:
            batch.put_item(Item={"id": 1})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    batch.flush()
    assert recorder.batches == []


def test_keys_that_mean_the_same_number_are_one_key(recorder: Recorder, client: DynamoDB) -> None:
    with BatchWriter(client, "t", overwrite_by_pkeys=["id"]) as batch:
        batch.put_item(Item={"id": 1, "turn": "first"})
        batch.put_item(Item={"id": 1.0, "turn": "second"})
        batch.delete_item(Key={"id": 2})
    puts = [write["PutRequest"]["Item"] for write in recorder.batches[0] if "PutRequest" in write]
    assert [put["turn"] for put in puts] == [{"S": "second"}]
    assert recorder.sizes == [2]


def test_an_item_without_the_named_key_is_refused(recorder: Recorder, client: DynamoDB) -> None:
    with pytest.raises(ValidationError, match="sort"), BatchWriter(client, "t", ["id", "sort"]) as batch:
        batch.put_item(Item={"id": 1})
    assert recorder.batches == []


async def test_the_awaiting_writer_does_the_same(recorder: Recorder) -> None:
    client = AsyncDynamoDB(DynamoDBConfig(), transport=recorder.awaited)
    async with AsyncBatchWriter(client, "t") as batch:
        for number in range(26):
            await batch.put_item(Item={"id": number})
    assert recorder.sizes == [25, 1]


async def test_an_awaiting_body_that_raises_sends_nothing_more(recorder: Recorder) -> None:
    batch = AsyncBatchWriter(AsyncDynamoDB(DynamoDBConfig(), transport=recorder.awaited), "t")

    async def failing() -> None:
        async with batch:
            await batch.put_item(Item={"id": 1})
            raise LookupError

    with pytest.raises(LookupError):
        await failing()
    await batch.flush()
    assert recorder.batches == []
