"""Several models of one table taken together, so that one query finds the items of all of them.

Knows what their descriptions have in common. Must not know queries.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache, reduce
from operator import or_
from typing import Any, Final

import msgspec
from pydantic import BaseModel, ConfigDict, Field, create_model

from dynamodb_wrapper.exceptions import MetaError, ValidationError
from dynamodb_wrapper.schema.compile import adopt, schema_of
from dynamodb_wrapper.schema.description import Index, KeyType, TableSchema
from dynamodb_wrapper.schema.sharing import refuse_conflicts
from dynamodb_wrapper.schema.templates import Template, common
from dynamodb_wrapper.wire.compiled import Codec, attribute_names
from dynamodb_wrapper.wire.values import ItemPage

_CONFIG: Final = ConfigDict(arbitrary_types_allowed=True, frozen=True)


class UnionSchema(TableSchema[Any], frozen=True, dict=True, weakref=True):
    """What several models say of the table that they share.

    Parameters:
        members: the description of each.
    """

    members: tuple[TableSchema[Any], ...] = ()

    @property
    def models(self) -> tuple[type[BaseModel], ...]:
        """See `TableSchema.models`."""
        return tuple(member.model for member in self.members)

    @property
    def type_names(self) -> tuple[str, ...]:
        """See `TableSchema.type_names`."""
        return tuple(member.type_name for member in self.members)

    @cached_property
    def codec(self) -> Codec[Any]:
        """Reads each item into its own model."""
        return UnionCodec(self)


class UnionCodec(Codec[Any]):
    """Reads items of several models, each into its own; it stores nothing.

    Parameters:
        schema: of the models together.
    """

    def __init__(self, schema: UnionSchema) -> None:
        super().__init__(schema.model, key_attributes=schema.key_types, epoch=schema.ttl)
        self._type_attribute = str(schema.type_attribute)
        self._codecs = {member.type_name: member.codec for member in schema.members}
        typed = msgspec.defstruct(
            "Typed", [("type", dict[str, Any], {})], rename={"type": self._type_attribute}
        )
        page = msgspec.defstruct("Page", [("Items", list[typed], [])])  # type: ignore[valid-type]
        self._typed = msgspec.json.Decoder(page)
        self._raw = msgspec.json.Decoder(_RawPage)

    def decode(self, item: Mapping[str, Mapping[str, Any]], *, table: str = "") -> Any:
        """As `Codec.decode`.

        Raises:
            ValidationError: the item is of none of the models, too, as the other methods raise it.
        """
        return self._of(item.get(self._type_attribute, {}), table).decode(item, table=table)

    def read_item(self, reply: bytes, member: str = "Item", *, table: str = "") -> Any:
        """As `Codec.read_item`."""
        item = msgspec.json.decode(reply).get(member)
        return None if item is None else self.decode(item, table=table)

    def read_page(self, reply: bytes, *, table: str = "") -> ItemPage[Any]:
        """As `Codec.read_page`; the items of each model are read together."""
        page = self._raw.decode(reply)
        typed: Any = self._typed.decode(reply)
        codecs = [self._of(item.type, table) for item in typed.Items]
        found: dict[int, Any] = {}
        for codec in dict.fromkeys(codecs):
            places = [at for at, other in enumerate(codecs) if other is codec]
            own = msgspec.json.encode({"Items": [page.Items[at] for at in places], "Count": len(places)})
            found |= zip(places, codec.read_page(own, table=table).items, strict=True)
        items = [found[at] for at in range(len(codecs))]
        return ItemPage(items, page.LastEvaluatedKey, page.Count, page.ScannedCount, page.ConsumedCapacity)

    def _of(self, type_: Mapping[str, Any], table: str) -> Codec[Any]:
        name = type_.get("S")
        codec = self._codecs.get(str(name))
        if codec is None:
            raise ValidationError(
                f"an item of {table or 'the table'} has {name!r} as its {self._type_attribute}, and is "
                f"none of {', '.join(self._codecs)}: name its model too",
                context={"table": table},
            )
        return codec


class _RawPage(msgspec.Struct):
    Items: list[msgspec.Raw] = []
    LastEvaluatedKey: dict[str, Any] | None = None
    Count: int = 0
    ScannedCount: int = 0
    ConsumedCapacity: dict[str, Any] | None = None


def union_of(models: Sequence[type[BaseModel]]) -> type[BaseModel]:
    """A class that stands for several models of one table: to be queried, not made.

    Its fields are those of all models; one that not all of them have may be None.

    Raises:
        MetaError: they do not share a table.
    """
    return _union_of(tuple(dict.fromkeys(models)))


@lru_cache(maxsize=256)
def _union_of(models: tuple[type[BaseModel], ...]) -> type[BaseModel]:
    members = tuple(schema_of(model) for model in models)
    if len(models) == 1:
        return models[0]
    first, names = members[0], ", ".join(model.__name__ for model in models)
    for at, member in enumerate(members):
        if member.type_attribute is None or member.base_name != first.base_name:
            raise MetaError(
                f"{names} cannot be queried together: {member.model.__name__} does not share a table with "
                "the others; models that do have the same table_name, and templates or a type_attribute"
            )
        refuse_conflicts(member, members[:at])
    union = create_model("Or".join(model.__name__ for model in models), __config__=_CONFIG, **_fields(models))
    shared = _shared_indexes(members)
    templates = _shared_templates(members)
    key_types: dict[str, KeyType] = {
        name: kind for member in members for name, kind in member.key_types.items()
    }
    adopt(
        union,
        UnionSchema(
            model=union,
            partition_key=first.partition_key,
            sort_key=first.sort_key,
            indexes=types.MappingProxyType(shared),
            key_types=types.MappingProxyType(key_types),
            base_name=first.base_name,
            ttl=next((member.ttl for member in members if member.ttl is not None), None),
            attributes=frozenset().union(*(member.attributes for member in members)),
            encrypted=types.MappingProxyType(
                {name: blind for member in members for name, blind in member.encrypted.items()}
            ),
            templates=types.MappingProxyType(templates),
            type_attribute=first.type_attribute,
            type_name=names,
            members=members,
        ),
    )
    return union


def _fields(models: Sequence[type[BaseModel]]) -> dict[str, Any]:
    found: dict[str, list[Any]] = {}
    attributes: dict[str, str] = {}
    for model in models:
        for name, attribute in attribute_names(model).items():
            if attributes.setdefault(name, attribute) != attribute:
                raise MetaError(
                    f"the field {name} is stored as {attributes[name]} by one model and as {attribute} by "
                    f"{model.__name__}: models that are queried together agree on that"
                )
            found.setdefault(name, []).append(model.model_fields[name].annotation)
    fields: dict[str, Any] = {}
    for name, kinds in found.items():
        alias = None if attributes[name] == name else attributes[name]
        everywhere = len(kinds) == len(models)
        annotation = reduce(or_, kinds if everywhere else [*kinds, None])
        fields[name] = annotation, Field(alias=alias) if everywhere else Field(default=None, alias=alias)
    return fields


def _shared_indexes(members: Sequence[TableSchema[Any]]) -> dict[str, Index]:
    return {
        name: index
        for name, index in members[0].indexes.items()
        if all(name in member.indexes for member in members)
    }


def _shared_templates(members: Sequence[TableSchema[Any]]) -> dict[str, Template]:
    found: dict[str, Template] = {}
    for name in members[0].templates:
        several = [member.templates[name] for member in members if name in member.templates]
        shared = common(several) if len(several) == len(members) else None
        if shared is not None:
            found[name] = shared
    return found
