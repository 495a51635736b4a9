"""Tables: making one from a model's description, looking at it, waiting for it, dropping it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from dynamodb_wrapper.engine.flow import Call, Flow, Read, Reply, Send, Sleep, Write
from dynamodb_wrapper.exceptions import (
    DeadlineExceededError,
    MetaError,
    ResourceInUseError,
    TableNotFoundError,
)
from dynamodb_wrapper.schema import GUARD, Index, TableSchema

log = logging.getLogger("dynamodb_wrapper.tables")

JsonObject: TypeAlias = dict[str, Any]

POLL_SECONDS = 0.05
LONGEST_POLL_SECONDS = 2.0


class TableStatus(Struct, frozen=True):
    """How a table stands.

    Parameters:
        status: the service's word, such as "ACTIVE", "CREATING" or "DELETING".
        indexes: the same for every secondary index, by name.
        description: the service's whole description of the table.
    """

    status: str
    indexes: Mapping[str, str]
    description: Mapping[str, Any]

    @property
    def is_active(self) -> bool:
        """Whether the table and all its indexes can be used."""
        return self.status == "ACTIVE" and all(status == "ACTIVE" for status in self.indexes.values())


class DescribeTable(Read[TableStatus], Struct, frozen=True):
    """Look at a table."""

    table: str

    def call(self) -> Call:
        """See `Operation.call`."""
        return Call("DescribeTable", {"TableName": self.table}, self.table)

    def parse(self, reply: Reply) -> TableStatus:
        """See `Operation.parse`."""
        table: JsonObject = msgspec.json.decode(reply)["Table"]
        indexes = [*table.get("GlobalSecondaryIndexes", ()), *table.get("LocalSecondaryIndexes", ())]
        return TableStatus(
            table["TableStatus"],
            {index["IndexName"]: index.get("IndexStatus", "ACTIVE") for index in indexes},
            table,
        )


class ListTables(Read[list[str]], Struct, frozen=True):
    """The names of all tables of this account, Region and endpoint."""

    def call(self) -> Call:
        """See `Operation.call`."""
        return Call("ListTables", {})

    def flow(self, send: Send) -> Flow[list[str]]:
        """See `Operation.flow`."""
        names: list[str] = []
        call: Call | None = self.call()
        while call is not None:
            reply: JsonObject = msgspec.json.decode((yield from send(call)))
            names += reply["TableNames"]
            last = reply.get("LastEvaluatedTableName")
            call = Call("ListTables", {"ExclusiveStartTableName": last}) if last else None
        return names


class CreateTable(Write[bool], Struct, frozen=True):
    """Make a table from a model's description and wait until it can be used.

    True if it was made, False if a table of that name exists already: that is left as it is, but for its TTL,
    which is switched on where it is off (it could have been made by an attempt that broke off half-way). The
    table of unique values is made too where Meta asks for one and there is none. An index of Meta that an
    existing table lacks is told of in a warning: `CreateIndex` makes it.

    Parameters:
        wait_seconds: how long to wait for the table to become active.

    Raises:
        MetaError: the table that is there has other keys than the model.
    """

    schema: TableSchema[Any]
    table: str
    wait_seconds: float = 300.0

    def call(self) -> Call:
        """See `Operation.call`."""
        schema = self.schema
        stored = _stored_keys(schema.primary, *schema.indexes.values())
        body: JsonObject = {
            "TableName": self.table,
            "KeySchema": _key_schema(schema.primary),
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": kind}
                for name, kind in schema.key_types.items()
                if name in stored
            ],
            "BillingMode": "PAY_PER_REQUEST",
        }
        for member, local in (("GlobalSecondaryIndexes", False), ("LocalSecondaryIndexes", True)):
            if indexes := [
                _index(index, schema) for index in schema.indexes.values() if index.local is local
            ]:
                body[member] = indexes
        return Call("CreateTable", body, self.table)

    def flow(self, send: Send) -> Flow[bool]:
        """See `Operation.flow`."""
        try:
            yield from send(self.call())
            created = True
        except ResourceInUseError:
            created = False
        status = yield from _wait_until_active(send, self.table, self.wait_seconds)
        if not created:
            self._compare(status)
        if self.schema.ttl is not None:
            yield from self._switch_ttl_on(send, self.schema.ttl)
        if self.schema.unique:
            yield from self._make_guards(send)
        return created

    def _compare(self, there: TableStatus) -> None:
        """Refuse a table whose keys are not the model's, and warn of indexes that it lacks."""
        name = self.schema.model.__name__
        wanted, found = _told_keys(self.call().body), _told_keys(there.description)
        if wanted != found:
            raise MetaError(
                f"the table {self.table} is there already with the key {found}, and that of {name} is "
                f"{wanted}: mend {name}.Meta, or give the model its own table (table_name, table_prefix)",
                context={"table": self.table, "model": name},
            )
        for index in self.schema.indexes.values():
            if index.stored_name not in there.indexes:
                mend = (
                    "can be made with the table only"
                    if index.local
                    else f"db.create_index({name}, {index.name!r}) makes it"
                )
                log.warning("the table %s lacks the index %s of %s: %s", self.table, index.name, name, mend)

    def _make_guards(self, send: Send) -> Flow[None]:
        name = self.schema.guard_table(self.table)
        body: JsonObject = {
            "TableName": name,
            "KeySchema": [{"AttributeName": GUARD, "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": GUARD, "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        }
        with suppress(ResourceInUseError):
            yield from send(Call("CreateTable", body, name))
        yield from _wait_until_active(send, name, self.wait_seconds)

    def _switch_ttl_on(self, send: Send, attribute: str) -> Flow[None]:
        reply = yield from send(Call("DescribeTimeToLive", {"TableName": self.table}, self.table))
        if msgspec.json.decode(reply)["TimeToLiveDescription"].get("TimeToLiveStatus") == "DISABLED":
            specification = {"AttributeName": attribute, "Enabled": True}
            body = {"TableName": self.table, "TimeToLiveSpecification": specification}
            yield from send(Call("UpdateTimeToLive", body, self.table))


class CreateIndex(Write[bool], Struct, frozen=True):
    """Add a global index of a model's Meta to its table, and wait until it can be used.

    True if it was made, False if the table has an index of that name: that is left as it is.

    Parameters:
        wait_seconds: how long to wait; the service reads the whole table to make an index.
    """

    schema: TableSchema[Any]
    table: str
    index: str
    wait_seconds: float = 3600.0

    def call(self) -> Call:
        """See `Operation.call`."""
        index = self.schema.index(self.index)
        definitions = [
            {"AttributeName": name, "AttributeType": self.schema.key_types[name]}
            for name in sorted(_stored_keys(self.schema.primary, index))
        ]
        body: JsonObject = {
            "TableName": self.table,
            "AttributeDefinitions": definitions,
            "GlobalSecondaryIndexUpdates": [{"Create": _index(index, self.schema)}],
        }
        return Call("UpdateTable", body, self.table)

    def flow(self, send: Send) -> Flow[bool]:
        """See `Operation.flow`."""
        look = DescribeTable(self.table)
        name = self.schema.index(self.index).stored_name
        missing = name not in look.parse((yield from send(look.call()))).indexes
        if missing:
            yield from send(self.call())
        yield from _wait_until_active(send, self.table, self.wait_seconds)
        return missing


class DeleteTable(Write[bool], Struct, frozen=True):
    """Drop a table with all its items; False if there was none."""

    table: str
    wait_seconds: float = 300.0

    def call(self) -> Call:
        """See `Operation.call`."""
        return Call("DeleteTable", {"TableName": self.table}, self.table)

    def flow(self, send: Send) -> Flow[bool]:
        """See `Operation.flow`."""
        try:
            yield from send(self.call())
        except TableNotFoundError:
            return False
        except ResourceInUseError:  # also where an earlier attempt of this call was applied
            look = DescribeTable(self.table)
            if look.parse((yield from send(look.call()))).status != "DELETING":
                raise
        yield from _wait_until_gone(send, self.table, self.wait_seconds)
        return True


def _wait_until_active(send: Send, table: str, wait_seconds: float) -> Flow[TableStatus]:
    look = DescribeTable(table)
    poll = _Poll(table, "active", wait_seconds)
    while True:
        try:
            status = look.parse((yield from send(look.call())))
        except TableNotFoundError:  # the service may not know of a table right after making it
            pass
        else:
            if status.is_active:
                return status
        yield poll.next()


def _wait_until_gone(send: Send, table: str, wait_seconds: float) -> Flow[None]:
    look = DescribeTable(table)
    poll = _Poll(table, "gone", wait_seconds)
    while True:
        try:
            yield from send(look.call())
        except TableNotFoundError:
            return
        yield poll.next()


class _Poll:
    def __init__(self, table: str, aim: str, wait_seconds: float) -> None:
        self._table, self._aim, self._wait = table, aim, wait_seconds
        self._end = monotonic() + wait_seconds
        self._pause = POLL_SECONDS

    def next(self) -> Sleep:
        if monotonic() + self._pause > self._end:
            raise DeadlineExceededError(
                f"table {self._table} was not {self._aim} after {self._wait:g} s: see DescribeTable",
                context={"table": self._table},
            )
        pause, self._pause = self._pause, min(self._pause * 2, LONGEST_POLL_SECONDS)
        return Sleep(pause)


def _told_keys(table: Mapping[str, Any]) -> str:
    """The key of a table as it is made or described: `page (S), at (N)`, partition first."""
    kinds = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    keys = sorted(table["KeySchema"], key=lambda key: str(key["KeyType"]))
    return ", ".join(f"{key['AttributeName']} ({kinds[key['AttributeName']]})" for key in keys)


def _key_schema(index: Index) -> list[JsonObject]:
    return [{"AttributeName": name, "KeyType": "HASH"} for name in index.stored_partition] + [
        {"AttributeName": name, "KeyType": "RANGE"} for name in index.sort
    ]


def _stored_keys(*indexes: Index) -> frozenset[str]:
    return frozenset(name for index in indexes for name in index.stored_keys)


def _index(index: Index, schema: TableSchema[Any]) -> JsonObject:
    copied = [] if isinstance(index.projection, str) else list(index.projection)
    if index.projection != "ALL":
        held = {*copied, *index.stored_keys, *schema.key_fields}
        copied += [name for name in index.partition if name not in held]  # what its queries give a value for
    kind = "INCLUDE" if copied else index.projection
    projection: JsonObject = {"ProjectionType": kind} | ({"NonKeyAttributes": copied} if copied else {})
    return {"IndexName": index.stored_name, "KeySchema": _key_schema(index), "Projection": projection}
