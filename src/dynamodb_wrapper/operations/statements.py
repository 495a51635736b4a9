"""Statements: PartiQL, the escape hatch, with values as parameters and never in the text.

Knows requests and replies (API Reference, ExecuteStatement). Must not know more of PartiQL than which
statements read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from dynamodb_wrapper.engine.bodies import only_reads
from dynamodb_wrapper.engine.flow import Call, Flow, Operation, Reply, Send
from dynamodb_wrapper.exceptions import ConditionalCheckFailedError, ValidationError
from dynamodb_wrapper.operations.readers import Reader
from dynamodb_wrapper.operations.writes import as_stored, unreadable
from dynamodb_wrapper.wire.values import encode_value

T = TypeVar("T")


class Statement(Operation[list[T]], Struct, frozen=True, kw_only=True):
    """Run one PartiQL statement and return all its items, page after page.

    A statement that writes is sent once only: where its answer is lost that is a `WriteOutcomeUnknownError`,
    because nothing tells whether repeating it is harmless; where what it returns does not fit its model, an
    `UnreadableItemError`.

    Parameters:
        text: the statement, with `?` for each value and the table's full name in double quotes.
        parameters: the values for the `?`, in their order, each encoded by its own type.
        reader: makes items of the rows.
        consistent: read what was last written, at twice the cost.
        next_token: where the next page starts.
    """

    text: str
    parameters: Sequence[object] = ()
    reader: Reader[T]
    consistent: bool = False
    next_token: str | None = None

    @property
    def reads(self) -> bool:
        """Whether the statement changes nothing."""
        return only_reads(self.text)

    def call(self) -> Call:
        """See `Operation.call`."""
        body: dict[str, Any] = {"Statement": self.text}
        if self.parameters:
            body["Parameters"] = [
                encode_value(value, f"parameter {number}") for number, value in enumerate(self.parameters, 1)
            ]
        if self.consistent:
            body["ConsistentRead"] = True
        if self.next_token is not None:
            body["NextToken"] = self.next_token
        if not self.reads:
            body["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return Call("ExecuteStatement", body, repeatable=self.reads)

    def parse(self, reply: Reply) -> list[T]:
        """The items of one page."""
        rows: Sequence[Mapping[str, Any]] = msgspec.json.decode(reply).get("Items", ())
        return [self.reader.decode(row) for row in rows]

    def flow(self, send: Send) -> Flow[list[T]]:
        """See `Operation.flow`."""
        items: list[T] = []
        statement = self
        while True:
            try:
                reply = yield from send(statement.call())
            except ConditionalCheckFailedError as error:
                if error.current_item is not None:
                    error.current_item = as_stored(self.reader, error.current_item)
                raise
            try:
                items += self.parse(reply)
            except ValidationError as misfit:
                if self.reads:
                    raise
                raise unreadable(misfit) from misfit
            token = msgspec.json.decode(reply).get("NextToken")
            if not token:
                return items
            statement = msgspec.structs.replace(statement, next_token=token)
