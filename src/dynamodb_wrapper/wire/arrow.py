"""The bytes of a reply straight to Arrow columns: no object is made for an item, and no model.

Knows a pyarrow schema, the names of keys and the members of replies. Must not know models, tables or clients,
so that it serves a client, a worker process and Spark alike. What holds which attribute value is told in
`arrow_forms`. An attribute that is missing and one that is NULL are both null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from dynamodb_wrapper.exceptions import ConnectionError, ValidationError
from dynamodb_wrapper.wire.arrow_forms import Form, form_of, items_of
from dynamodb_wrapper.wire.arrow_needed import pa
from dynamodb_wrapper.wire.source import compile_function
from dynamodb_wrapper.wire.values import ItemPage, WireItem, decode_item

_MISFITS = (msgspec.MsgspecError, pa.ArrowException, ArithmeticError, ValueError, TypeError)


class ArrowReader:
    """Reads replies as record batches; it is a reader as operations take it.

    Parameters:
        schema: a pyarrow schema whose columns are named as the attributes; a column that is not nullable must
            be in every item.
        keys: the attributes that tell items apart, for errors.

    Raises:
        ValidationError: DynamoDB has nothing for the type of a column.
    """

    def __init__(self, schema: Any, keys: Sequence[str] = ()) -> None:
        self.schema = schema
        self.keys = tuple(keys)
        names: dict[str, Any] = {}
        forms = [form_of(field, names) for field in schema]
        self._columns = [_Column(f"f{at}", form, schema.field(at), names) for at, form in enumerate(forms)]
        item = items_of(schema.names, forms)
        items: Any = list[item]  # type: ignore[valid-type]
        self._items: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(items)
        self._pages: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
            msgspec.defstruct(
                "Page",
                [
                    ("items", items, msgspec.field(default_factory=list)),
                    ("last_evaluated_key", WireItem | None, None),
                    ("count", int, 0),
                    ("scanned_count", int, 0),
                    ("consumed_capacity", dict[str, Any] | None, None),
                ],
                rename="pascal",
            )
        )

    def read_page(self, reply: bytes, *, table: str = "") -> ItemPage[Any]:
        """The reply of a Query or Scan; its items are one record batch, or none where there are no items.

        Parameters:
            reply: the JSON body.
            table: the table's name, for errors.

        Raises:
            ConnectionError: the reply is not what DynamoDB answers.
            ValidationError: a value does not fit its column; tells the attribute and the item's key.
        """
        try:
            page = self._pages.decode(reply)
            batches = [self._batch(page.items)] if page.items else []
        except _MISFITS as error:
            raise self._misfit(reply, table, error) from error
        return ItemPage(
            batches,
            page.last_evaluated_key or None,
            page.count,
            page.scanned_count,
            page.consumed_capacity,
        )

    def read_item(self, reply: bytes, member: str = "Item", *, table: str = "") -> Any:
        """The item in a reply as a batch of one row, or None; errors as for `read_page`."""
        item = _raw(reply).get(member)
        return None if item is None else self._one(bytes(item), table)

    def decode(self, item: Mapping[str, Any], *, table: str = "") -> Any:
        """An item in wire form as a batch of one row; errors as for `read_page`."""
        return self._one(msgspec.json.encode(item), table)

    def _one(self, item: bytes, table: str) -> Any:
        return self.read_page(b'{"Items":[%b]}' % item, table=table).items[0]

    def _batch(self, items: list[Any]) -> Any:
        return pa.RecordBatch.from_arrays(
            [column.array(items) for column in self._columns], schema=self.schema
        )

    def _misfit(self, reply: bytes, table: str, cause: Exception) -> Exception:
        """The error for a reply that could not be read, with the first value in it that does not fit."""
        try:
            items = msgspec.json.decode(reply, type=_Items).Items
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return ConnectionError(f"the endpoint did not answer as DynamoDB does: {error}", error)
        for item in items:
            for column in self._columns:
                name = column.field.name
                one = msgspec.json.encode([{name: item[name]} if name in item else {}])
                try:
                    column.array(self._items.decode(one))
                except _MISFITS as error:
                    return self._told(item, column.field, table, error)
        return ConnectionError(f"the endpoint did not answer as DynamoDB does: {cause}", cause)

    def _told(self, item: Mapping[str, Any], field: Any, table: str, cause: Exception) -> ValidationError:
        key = decode_item({name: item[name] for name in self.keys if name in item})
        held = next(iter(item[field.name]), "nothing") if field.name in item else "nothing"
        text = f"holds {held}, which does not fit {field.type}{'' if field.nullable else ' not null'}"
        where = "".join(f" {name} {value}" for name, value in (("table", table), ("key", key)) if value)
        return ValidationError(
            f"{field.name} of the item with{where or ' no known key'} {text}: {cause}. Give the column "
            "another type, such as string",
            cause,
            {"table": table, "key": key, "attribute": field.name},
            errors={field.name: [text]},
        )


class _Items(msgspec.Struct):
    Items: list[WireItem] = []


class _Column:
    """One column: its values of a list of items."""

    def __init__(self, member: str, form: Form, field: Any, names: dict[str, Any]) -> None:
        self.field = field
        self._kind = field.type
        self._values = _values_of(member, form.value, names)
        self._texts = None if form.text is None else _values_of(member, form.text, names)

    def array(self, items: list[Any]) -> Any:
        made = self._array(items)
        if made.null_count and not self.field.nullable:
            raise ValueError("the column may not be null")
        return made

    def _array(self, items: list[Any]) -> Any:
        if self._texts is not None:
            try:
                return pa.array(self._texts(items), pa.string()).cast(self._kind)
            except pa.ArrowInvalid:
                pass  # the slow way takes more ways to write a value, and says what is wrong with one
        return pa.array(self._values(items), self._kind)


def _values_of(
    member: str, expression: Callable[[str], str], names: dict[str, Any]
) -> Callable[[list[Any]], list[Any]]:
    line = f"return [{expression(f'item.{member}')} for item in items]"
    return compile_function("items", [line], names)


def _raw(reply: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(reply, type=dict[str, msgspec.Raw])
    except msgspec.MsgspecError as error:
        raise ConnectionError(f"the endpoint did not answer as DynamoDB does: {error}", error) from error
