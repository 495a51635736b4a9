"""The frozen description of a table that everything above reads.

Knows names and types of keys and indexes. Must not know expressions, operations or how a Meta is written.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

from msgspec import Struct
from pydantic import BaseModel

from dynamodb_wrapper.exceptions import MetaError, ValidationError
from dynamodb_wrapper.schema.keyed import Made, keyed_codec
from dynamodb_wrapper.schema.sealed import SealedCodec
from dynamodb_wrapper.schema.shards import ShardKey, Shards
from dynamodb_wrapper.schema.templates import Template
from dynamodb_wrapper.wire.compiled import Codec
from dynamodb_wrapper.wire.sizes import PARTITION_KEY_LIMIT, SORT_KEY_LIMIT

M = TypeVar("M", bound=BaseModel)
V = TypeVar("V", bound=BaseModel)
WRITES: Final = "_writes"
GUARD: Final = "value"
KeyType: TypeAlias = Literal["S", "N", "B"]
Projection: TypeAlias = Literal["ALL", "KEYS_ONLY"] | tuple[str, ...]


class GSI(Struct, frozen=True):
    """A global secondary index, as written in a Meta.

    Parameters:
        name: the index's name, 3 to 255 characters of a-z, A-Z, 0-9, "_", "-" and ".".
        partition_key: its partition attribute, or up to four of them.
        sort_key: its sort attribute, or up to four of them.
        projection: "ALL" (also None), "KEYS_ONLY", or the attributes copied into the index beside the keys.
        shards: over how many shards, 2 to 200, each partition key value is spread; see docs/sharding.md.
        filling: whether items may not all be in the index yet, so that only queries that name it use it.
        stored_as: the name that a sharded index has in the table, where that is another one, so that it can
            stand there beside the index that it takes the place of.
    """

    name: str
    partition_key: str | Sequence[str]
    sort_key: str | Sequence[str] | None = None
    projection: str | Sequence[str] | None = None
    shards: int | None = None
    filling: bool = False
    stored_as: str | None = None


class LSI(Struct, frozen=True):
    """A local secondary index, as written in a Meta; its partition key is the table's.

    Parameters:
        name: the index's name.
        sort_key: its sort attribute.
        projection: as for `GSI`.
    """

    name: str
    sort_key: str
    projection: str | Sequence[str] | None = None


class Index(Struct, frozen=True):
    """One index as compiled: `name` is None for the table itself.

    Parameters:
        partition: the partition attributes as Meta names them, and queries do.
        shards: how they are spread: then another attribute is the key of the index in their place.
        filling: whether it may lack items.
        stored_as: its name in the table, where that is not `name`.
    """

    name: str | None
    partition: tuple[str, ...]
    sort: tuple[str, ...] = ()
    projection: Projection = "ALL"
    local: bool = False
    shards: Shards | None = None
    filling: bool = False
    stored_as: str | None = None

    @property
    def stored_name(self) -> str | None:
        """The index's name in the table."""
        return self.stored_as or self.name

    @property
    def keys(self) -> tuple[str, ...]:
        """The index's key attributes as Meta names them, partition first."""
        return self.partition + self.sort

    @property
    def stored_partition(self) -> tuple[str, ...]:
        """The partition attributes that the index has in the table."""
        return self.partition if self.shards is None else (self.shards.attribute,)

    @property
    def stored_keys(self) -> tuple[str, ...]:
        """As `keys`, with those that the index has in the table."""
        return self.stored_partition + self.sort


