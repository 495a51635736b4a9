"""DynamoDB Streams, call by call: shards, and their records from one place to another.

Knows calls and places. Must not know Spark. A place in a shard is the sequence number after which to go on,
empty for its beginning. Sequence numbers are compared as numbers: not every engine writes them with the same
length.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.exceptions import ServiceError, ValidationError

MOST_RECORDS: Final = 1000
"""Of one call, by the DynamoDB API Reference, GetRecords."""
KEPT_SECONDS: Final = 300.0  # the service takes an iterator for 15 minutes (API Reference, GetShardIterator)
EMPTY_PAGES: Final = 3
LONGEST_LOOK_SECONDS: Final = 60.0
_PAUSE_SECONDS: Final = 0.2


class Stream:
    """The stream of a table.

    Parameters:
        db: a client.
        table: the table's full name.
        arn: the stream's own name.
    """

    def __init__(self, db: DynamoDB, table: str, arn: str) -> None:
        self._db, self._table, self._arn = db, table, arn
        self._kept: dict[tuple[str, str], tuple[str, float]] = {}

    def parents(self) -> dict[str, str | None]:
        """The shards that there are, each with its parent."""
        found: dict[str, str | None] = {}
        body: dict[str, Any] = {"StreamArn": self._arn}
        while True:
            told = self._ask("DescribeStream", body)["StreamDescription"]
            found |= {shard["ShardId"]: shard.get("ParentShardId") for shard in told["Shards"]}
            if "LastEvaluatedShardId" not in told:
                return found
            body["ExclusiveStartShardId"] = told["LastEvaluatedShardId"]

    def keep(self, shard: str, after: str, iterator: str) -> None:
        """Keep where a shard is to be read on: a stretch without records may take many calls to pass."""
        self._kept[shard, after] = iterator, time.monotonic()

    def iterator(self, shard: str, after: str) -> str:
        """Where to read a shard from."""
        kept, since = self._kept.pop((shard, after), ("", 0.0))
        if kept and time.monotonic() - since < KEPT_SECONDS:
            return kept
        body = {"StreamArn": self._arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
        if after:
            body |= {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after}
        token: str = self._ask("GetShardIterator", body)["ShardIterator"]
        return token

    def page(self, iterator: str, most: int) -> tuple[list[Mapping[str, Any]], str | None]:
        """Up to so many records, and where the next ones are; None at the end of a closed shard."""
        reply = self._ask("GetRecords", {"ShardIterator": iterator, "Limit": min(most, MOST_RECORDS)})
        return reply["Records"], reply.get("NextShardIterator")

    def between(self, shard: str, after: str, to: str) -> Iterator[list[Mapping[str, Any]]]:
        """The pages of records after a place up to one that is known to be there.

        Raises:
            ServiceError: it is not there any more: a stream keeps its records for 24 hours.
        """
        iterator: str | None = self.iterator(shard, after)
        ends = time.monotonic() + LONGEST_LOOK_SECONDS
        while iterator is not None and time.monotonic() < ends:
            records, iterator = self.page(iterator, MOST_RECORDS)
            wanted = [record for record in records if int(sequence_of(record)) <= int(to)]
            if wanted:
                yield wanted
            if records and int(sequence_of(records[-1])) >= int(to):
                return
            if not records:
                time.sleep(_PAUSE_SECONDS)
        raise ServiceError(
            f"the stream of {self._table} has not the records of shard {shard} up to {to} any more: it keeps "
            "them for 24 hours. Begin anew with another checkpoint, and read the table to catch up",
            context={"table": self._table},
        )

    def _ask(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        reply: dict[str, Any] = msgspec.json.decode(
            self._db.drive(self._db.send(Call(action, body, self._table)))
        )
        return reply


def sequence_of(record: Mapping[str, Any]) -> str:
    """The number of a record in its shard."""
    number: str = record["dynamodb"]["SequenceNumber"]
    return number


def stream_arn(description: Mapping[str, Any], table: str) -> str:
    """The name of a table's stream.

    Raises:
        ValidationError: it has none.
    """
    if not description.get("StreamSpecification", {}).get("StreamEnabled"):
        text = "turn it on, with NEW_AND_OLD_IMAGES (UpdateTable, StreamSpecification)"
        raise ValidationError(f"the table {table} has no stream: {text}", errors={"stream": [text]})
    arn: str = description["LatestStreamArn"]
    return arn
