"""Compiling a model's Meta, once per model.

Knows how a Meta is written and every way to write it wrong. Must not know what the description is used for.
Limits are those of the DynamoDB Developer Guide, "Quotas" and "Secondary indexes" (multi-attribute keys).
"""

from __future__ import annotations

import re
import types
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import PurePath
from typing import Any, ForwardRef, NoReturn, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

from pydantic import BaseModel

from dynamodb_wrapper.exceptions import MetaError, ValidationError
from dynamodb_wrapper.schema.annotations import plain_types
from dynamodb_wrapper.schema.description import GSI, LSI, Index, KeyType, Projection, TableSchema
from dynamodb_wrapper.schema.encrypted import encrypted_attributes
from dynamodb_wrapper.schema.shards import shards_of
from dynamodb_wrapper.schema.sharing import SharedTable, housemates, refuse_conflicts
from dynamodb_wrapper.wire.plain import attribute_name

M = TypeVar("M", bound=BaseModel)

MOST_KEY_ATTRIBUTES = 4
MOST_GSIS = 20
MOST_LSIS = 5
_INDEX_NAME = re.compile(r"[a-zA-Z0-9_.-]{3,255}")
_TABLE_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,255}")
_KNOWN = frozenset(
    {"partition_key", "sort_key", "gsis", "lsis", "table_name", "ttl", "version", "unique", "schema_version"}
    | {"templates", "type_attribute", "type_name"}
)
MOST_SCHEMA_VERSIONS = 65535
_TEXT = (str, bool, datetime, date, time, UUID, PurePath)
_NUMBERS = (int, float, Decimal)
_BYTES = (bytes, bytearray)

MOST_AT_HAND = 256

_at_hand: dict[type[BaseModel], TableSchema[Any]] = {}
"""Some of the descriptions, found in half the time that it takes to ask the class."""
_sharing: WeakValueDictionary[int, TableSchema[Any]] = WeakValueDictionary()
"""The descriptions of models that share tables, for as long as those live."""


def schema_of(model: type[M]) -> TableSchema[M]:
    """The description of a model's table, compiled on first use.

    Parameters:
        model: a pydantic model with an inner `class Meta`.

    Raises:
        MetaError: Meta is missing or wrong; names the model, the attribute and the mend.
    """
    try:
        return _at_hand[model]
    except (KeyError, TypeError):  # not at hand, or nothing that can be a key
        pass
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise MetaError(f"{model!r} is not a pydantic model class: give the class, not an instance")
    schema: TableSchema[M] | None = vars(model).get("__dynamodb_schema__")
    if schema is None:
        schema = _Compiler(model).compile()
        refuse_conflicts(schema, housemates(schema, list(_sharing.values())))
        if schema.type_attribute is not None:
            _sharing[id(schema)] = schema
    adopt(model, schema)
    return schema


def schema_of_item(item: object, asker: str = "put") -> TableSchema[Any]:
    """The description of the table that an item belongs to.

    Parameters:
        item: an instance of a model.
        asker: what it was given to, for the error.

    Raises:
        ValidationError: it is no instance of a model.
        MetaError: as for `schema_of`.
    """
    if isinstance(item, BaseModel):
        return schema_of(type(item))
    what = f"the class {item.__name__}" if isinstance(item, type) else f"a {type(item).__name__}"
    raise ValidationError(f"{asker} takes an item, such as Order(...), and {what} was given")


def adopt(model: type[BaseModel], schema: TableSchema[Any]) -> None:
    """Keep a description in the class that it is of, so that it ends when nobody has the class any more."""
    model.__dynamodb_schema__ = schema  # type: ignore[attr-defined]
    if len(_at_hand) >= MOST_AT_HAND:
        _at_hand.clear()
    _at_hand[model] = schema


