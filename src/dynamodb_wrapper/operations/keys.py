"""Keys in wire form, checked against DynamoDB's limits before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.schema import TableSchema
from dynamodb_wrapper.validation import not_several, several
from dynamodb_wrapper.wire.refusal import Refused
from dynamodb_wrapper.wire.sizes import check_key
from dynamodb_wrapper.wire.values import WireItem, decode_item


def wire_key(schema: TableSchema[Any], key: object, table: str = "") -> WireItem:
    """A primary key as the service takes it.

    Parameters:
        key: the partition key's value where there is no sort key, or a mapping of both; where templates make
            the key, the values of their fields.
        table: the table's name, for the error.

    Raises:
        ValidationError: a part is missing, empty, too long or of the wrong type.
    """
    if (usual := _of_plain_texts(schema, key)) is not None:
        return usual
    given = schema.key_of(key, table)
    encoded = {name: schema.codec.encode_attribute(name, given[name]) for name in schema.key_arguments}
    if schema.templates:
        encoded = _made(schema, encoded)
    return checked_key(schema, {name: encoded[name] for name in schema.key_fields}, table)


def several_keys(schema: TableSchema[Any], name: str, given: object) -> Iterable[object]:
    """Several keys as they were given.

    Parameters:
        name: the argument that they came in.

    Raises:
        ValidationError: it is one key; as a tuple too, where a key has several parts.
    """
    may_be_one = isinstance(given, tuple) and len(given) == len(schema.key_arguments) > 1
    if may_be_one and not any(isinstance(part, Mapping) for part in cast("tuple[object, ...]", given)):
        raise not_several(name, "key", schema.key_as_mapping(given))
    return several(name, given, "key")


def _made(schema: TableSchema[Any], values: WireItem) -> WireItem:
    keys = dict(values)
    for name in schema.key_fields:
        template = schema.templates.get(name)
        try:
            key = None if template is None else template.render(values)
        except Refused as refused:
            raise ValidationError(
                f"the key {name} of {schema.model.__name__} cannot be made: {refused.path()}: {refused.text}",
                refused,
                errors={refused.path(): [refused.text]},
            ) from refused
        if key is not None:
            keys[name] = key
    return keys


def checked_key(schema: TableSchema[Any], item: WireItem, table: str = "") -> WireItem:
    """The same item in wire form, after a check of the primary key in it."""
    if _has_plain_texts(schema, item):
        return item
    for name in schema.key_fields:
        check_key(name, item.get(name, {}), partition=name == schema.partition_key, table=table)
    return item


def checked_item(schema: TableSchema[Any], item: WireItem, table: str = "") -> WireItem:
    """The same item in wire form, after a check of the keys in it: the table's and those of indexes.

    Raises:
        ValidationError: a key is empty or too long; names the item, the attribute and the index.
    """
    checked_key(schema, item, table)
    if schema.index_keys:
        check_index_keys(schema, item, item, table)
    return item


def check_index_keys(
    schema: TableSchema[Any], key: Mapping[str, Any], values: WireItem, table: str = ""
) -> None:
    """Check those of the values that are keys of indexes.

    Parameters:
        key: the primary key in wire form, for the error; it may have more beside it.

    Raises:
        ValidationError: as for `checked_item`.
    """
    for name, (index, is_partition) in schema.index_keys.items():
        value = values.get(name)
        if value is None or "N" in value:
            continue
        try:
            check_key(name, value, partition=is_partition, table=table, index=index)
        except ValidationError as error:
            which = resource_id(decode_item({part: key[part] for part in schema.key_fields}))
            text = f"{schema.model.__name__} {which!r} cannot be stored: {error.message}"
            raise ValidationError(text, error, error.context, errors=error.errors) from error


def resource_id(key: Mapping[str, Any]) -> str:
    """A key as one text, for messages."""
    return "/".join(str(value) for value in key.values())


def _of_plain_texts(schema: TableSchema[Any], key: object) -> WireItem | None:
    """The key whose parts are all ASCII texts of a length that the service takes; None for any other."""
    limits = schema.plain_key
    given: Any = key if key.__class__ is dict else {schema.partition_key: key}
    if len(given) != len(limits):
        return None
    item: WireItem = {}
    for name, longest in limits.items():
        text: Any = given.get(name)
        if text.__class__ is not str or not text.isascii() or not 0 < len(text) <= longest:
            return None
        item[name] = {"S": text}
    return item


def _has_plain_texts(schema: TableSchema[Any], item: WireItem) -> bool:
    """Whether the key in an item is as `_of_plain_texts` makes it."""
    limits = schema.plain_key
    for name, longest in limits.items():
        text = item.get(name, {}).get("S")
        if text is None or not text.isascii() or not 0 < len(text) <= longest:
            return False
    return bool(limits)
