"""The codec of a model whose items have keys that are no fields, or share their table with other models.

Knows how keys are made, and the attribute that names an item's model. Must not know Meta nor what keys are
for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias, TypeVar

from pydantic import BaseModel

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.schema.sealed import SealedCodec
from dynamodb_wrapper.schema.shards import ShardKey
from dynamodb_wrapper.schema.templates import Template
from dynamodb_wrapper.wire.compiled import Codec, ModelPage
from dynamodb_wrapper.wire.reading import take_unknown
from dynamodb_wrapper.wire.refusal import Refused
from dynamodb_wrapper.wire.values import WireItem, decode_item

M = TypeVar("M", bound=BaseModel)
Made: TypeAlias = Template | ShardKey


class Shared(Protocol):
    """What is known of the model."""

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
    def type_attribute(self) -> str | None:
        """The attribute that says which model an item is of; None in a table of one model."""
        ...

    @property
    def type_name(self) -> str:
        """What stands in it."""
        ...


class KeyedCodec(Codec[M]):
    """As `Codec`, for a model whose items have more attributes than it has fields: keys, and maybe a type.

    They are made when an item is stored and taken off when it is read.

    Parameters:
        shared: what is known of the model.
        made: how keys that are no fields are made, by attribute.
    """

    def __init__(self, model: type[M], shared: Shared, made: Mapping[str, Made], **options: Any) -> None:
        super().__init__(model, key_attributes=shared.key_types, epoch=shared.ttl, **options)
        self._made = made
        self._type_attribute = shared.type_attribute
        self._type = shared.type_name

    def encode(self, instance: M) -> WireItem:
        """As `Codec.encode`, with the keys and the type.

        Raises:
            ValidationError: a value cannot stand in a key, too.
        """
        return self._completed(super().encode(instance))

    def _completed(self, item: WireItem) -> WireItem:
        """The item with the type and the keys that are made of it, as far as its values go."""
        if self._type_attribute is not None:
            item[self._type_attribute] = {"S": self._type}
        for name, how in self._made.items():
            item.pop(name, None)
            try:
                key = how.render(item)
            except Refused as refused:
                where = {refused.path(): [refused.text]}
                what = f"cannot be stored, as its key {name} cannot be made"
                raise self._invalid(what, where, refused) from refused
            if key is not None:
                item[name] = key
        return item

    def to_plain(self, instance: M) -> dict[str, Any]:
        """As `Codec.to_plain`."""
        whole = self._completed(super().encode(instance))
        own = (*self._made, self._type_attribute)
        return super().to_plain(instance) | decode_item({name: whole[name] for name in own if name in whole})

    def decode(self, item: Mapping[str, Mapping[str, Any]], *, table: str = "") -> M:
        """As `Codec.decode`.

        Raises:
            ValidationError: it is an item of another model, too, as the other methods raise it.
        """
        if self._type_attribute is not None:
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
        if self._type_attribute is not None:
            taken = take_unknown(instance, (self._type_attribute,))
            self._check_type(taken.get(self._type_attribute), table)
        take_unknown(instance, self._made)
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


def keyed_codec(model: type[M], shared: Shared, made: Mapping[str, Made], *, hidden: str | None) -> Codec[M]:
    """The codec of a model that shares its table, or has keys that are no fields.

    Parameters:
        hidden: as for `Codec`.
    """
    if shared.encrypted:
        return KeyedSealedCodec(model, shared, made, encrypted=shared.encrypted, hidden=hidden)
    return KeyedCodec(model, shared, made, hidden=hidden)