class _Compiler:
    def __init__(self, model: type[M]) -> None:
        self.model = model
        if getattr(model, "__dynamodb_view__", False):
            self.fail("it is a view, and a view is never saved: give the model whose items it shows")
        meta = getattr(model, "Meta", None)
        if not isinstance(meta, type):
            what = (
                "it has no inner class Meta" if meta is None else f"it is a {type(meta).__name__}, no class"
            )
            self.fail(f'{what}: add `class Meta: partition_key = "..."`')
        self.meta = {
            name: value
            for base in reversed(meta.__mro__)
            for name, value in vars(base).items()
            if not name.startswith("__")
        }
        fields = {attribute_name(name, info): info for name, info in _fields(model).items()}
        self.annotations = {name: info.annotation for name, info in fields.items()}
        self.encrypted = encrypted_attributes(fields, self.fail)
        self.shared = SharedTable(self.meta, self.annotations, self.fail)
        self.blind = {name for name in self.encrypted.values() if name is not None}

    def fail(self, why: str) -> NoReturn:
        raise MetaError(f"{self.model.__name__}.Meta: {why}", context={"model": self.model.__qualname__})

    def compile(self) -> TableSchema[Any]:
        for name in self.meta:
            if name not in _KNOWN:
                self.fail(f"{name!r} is not known; known are {', '.join(sorted(_KNOWN))}")
        if "partition_key" not in self.meta:
            self.fail('partition_key is missing: add partition_key = "<attribute>"')
        partition: Any = self.meta["partition_key"]
        sort: Any = self.meta.get("sort_key")
        key_types: dict[str, KeyType] = {}
        key_types |= {self.table_key(partition, "partition_key"): self.key_type(partition, optional=False)}
        if sort is not None:
            key_types |= {self.table_key(sort, "sort_key"): self.key_type(sort, optional=False)}
        if sort == partition:
            self.fail("sort_key is the partition_key: name another attribute")
        indexes = self.indexes(partition, sort)
        for index in indexes.values():
            for name in index.keys:
                key_types.setdefault(name, self.key_type(name, optional=True))
        spread = {index.shards.attribute for index in indexes.values() if index.shards is not None}
        key_types |= dict.fromkeys(spread, "S")
        for name in (partition, sort):
            self.refuse_encrypted(name, "a key of the table")
        self.shared.finish((partition, sort), indexes.values(), self.refuse_encrypted)
        ttl = self.number("ttl", "seconds since 1970, as DynamoDB reads it, or a datetime")
        if ttl in key_types:
            key_types[ttl] = "N"  # also where it is a datetime: it is stored in seconds
        return TableSchema(
            model=self.model,
            partition_key=partition,
            sort_key=sort,
            indexes=types.MappingProxyType(indexes),
            key_types=types.MappingProxyType(key_types),
            base_name=self.table_name(),
            ttl=ttl,
            version=self.number("version", "a number that counts up"),
            unique=self.unique(),
            attributes=frozenset((*self.annotations, *self.shared.attributes, *spread)),
            templates=types.MappingProxyType(self.shared.templates),
            type_attribute=self.shared.type_attribute,
            type_name=self.shared.type_name(self.model.__name__),
            encrypted=types.MappingProxyType(self.encrypted),
            schema_version=self.schema_version(),
        )

    def table_name(self) -> str | None:
        name = self.meta.get("table_name")
        if name is not None and not (isinstance(name, str) and _TABLE_NAME.fullmatch(name)):
            self.fail(f"{name!r} is no table_name: use up to 255 of a-z, A-Z, 0-9, '_', '-' and '.'")
        return name

    def unique(self) -> tuple[str, ...]:
        names = tuple(self.attribute(name, "unique") for name in self.entries("unique", "attributes"))
        for name in names:
            if name in self.encrypted and self.encrypted[name] is None:
                self.fail(
                    f"unique names {name}, which is encrypted, so that equal values cannot be told: "
                    "annotate it with BlindIndex() too"
                )
        return names

    def schema_version(self) -> int:
        version = self.meta.get("schema_version", 1)
        if type(version) is not int or not 1 <= version <= MOST_SCHEMA_VERSIONS:
            self.fail(f"schema_version is {version!r}: make it a whole number from 1 to 65535")
        return version

    def refuse_encrypted(self, name: object, what: str) -> None:
        if name in self.encrypted:
            self.fail(
                f"{name} is {what} and cannot be encrypted, because DynamoDB compares its values: take "
                "Encrypted off, or name another attribute"
            )

    def number(self, where: str, meaning: str) -> str | None:
        name = self.meta.get(where)
        if name is None:
            return None
        self.refuse_encrypted(name, f"the {where} attribute")
        kinds = {
            key_kind(annotation) for annotation in plain_types(self.annotations[self.attribute(name, where)])
        }
        if where == "ttl" and self.is_moment(str(name)):
            return str(name)
        if kinds - {None} != {"N"}:
            self.fail(
                f"{where} names {name}, which holds {self.annotations[name]}: make it an int ({meaning})"
            )
        return str(name)

    def is_moment(self, name: str) -> bool:
        kinds = [kind for kind in plain_types(self.annotations[name]) if kind is not type(None)]
        return all(isinstance(kind, type) and issubclass(kind, datetime) for kind in kinds)

    def attribute(self, name: object, where: str, beside: Collection[str] = ()) -> str:
        if isinstance(name, str) and name in beside:
            return name
        if not isinstance(name, str) or name not in self.annotations:
            self.fail(
                f"{where} names {name!r}, which is not a field of {self.model.__name__}; "
                f"its fields are {', '.join(self.annotations)}"
            )
        return name

    def table_key(self, name: object, where: str) -> str:
        if isinstance(name, str) and name in self.shared.templates:
            return name
        return self.attribute(name, where)

    def index_key(self, name: object, where: str) -> str:
        """Of models that share a table not every one has the keys of every index."""
        if isinstance(name, str) and self.shared.is_index_key(name):
            return name
        return self.attribute(name, where, self.blind)

    def indexes(self, partition: str, sort: str | None) -> dict[str, Index]:
        globals_ = [self.gsi(entry) for entry in self.entries("gsis", "indexes")]
        locals_ = [self.lsi(entry, partition) for entry in self.entries("lsis", "indexes")]
        if locals_ and sort is None:
            self.fail("lsis need a table with a sort key: add sort_key, or use gsis")
        if len(globals_) > MOST_GSIS or len(locals_) > MOST_LSIS:
            self.fail(f"a table has at most {MOST_GSIS} global and {MOST_LSIS} local indexes")
        indexes: dict[str, Index] = {}
        for index in globals_ + locals_:
            assert index.name is not None
            if index.name in indexes or index.stored_name in {each.stored_name for each in indexes.values()}:
                self.fail(f"two indexes are named {index.stored_name!r}")
            indexes[index.name] = index
        return indexes

    def entries(self, name: str, what: str) -> Sequence[object]:
        entries = self.meta.get(name, ())
        if isinstance(entries, Mapping | str) or not isinstance(entries, Sequence):
            self.fail(f"{name} must be a list of {what}, not {entries!r}")
        return entries

    def gsi(self, entry: object) -> Index:
        gsi = self.entry(entry, GSI, "gsis")
        name = self.index_name(gsi.name)
        sort = () if gsi.sort_key is None else self.index_keys(gsi.sort_key, f"the sort_key of {name}")
        partition = self.index_keys(gsi.partition_key, f"the partition_key of {name}")
        if len(set(partition + sort)) < len(partition + sort):
            self.fail(f"index {name} names an attribute twice in its keys")
        if not isinstance(gsi.filling, bool):
            self.fail(
                f"filling of {name} is {gsi.filling!r}: make it True while the index is filled, or False"
            )
        shards = shards_of(
            gsi.shards,
            name,
            partition,
            self.key_type(partition[0], optional=True),
            table_key=self.meta["partition_key"],
            made=self.shared.templates,
            taken=(*self.annotations, *self.shared.attributes, *self.blind),
            fail=self.fail,
        )
        if gsi.stored_as is not None and shards is None:
            self.fail(f"{name} has stored_as and no shards: name it {gsi.stored_as!r}, as the table does")
        return Index(
            name,
            partition,
            sort,
            self.projection(gsi.projection, name),
            shards=shards,
            filling=gsi.filling,
            stored_as=None if gsi.stored_as is None else self.index_name(gsi.stored_as),
        )

    def lsi(self, entry: object, partition: str) -> Index:
        lsi = self.entry(entry, LSI, "lsis")
        name = self.index_name(lsi.name)
        sort = self.index_key(lsi.sort_key, f"the sort_key of {name}")
        self.refuse_encrypted(sort, f"the sort_key of {name}")
        if sort == partition:
            self.fail(f"index {name} names the partition key as its sort_key: name another attribute")
        return Index(name, (partition,), (sort,), self.projection(lsi.projection, name), local=True)

    def entry(self, entry: object, kind: type[E], where: str) -> E:
        if isinstance(entry, kind):
            return entry
        if not isinstance(entry, Mapping):
            self.fail(f"an entry of {where} must be a dict or {kind.__name__}(...), not {entry!r}")
        try:
            return kind(**entry)
        except TypeError as error:
            wanted = ", ".join(kind.__struct_fields__)
            self.fail(f"{dict(entry)!r} in {where} is no index ({error}); an index has {wanted}")

    def index_name(self, name: object) -> str:
        if not isinstance(name, str) or not _INDEX_NAME.fullmatch(name):
            self.fail(f"{name!r} is no index name: use 3 to 255 of a-z, A-Z, 0-9, '_', '-' and '.'")
        return name

    def index_keys(self, keys: object, where: str) -> tuple[str, ...]:
        names: Iterable[object] = (keys,) if isinstance(keys, str) or not isinstance(keys, Sequence) else keys
        found = tuple(self.index_key(name, where) for name in names)
        for name in found:
            if blind := self.encrypted.get(name):
                self.fail(f"{where} names {name}, which is encrypted: name its blind index {blind!r}")
            self.refuse_encrypted(name, where)
        if not 1 <= len(found) <= MOST_KEY_ATTRIBUTES:
            self.fail(f"{where} has {len(found)} attributes: 1 to {MOST_KEY_ATTRIBUTES} are possible")
        return found

    def projection(self, value: object, index: str) -> Projection:
        if value is None or value == "ALL":
            return "ALL"
        if value == "KEYS_ONLY":
            return "KEYS_ONLY"
        if isinstance(value, str) or not isinstance(value, Sequence):
            self.fail(f"the projection of {index} is {value!r}: 'ALL', 'KEYS_ONLY' or a list of attributes")
        if not value:
            self.fail(f"the projection of {index} is empty: use 'KEYS_ONLY' for nothing beside the keys")
        where = f"the projection of {index}"
        return tuple(self.index_key(name, where) for name in value)

    def key_type(self, name: str, *, optional: bool) -> KeyType:
        if name in self.blind:
            return "B"
        if name not in self.annotations:
            return "S"
        kinds = {key_kind(annotation) for annotation in plain_types(self.annotations[name])}
        if None in kinds:
            if not optional:
                self.fail(f"{name} is a key of the table and may be None: make it required")
            kinds.discard(None)
        if len(kinds) == 1 and (kind := kinds.pop()) in ("S", "N", "B"):
            return kind  # type: ignore[return-value]
        if isinstance(self.annotations[name], ForwardRef):
            return self.fail(f"the type of {name} is not known yet: define it, or call model_rebuild()")
        return self.fail(
            f"{name} is a key, but {self.annotations[name]} is not one of DynamoDB's key types: "
            "use one text, number, bytes, bool, datetime or enum type"
        )


E = TypeVar("E", GSI, LSI)


def _fields(model: type[BaseModel]) -> Mapping[str, Any]:
    if not model.__pydantic_complete__:
        model.model_rebuild(raise_errors=False)
    return model.model_fields


def key_kind(annotation: Any) -> str | None:
    """The key type of a plain type's values, "?" for one that no key can have, None for None."""
    if annotation is type(None):
        return None
    if isinstance(annotation, type):
        for kind, bases in (("S", _TEXT), ("N", _NUMBERS), ("B", _BYTES)):
            if issubclass(annotation, bases):
                return kind
    return "?"
