"""How large items and keys are by DynamoDB's own counting, and its limits.

Knows wire values only. The counting rules are those of "DynamoDB item sizes and formats", the limits those of
"Quotas in Amazon DynamoDB", both in the Amazon DynamoDB Developer Guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from dynamodb_wrapper.exceptions import ValidationError

ITEM_LIMIT = 400 * 1024
PARTITION_KEY_LIMIT = 2048
SORT_KEY_LIMIT = 1024

_encode = msgspec.json.Encoder().encode


def item_size(item: Mapping[str, Mapping[str, Any]]) -> int:
    """The size in bytes of an item in wire form; exact but for numbers, which the service counts roughly."""
    return sum(_text_size(name) + _value_size(value) for name, value in item.items())


def check_item_size(item: Mapping[str, Mapping[str, Any]], table: str = "") -> None:
    """Refuse an item in wire form that DynamoDB would refuse for its size.

    Raises:
        ValidationError: it is larger than 400 KB; the message names the largest attribute.
    """
    if len(_encode(item)) <= ITEM_LIMIT:  # quick, and never less than the size
        return
    size = item_size(item)
    if size <= ITEM_LIMIT:
        return
    sizes = {name: _text_size(name) + _value_size(value) for name, value in item.items()}
    largest = max(sizes, key=sizes.__getitem__)
    text = f"the item has {size:,} bytes, DynamoDB takes at most {ITEM_LIMIT:,}"
    raise ValidationError(
        f"{text}; its largest attribute is {largest} with {sizes[largest]:,} bytes: store that elsewhere, "
        "such as in S3, or split the item",
        context={"table": table, "size": size},
        errors={largest: [text]},
    )


def check_key(
    name: str, value: Mapping[str, Any], partition: bool, table: str = "", index: str | None = None
) -> None:
    """Refuse a key attribute that DynamoDB would refuse.

    Parameters:
        name: the attribute.
        value: its value in wire form.
        partition: whether it is the partition key, not the sort key.
        index: of which index; None for the table's own key.

    Raises:
        ValidationError: it is empty, longer than 2048 bytes (1024 for a sort key), or of another type.
    """
    text = value.get("S")
    if text and len(text) <= SORT_KEY_LIMIT and text.isascii():  # most keys
        return
    kind, limit = ("partition", PARTITION_KEY_LIMIT) if partition else ("sort", SORT_KEY_LIMIT)
    tag = next(iter(value), "")
    key = f"the {kind} key {name}{f' of index {index}' if index else ''}"
    if tag not in ("S", "N", "B"):
        told = f"{key} must be a text, a number or binary, not {tag or 'nothing'}"
    elif (size := _value_size(value)) == 0:
        told = f"{key} is empty: DynamoDB needs at least one byte in it"
    elif tag != "N" and size > limit:
        told = f"{key} has {size:,} bytes, more than {limit:,}: use a shorter one"
    else:
        return
    raise ValidationError(told, context={"table": table, "attribute": name}, errors={name: [told]})


def _value_size(value: Mapping[str, Any]) -> int:
    ((tag, content),) = value.items()
    match tag:
        case "S":
            return _text_size(content)
        case "N":
            return _number_size(content)
        case "B":
            return _binary_size(content)
        case "SS":
            return sum(map(_text_size, content))
        case "NS":
            return sum(map(_number_size, content))
        case "BS":
            return sum(map(_binary_size, content))
        case "L":
            return 3 + sum(1 + _value_size(element) for element in content)
        case "M":
            return 3 + sum(1 + _text_size(name) + _value_size(entry) for name, entry in content.items())
        case "NULL" | "BOOL":
            return 1
        case _:  # marked to be encrypted
            return _value_size(content)


def _text_size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _number_size(text: str) -> int:
    digits = text.partition("E")[0].lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")


def _binary_size(base64: str) -> int:
    return len(base64) * 3 // 4 - base64.endswith("=") - base64.endswith("==")
