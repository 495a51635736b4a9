"""The names and values of one request's expressions, each behind a placeholder.

Knows placeholders. Must not know what expressions say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from dynamodb_wrapper.wire.values import WireValue, encode_value

Encode: TypeAlias = Callable[[str, object], WireValue]


def encode_plainly(attribute: str, value: object) -> WireValue:
    """Encode a value by its own type, whatever attribute it belongs to."""
    return encode_value(value, attribute)


class Wire(Struct, frozen=True):
    """A value that is in wire form already."""

    value: WireValue


class Params:
    """Collects names and values while expressions are encoded.

    Every name becomes a placeholder, so that no attribute clashes with DynamoDB's reserved words.

    Parameters:
        encode: turns an attribute's value into its wire form; a model's codec brings its own.
        prefix: begins every placeholder, where others' placeholders stand beside these.
    """

    def __init__(self, encode: Encode = encode_plainly, prefix: str = "") -> None:
        self._encode = encode
        self._prefix = prefix
        self._names: dict[str, str] = {}
        self._values: dict[str, WireValue] = {}

    def name(self, attribute: str) -> str:
        """The placeholder of one attribute name."""
        placeholder = self._names.get(attribute)
        if placeholder is None:
            placeholder = self._names[attribute] = f"#{self._prefix}{len(self._names)}"
        return placeholder

    @property
    def names(self) -> Mapping[str, str]:
        """The placeholder of each name so far."""
        return self._names

    def begin_with(self, names: Mapping[str, str]) -> None:
        """Take over the names of an expression that was encoded before; no other may have come first."""
        assert not self._names, "these placeholders may be in use for other names"
        self._names.update(names)

    def value(self, attribute: str, value: object) -> str:
        """The placeholder of a whole value of that attribute, encoded as the attribute is."""
        return self.wire_value(value.value if isinstance(value, Wire) else self._encode(attribute, value))

    def plain_value(self, value: object, where: str) -> str:
        """The placeholder of a value that is encoded by its own type, such as an element of a list."""
        return self.wire_value(value.value if isinstance(value, Wire) else encode_value(value, where))

    def wire_value(self, value: WireValue) -> str:
        """The placeholder of a value that is in wire form already."""
        placeholder = f":{self._prefix}{len(self._values)}"
        self._values[placeholder] = value
        return placeholder

    def into(self, body: dict[str, Any]) -> dict[str, Any]:
        """Put what was collected into a request."""
        if self._names:
            body["ExpressionAttributeNames"] = {mark: name for name, mark in self._names.items()}
        if self._values:
            body["ExpressionAttributeValues"] = self._values
        return body