class TableSchema(Struct, Generic[M], frozen=True, dict=True, weakref=True):
    """What a model's Meta says.

    Parameters:
        model: the pydantic model.
        partition_key: the table's partition attribute.
        sort_key: the table's sort attribute, or None.
        indexes: the secondary indexes by name.
        key_types: the type of every attribute that is a key of the table or of an index.
        base_name: the table's name before `DynamoDBConfig.table_prefix`, or None where Meta gives none.
        ttl: the attribute with the expiry time, or None; it is stored in seconds since 1970.
        version: the optimistic-lock attribute, or None.
        unique: attributes whose values no two items may share.
        encrypted: attributes that are stored encrypted, each with the attribute of its blind index or None.
        schema_version: which version of the model's form it is, from 1 on.
        templates: how keys that are no fields are put together, by attribute.
        type_attribute: the attribute that says which model an item is of, or None where only one has a table.
        type_name: what stands in it.
    """

    model: type[M]
    partition_key: str
    sort_key: str | None
    indexes: Mapping[str, Index]
    key_types: Mapping[str, KeyType]
    base_name: str | None = None
    ttl: str | None = None
    version: str | None = None
    unique: tuple[str, ...] = ()
    attributes: frozenset[str] = frozenset()
    encrypted: Mapping[str, str | None] = types.MappingProxyType({})
    schema_version: int = 1
    templates: Mapping[str, Template] = types.MappingProxyType({})
    type_attribute: str | None = None
    type_name: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        """A class that is pickled by its value, as Spark does with those of a notebook, leaves it behind."""
        return _left_behind, ()

    @property
    def table_name(self) -> str:
        """The table's name before the prefix; a MetaError where Meta gives none."""
        if self.base_name is None:
            raise MetaError(
                f"{self.model.__name__}.Meta has no table_name: add for example "
                f'table_name = "{self.model.__name__.lower()}s"'
            )
        return self.base_name

    def guard_table(self, table: str) -> str:
        """The table beside `table` that keeps the values of `unique`, with the key attribute `GUARD`."""
        return f"{table}_unique"

    @cached_property
    def primary(self) -> Index:
        """The table's own key, in the form of an index."""
        return Index(None, (self.partition_key,), (self.sort_key,) if self.sort_key else ())

    @cached_property
    def key_fields(self) -> tuple[str, ...]:
        """The primary key's attributes, partition first."""
        return self.primary.keys

    @cached_property
    def made(self) -> Mapping[str, Made]:
        """The keys that are no fields, by attribute: those of templates, then those of sharded indexes."""
        sharded = (index.shards for index in self.indexes.values() if index.shards is not None)
        return {
            **self.templates,
            **{shards.attribute: ShardKey(shards, self.key_fields) for shards in sharded},
        }

    @cached_property
    def index_keys(self) -> Mapping[str, tuple[str, bool]]:
        """For each key attribute of an index that index, and whether its limit is that of a partition key."""
        found: dict[str, tuple[str, bool]] = {}
        for index in self.indexes.values():
            found |= {name: (str(index.name), True) for name in index.stored_partition if name not in found}
        for index in self.indexes.values():
            found |= {name: (str(index.name), False) for name in index.sort}
        return found

    @cached_property
    def plain_key(self) -> Mapping[str, int]:
        """The most bytes of each part of the primary key, if all are texts that are stored as they are."""
        if self.templates or not self.codec.stores_plain_texts(self.key_fields):
            return {}
        return dict(zip(self.key_fields, (PARTITION_KEY_LIMIT, SORT_KEY_LIMIT), strict=False))

    @property
    def models(self) -> tuple[type[BaseModel], ...]:
        """The models of the items that are read."""
        return (self.model,)

    @property
    def type_names(self) -> tuple[str, ...]:
        """What stands in `type_attribute` of the items that are read."""
        return (self.type_name,)

    @cached_property
    def key_arguments(self) -> tuple[str, ...]:
        """The attributes whose values make a primary key: its own, or the fields of its templates."""
        made = (
            self.templates[name].fields if name in self.templates else (name,) for name in self.key_fields
        )
        return tuple(dict.fromkeys(name for names in made for name in names))

    @property
    def keeps_more(self) -> bool:
        """Whether a write must keep more than the item itself: its version, or unique values."""
        return self.version is not None or bool(self.unique)

    @cached_property
    def codec(self) -> Codec[M]:
        """The codec of the full model."""
        hidden = None if self.version is None else WRITES
        if self.type_attribute is not None or self.made:
            return keyed_codec(self.model, self, self.made, hidden=hidden)
        if self.encrypted:
            return SealedCodec(
                self.model, self.encrypted, key_attributes=self.key_types, hidden=hidden, epoch=self.ttl
            )
        return Codec(self.model, key_attributes=self.key_types, hidden=hidden, epoch=self.ttl)

    def view_codec(self, view: type[V]) -> Codec[V]:
        """A codec for a read-only view of this table."""
        if self.encrypted:
            return SealedCodec(
                view, self.encrypted, key_attributes=self.key_types, keep_unknown=False, epoch=self.ttl
            )
        return Codec(view, key_attributes=self.key_types, keep_unknown=False, epoch=self.ttl)

    def drops_none(self, name: str) -> bool:
        """Whether None is stored as no attribute: where reading restores it, and in keys that may be None."""
        return self.codec.leaves_none_out(name)

    def index(self, name: str | None) -> Index:
        """The index of that name; None is the table."""
        if name is None:
            return self.primary
        if name not in self.indexes:
            known = ", ".join(self.indexes) or "none"
            raise ValidationError(
                f"{self.model.__name__} has no index {name!r}; its indexes are: {known}",
                errors={"index": [f"unknown index {name!r}; known: {known}"]},
            )
        return self.indexes[name]

    def key_of(self, key: object, table: str = "") -> dict[str, Any]:
        """What makes a primary key, by attribute, from one value (where it takes only one) or a mapping.

        Parameters:
            table: the table's full name, for the error.

        Raises:
            ValidationError: an attribute of the key is missing, or one that is not of the key was given.
        """
        if isinstance(key, Mapping):
            given = dict(key)
        elif len(self.key_arguments) == 1:
            return {self.key_arguments[0]: key}
        else:
            given = {}
        missing = [name for name in self.key_arguments if name not in given]
        extra = [str(name) for name in given if name not in self.key_arguments]
        if missing or extra:
            errors = {name: ["part of the key: give it"] for name in missing}
            errors |= {name: ["not part of the key: leave it out"] for name in extra}
            raise ValidationError(
                f"the key of {self.model.__name__}{f' in table {table}' if table else ''} is "
                f"{' + '.join(self.key_arguments)}; got {', '.join(sorted(map(str, given))) or repr(key)}: "
                f"give {self.key_as_mapping(key)}",
                errors=errors,
                context={"table": table},
            )
        return given

    def key_as_mapping(self, key: object) -> str:
        """How a key that was given is written, with dots for what it lacks."""
        names = self.key_arguments
        values = key if isinstance(key, (tuple, list)) and len(key) == len(names) else (key,)
        known = key if isinstance(key, Mapping) else dict(zip(names, values, strict=False))
        parts = (f'"{name}": {known[name]!r:.50}' if name in known else f'"{name}": ...' for name in names)
        return f"{{{', '.join(parts)}}}"


def _left_behind() -> None:
    """What stands in a pickled class in place of its description, which is compiled anew."""
