"""Marking a field to be encrypted: `Encrypted[str]`, to pydantic and to type checkers a `str`.

Knows annotations. Must not know Meta nor how encryption is done, so that a file with models needs no plugin.

    class Patient(DynamoDBModel):
        patient_id: str
        diagnosis: Encrypted[str]
        email: Annotated[Encrypted[str | None], BlindIndex()] = None    # can be searched by equality
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Final, NoReturn, TypeVar, Union, get_args, get_origin

from msgspec import Struct
from pydantic import BaseModel
from pydantic.fields import FieldInfo

T = TypeVar("T")
SUFFIX: Final = "_bidx"


class EncryptedMark(Struct, frozen=True):
    """Says in an annotation that the attribute is stored encrypted."""


class BlindIndex(Struct, frozen=True):
    """Says in the annotation of an encrypted field that it can be found by equality.

    A truncated HMAC of the value stands in an attribute of its own, which may be a key of a global index.
    Whoever reads the table sees which items have the same value, and nothing more of it.

    Parameters:
        attribute: the name of that attribute; the field's with `_bidx` behind it where none is given.
    """

    attribute: str | None = None


Encrypted = Annotated[T, EncryptedMark()]
"""A field whose attribute is stored encrypted: `Encrypted[str]` is a `str` for all but the table."""


def encrypted_attributes(
    fields: Mapping[str, FieldInfo], fail: Callable[[str], NoReturn]
) -> dict[str, str | None]:
    """The marked attributes, each with the attribute of its blind index or None.

    Parameters:
        fields: a model's fields by attribute.
        fail: told what is wrong and how to mend it; raises.
    """
    found: dict[str, str | None] = {}
    for name, field in fields.items():
        index = blind_index(field)
        if is_marked_inside(field.annotation):
            fail(f"something inside of {name} is Encrypted: mark the field as a whole, or nothing of it")
        if is_encrypted(field):
            found[name] = None if index is None else index.attribute or f"{name}{SUFFIX}"
        elif index is not None:
            fail(f"{name} has a BlindIndex and is not encrypted: make it Encrypted too, or take that off")
    names = [name for name in found.values() if name is not None]
    for name in names:
        if name in fields or names.count(name) > 1:
            fail(f"the blind index {name!r} has the name of another attribute: give it one of its own")
    return found


def is_encrypted(field: FieldInfo) -> bool:
    """Whether a field of a model is marked as a whole."""
    return any(isinstance(each, EncryptedMark) for each in _marks(field))


def blind_index(field: FieldInfo) -> BlindIndex | None:
    """The blind index that a field of a model asks for."""
    return next((each for each in _marks(field) if isinstance(each, BlindIndex)), None)


def is_marked_inside(annotation: Any) -> bool:
    """Whether something inside of a field's values is marked, so that the attribute as a whole is not."""
    return any(_has_mark(part, set()) for layer in _plain_layers(annotation) for part in _parts(layer))


def _marks(field: FieldInfo) -> Iterator[Any]:
    yield from field.metadata
    yield from _marks_of(field.annotation)


def _marks_of(annotation: Any) -> Iterator[Any]:
    for part in _layers(annotation):
        yield from getattr(part, "__metadata__", ())


def _layers(annotation: Any) -> Iterator[Any]:
    """The annotation and what it wraps without putting it inside of something."""
    yield annotation
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _layers(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _layers(member)
    elif (aliased := getattr(annotation, "__value__", None)) is not None:  # `type Name = ...`
        yield from _layers(aliased)


def _plain_layers(annotation: Any) -> Iterator[Any]:
    """The layers that hold something themselves: lists, maps, models and plain types."""
    for layer in _layers(annotation):
        if get_origin(layer) not in (Annotated, Union, types.UnionType):
            yield layer


def _parts(layer: Any) -> Iterator[Any]:
    """What stands inside of a layer: the arguments of lists and maps, and the fields of models."""
    yield from get_args(layer)
    if isinstance(layer, type) and issubclass(layer, BaseModel):
        for field in layer.model_fields.values():
            yield Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation


def _has_mark(annotation: Any, seen: set[Any]) -> bool:
    """Whether it is marked, or something inside; `seen` are the classes and aliases that it stands in."""
    if any(isinstance(each, EncryptedMark) for each in _marks_of(annotation)):
        return True
    for layer in _plain_layers(annotation):
        if isinstance(layer, type) or hasattr(layer, "__value__"):
            if layer in seen:
                continue
            seen.add(layer)
        if any(_has_mark(part, seen) for part in _parts(layer)):
            return True
    return False
