"""The codec of a model that shares its table: it stores the keys that templates make, and whose item it is.

Knows templates and the attribute that names an item's model. Must not know Meta nor what keys are for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.schema.sealed import SealedCodec
from dynamodb_wrapper.schema.templates import Template
from dynamodb_wrapper.wire.compiled import Codec, ModelPage
from dynamodb_wrapper.wire.refusal import Refused
from dynamodb_wrapper.wire.values import WireItem, decode_item

M = TypeVar("M", bound=BaseModel)


class Shared(Protocol):
    """What is known of a model that shares its table."""

    @property
    def key_types(self) -> Mapping[str, Any]:
        """The type of every attribute that is a key."""
        ...

    @property
    def ttl(self) -> str | None:
        """The attribute with the expiry time."""
        ...

    @property
    def encrypted(self) -> Mapping[str, str | None]:
        """The encrypted attributes."""
        ...

    @property
    def templates(self) -> Mapping[str, Template]:
        """How keys are put together."""
        ...

    @property
    def type_attribute(self) -> str | None:
        """The attribute that says which model an item is of."""
        ...

    @property
    def type_name(self) -> str:
        """What stands in it."""
        ...


class KeyedCodec(Codec[M]):
    """As `Codec`, for a model whose items have more attributes than it has fields: keys and a type.

    They are made when an item is stored and taken off when it is read.

    Parameters:
        shared: what is known of the model.
    """

    def __init__(self, model: type[M], shared: Shared, **options: Any) -> None:
        super().__init__(model, key_attributes=shared.key_types, epoch=shared.ttl, **options)
        self._templates = shared.templates
        self._type_attribute = str(shared.type_attribute)
        self._type = shared.type_name

    def encode(self, instance: M) -> WireItem:
        """As `Codec.encode`, with the keys and the type.

        Raises:
            ValidationError: a value cannot stand in a key, too.
        """
        item = super().encode(instance)
        item[self._type_attribute] = {"S": self._type}
        for name in self._templates:
            item.pop(name, None)
        return item | self.keys_of(item)

    def keys_of(self, item: WireItem) -> WireItem:
        """The keys that the templates make of an item, as far as its values go."""
        keys: WireItem = {}
        for name, template in self._templates.items():
            try:
                key = template.render(item)
            except Refused as refused:
                where = {refused.path(): [refused.text]}
                raise self._invalid(f"has no {name}", where, refused) from refused
            if key is not None:
                keys[name] = key
        return keys

    def to_plain(self, instance: M) -> dict[str, Any]:
        """As `Codec.to_plain`."""
        plain = super().to_plain(instance)
        return (
            plain | decode_item(self.keys_of(super().encode(instance))) | {self._type_attribute: self._type}
        )

    def decode(self, item: Mapping[str, Mapping[str, Any]], *, table: str = "") -> M:
        """As `Codec.decode`.

        Raises:
            ValidationError: it is an item of another model, too, as the other methods raise it.
        """
        self._check_type(item.get(self._type_attribute, {}).get("S"), table)
        return self._own(super().decode(item, table=table), table)

    def read_item(self, reply: bytes, member: str = "Item", *, table: str = "") -> M | None:
        """As `Codec.read_item`."""
        instance = super().read_item(reply, member, table=table)
        return None if instance is None else self._own(instance, table)

    def read_page(self, reply: bytes, *, table: str = "") -> ModelPage[M]:
        """As `Codec.read_page`."""
        page = super().read_page(reply, table=table)
        for instance in page.items:
            self._own(instance, table)
        return page

    def _own(self, instance: M, table: str) -> M:
        extra = instance.__pydantic_extra__ or {}
        self._check_type(extra.pop(self._type_attribute, None), table)
        for name in self._templates:
            extra.pop(name, None)
        return instance

    def _check_type(self, found: object, table: str) -> None:
        if found != self._type:
            what = "has no" if found is None else f"has {found!r} as its"
            raise ValidationError(
                f"an item of {table or 'the table'} {what} {self._type_attribute}, so that it is no "
                f"{self.model.__name__}, whose items have {self._type!r}: read it as the model that it is of",
                context={"table": table, "model": self.model.__name__},
            )


class KeyedSealedCodec(KeyedCodec[M], SealedCodec[M]):
    """Both: some attributes are encrypted, too; none of those stands in a template."""


def keyed_codec(model: type[M], shared: Shared, *, hidden: str | None) -> Codec[M]:
    """The codec of a model that shares its table.

    Parameters:
        hidden: as for `Codec`.
    """
    if shared.encrypted:
        return KeyedSealedCodec(model, shared, encrypted=shared.encrypted, hidden=hidden)
    return KeyedCodec(model, shared, hidden=hidden)
