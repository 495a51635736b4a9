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
from msgspec import Struct

from dynamodb_wrapper.client import DynamoDB
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.exceptions import DynamoDBWrapperError, ServiceError, ValidationError

MOST_RECORDS: Final = 1000
"""Of one call, by the DynamoDB API Reference, GetRecords."""
KEPT_SECONDS: Final = 600.0  # the service takes an iterator for 15 minutes (API Reference, GetShardIterator)
EMPTY_PAGES: Final = 3
"""After so many pages without records the tip of an open shard is taken to be reached."""
MOST_EMPTY_PAGES: Final = 300
"""After so many, records that are known to be there are taken to be gone: a minute, at a pause after each."""
_PAUSE_SECONDS: Final = 0.2
_EXPIRED: Final = "ExpiredIteratorException"
_TRIMMED: Final = ("TrimmedDataAccessException", "ResourceNotFoundException")


class Shard(Struct, frozen=True):
    """A part of a stream.

    Parameters:
        parent: the shard whose changes are before these.
        last: the number after which it has no records; None while it is open.
    """

    parent: str | None = None
    last: str | None = None

    def ends_at(self, number: str) -> bool:
        """Whether it has no records after one."""
        return self.last is not None and bool(number) and int(number) >= int(self.last)


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

    def shards(self) -> dict[str, Shard]:
        """The shards that there are. One with a child is closed; some engines give open ones an end too."""
        told: list[Mapping[str, Any]] = []
        body: dict[str, Any] = {"StreamArn": self._arn}
        while True:
            page = self._ask("DescribeStream", body)["StreamDescription"]
            told += page["Shards"]
            if "LastEvaluatedShardId" not in page:
                break
            body["ExclusiveStartShardId"] = page["LastEvaluatedShardId"]
        parents = {shard["ShardId"]: shard.get("ParentShardId") for shard in told}
        ends = {shard["ShardId"]: shard["SequenceNumberRange"].get("EndingSequenceNumber") for shard in told}
        closed = set(parents.values())
        return {
            name: Shard(parent, ends[name] if name in closed else None) for name, parent in parents.items()
        }

    def keep(self, shard: str, after: str, iterator: str) -> None:
        """Keep where a shard is to be read on: a stretch without records may take many calls to pass."""
        self._kept[shard, after] = iterator, time.monotonic()

    def iterator(self, shard: str, after: str) -> str:
        """Where to read a shard from.

        Raises:
            ServiceError: what comes after that place is not there any more.
        """
        kept, since = self._kept.pop((shard, after), ("", 0.0))
        if kept and time.monotonic() - since < KEPT_SECONDS:
            return kept
        body = {"StreamArn": self._arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
        if after:
            body |= {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after}
        try:
            token: str = self._ask("GetShardIterator", body)["ShardIterator"]
        except DynamoDBWrapperError as error:
            self._check_trimmed(error, shard, after)
            raise
        return token

    def page(
        self, shard: str, after: str, iterator: str, most: int
    ) -> tuple[list[Mapping[str, Any]], str | None]:
        """Up to so many records, and where the next ones are; None at the end of a closed shard.

        Parameters:
            after: the place to go on from where the iterator is too old.
        """
        body = {"ShardIterator": iterator, "Limit": min(most, MOST_RECORDS)}
        try:
            reply = self._ask("GetRecords", body)
        except DynamoDBWrapperError as error:
            self._check_trimmed(error, shard, after)
            if error.context.get("service_code") != _EXPIRED:
                raise
            reply = self._ask("GetRecords", body | {"ShardIterator": self.iterator(shard, after)})
        return reply["Records"], reply.get("NextShardIterator")

    def between(self, shard: str, after: str, to: str) -> Iterator[list[Mapping[str, Any]]]:
        """The pages of records after a place up to one that is known to be there.

        Raises:
            ServiceError: it is not there any more: a stream keeps its records for 24 hours.
        """
        iterator: str | None = self.iterator(shard, after)
        empty = 0
        while iterator is not None and empty < MOST_EMPTY_PAGES:
            records, iterator = self.page(shard, after, iterator, MOST_RECORDS)
            wanted = [record for record in records if int(sequence_of(record)) <= int(to)]
            if wanted:
                yield wanted
                after = sequence_of(wanted[-1])
            if records and int(sequence_of(records[-1])) >= int(to):
                return
            empty = 0 if records else empty + 1
            if not records:
                time.sleep(_PAUSE_SECONDS)
        raise self._gone(f"of shard {shard} up to {to}")

    def check_kept(self, start: Mapping[str, Any], end: Mapping[str, Any]) -> None:
        """Refuse to go on where a shard is gone that was not read to its end.

        Raises:
            ServiceError: it is gone.
        """
        for shard, at in start.items():
            if shard not in end and not at["done"]:
                raise self._gone(f"of shard {shard} after {at['after'] or 'its beginning'}")

    def _check_trimmed(self, error: DynamoDBWrapperError, shard: str, after: str) -> None:
        if error.context.get("service_code") in _TRIMMED:
            raise self._gone(f"of shard {shard} after {after or 'its beginning'}") from error

    def _gone(self, what: str) -> ServiceError:
        return ServiceError(
            f"the stream of {self._table} has not the records {what} any more: it keeps them for 24 hours. "
            "Begin anew with another checkpoint, and read the table to catch up",
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
