"""The index that a query lacks, as the text of a Meta.

Knows which attributes can be keys. Must not know plans: it is told which conditions an index serves already.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import BaseModel

from dynamodb_wrapper.expressions import AnyOf, BeginsWith, Between, Compare, Condition, In, Path
from dynamodb_wrapper.expressions.conditions import StoredBool
from dynamodb_wrapper.query.normal import parts_of
from dynamodb_wrapper.schema import Index, TableSchema
from dynamodb_wrapper.schema.annotations import plain_types
from dynamodb_wrapper.schema.compile import key_kind
from dynamodb_wrapper.wire.plain import stored_fields

Parts = tuple[Condition, ...]
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9]+")


def needed_indexes(schema: TableSchema[Any], parts: Parts, is_served: Callable[[Parts], bool]) -> str | None:
    """The `gsis` of a Meta with which the conditions need no scan; None where no index can help.

    Parameters:
        parts: the conditions in normal form that must all hold.
        is_served: whether the indexes that there are serve such conditions.
    """
    wanted = _wanted(schema, parts, is_served)
    if wanted is None:
        return None
    existing = [index for index in schema.indexes.values() if not index.local]
    names = {index.name for index in schema.indexes.values()}
    lines = [_entry(index) for index in existing]
    for partition, sort in dict.fromkeys(wanted):
        name = "By" + "And".join(_camel(key) for key in (partition, sort) if key is not None)
        while name in names:
            name += "2"
        names.add(name)
        lines.append(_entry(Index(name, (partition,), (sort,) if sort is not None else ())))
    return "\n".join(("        gsis = [", *(f"            {line}," for line in lines), "        ]"))


def always_there(schema: TableSchema[Any], attribute: str) -> bool:
    """Whether every item that this library writes has the attribute: its field cannot be None."""
    model: type[BaseModel] = schema.model
    for field in stored_fields(model):
        if field.attribute == attribute:
            kinds = plain_types(model.model_fields[field.name].annotation)
            return not field.excluded and not {type(None), Any}.intersection(kinds)
    return False


def _wanted(
    schema: TableSchema[Any], parts: Parts, is_served: Callable[[Parts], bool]
) -> list[tuple[str, str | None]] | None:
    valued = [name for part in parts for name in _keys_in(schema, part, _is_value)]
    if valued:
        ranges = [name for part in parts for name in _keys_in(schema, part, _is_range)]
        partition = next((name for name in valued if not _is_flag(schema, name)), valued[0])
        return [(partition, next((name for name in ranges if name != partition), None))]
    for at, part in enumerate(parts):
        if not isinstance(part, AnyOf):
            continue
        found: list[tuple[str, str | None]] = []
        for alternative in part.parts:
            inner = parts_of(alternative, schema.codec.encode_attribute)
            branch = (*parts[:at], *inner, *parts[at + 1 :])
            if is_served(branch):
                continue
            more = _wanted(schema, branch, is_served)
            if more is None:
                break
            found += more
        else:
            return found
    return None


def _keys_in(schema: TableSchema[Any], part: Condition, asks: Callable[[Condition], bool]) -> Iterable[str]:
    path = getattr(part, "path", None)
    if isinstance(path, Path) and path.is_whole and asks(part) and _can_be_key(schema, path.attribute):
        yield path.attribute


def _is_value(part: Condition) -> bool:
    if isinstance(part, Compare):
        return part.comparator == "=" and not isinstance(part.value, Path)
    if isinstance(part, In):
        return not any(isinstance(choice, Path) for choice in part.choices)
    return isinstance(part, StoredBool)


def _is_range(part: Condition) -> bool:
    if isinstance(part, Compare):
        return part.comparator not in ("=", "<>") and not isinstance(part.value, Path)
    if isinstance(part, Between):
        return not isinstance(part.low, Path) and not isinstance(part.high, Path)
    return isinstance(part, BeginsWith) and not isinstance(part.prefix, Path)


def _can_be_key(schema: TableSchema[Any], attribute: str) -> bool:
    kinds = {key_kind(annotation) for annotation in _annotations(schema, attribute)} - {None}
    return len(kinds) == 1 and kinds <= {"S", "N", "B"}


def _is_flag(schema: TableSchema[Any], attribute: str) -> bool:
    return bool in set(_annotations(schema, attribute))


def _annotations(schema: TableSchema[Any], attribute: str) -> Iterable[Any]:
    model: type[BaseModel] = schema.model
    for field in stored_fields(model):
        if field.attribute == attribute:
            yield from plain_types(model.model_fields[field.name].annotation)


def _entry(index: Index) -> str:
    arguments = [repr(index.name), _names(index.partition)]
    if index.sort:
        arguments.append(_names(index.sort))
    if index.projection != "ALL":
        projection = index.projection if isinstance(index.projection, str) else list(index.projection)
        arguments.append(f"projection={projection!r}")
    if index.shards is not None:
        arguments.append(f"shards={index.shards.count}")
    if index.filling:
        arguments.append("filling=True")
    if index.stored_as is not None:
        arguments.append(f"stored_as={index.stored_as!r}")
    return f"GSI({', '.join(arguments)})".replace("'", '"')


def _names(names: tuple[str, ...]) -> str:
    return repr(names[0] if len(names) == 1 else list(names))


def _camel(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in _NOT_A_NAME.split(name))
