"""A model for a table that has none: its keys and indexes from the service, its fields from columns.

Knows what DescribeTable tells, and Python types of columns. Must not know Spark, nor who reads or writes.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from pydantic import BaseModel, Field, create_model

from dynamodb_wrapper.schema import GSI, LSI
from dynamodb_wrapper.schema.compile import key_kind

_KEYS: Final[Mapping[str, type]] = {"S": str, "N": Decimal, "B": bytes}
_INDEXES: Final = ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")


def keys_of(description: Mapping[str, Any]) -> str:
    """What `described_model` needs of a table's description, as JSON."""
    kept = {name: description[name] for name in ("TableName", "KeySchema", "AttributeDefinitions")}
    for name in _INDEXES:
        wanted = ("IndexName", "KeySchema", "Projection")
        kept[name] = [{each: index[each] for each in wanted} for index in description.get(name) or ()]
    return json.dumps(kept)


@lru_cache(maxsize=64)
def described_model(
    keys: str, columns: tuple[tuple[str, Any], ...], ttl: str | None, filtered: tuple[str, ...] = ()
) -> type[BaseModel]:
    """A model whose Meta has a table's keys and indexes.

    Parameters:
        keys: as `keys_of` gives them.
        columns: names of attributes, each with its Python type; None for one that nothing is said of.
        ttl: the attribute with the expiry time.
        filtered: what conditions name: any attributes, or places in them.
    """
    table = json.loads(keys)
    types = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
    primary = _keys(table["KeySchema"])
    kinds: dict[str, Any] = dict.fromkeys(types, None) | dict(columns)
    if ttl is not None:
        kinds.setdefault(ttl, Decimal)
    kinds |= dict.fromkeys(_attributes(filtered, kinds))
    fields: dict[str, Any] = {}
    for at, (name, kind) in enumerate(kinds.items()):
        if name in types and (kind is None or key_kind(kind) != types[name]):
            kind = _KEYS[types[name]]
        needed = name in primary
        kind = Any if kind is None else kind if needed else kind | None
        fields[f"f{at}"] = (kind, Field(alias=name) if needed else Field(None, alias=name))
    gsis, lsis = (list(_indexes(table[name])) for name in _INDEXES)
    meta = type(
        "Meta",
        (),
        {
            "table_name": table["TableName"],
            "partition_key": primary[0],
            "sort_key": primary[1] if len(primary) > 1 else None,
            "gsis": [GSI(name, by, sort or None, projection) for name, by, sort, projection in gsis],
            "lsis": [LSI(name, sort[0], projection) for name, _, sort, projection in lsis],
            "ttl": ttl,
        },
    )
    made: type[BaseModel] = create_model("Item", **fields)
    made.Meta = meta  # type: ignore[attr-defined]
    return made


def _attributes(filtered: Iterable[str], known: Collection[str]) -> Iterator[str]:
    """The attributes of what conditions name that are not known yet."""
    for name in filtered:
        attribute = name.partition(".")[0].partition("[")[0]
        if attribute and attribute not in known and name not in known:
            yield attribute


def _keys(schema: Sequence[Mapping[str, str]]) -> list[str]:
    """The attributes of a key, partition first."""
    return [each["AttributeName"] for kind in ("HASH", "RANGE") for each in schema if each["KeyType"] == kind]


def _indexes(indexes: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[str], list[str], Any]]:
    for index in indexes:
        by, sort = (
            [each["AttributeName"] for each in index["KeySchema"] if each["KeyType"] == kind]
            for kind in ("HASH", "RANGE")
        )
        projected = index["Projection"]
        kind = projected["ProjectionType"]
        yield index["IndexName"], by, sort, projected["NonKeyAttributes"] if kind == "INCLUDE" else kind
