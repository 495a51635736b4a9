"""What a model's annotations say of a place in an item: what it holds, what is inside, how a value is stored.

Knows pydantic's fields, dataclasses and typed dicts, and which codec encodes a value. Must not know Meta, nor
how a place is compared or changed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence, Set
from decimal import Decimal
from enum import Enum
from functools import lru_cache, reduce
from operator import or_
from typing import (
    Any,
    ForwardRef,
    Literal,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from msgspec import Struct
from pydantic import BaseModel, create_model

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.schema.annotations import plain_types
from dynamodb_wrapper.validation import did_you_mean
from dynamodb_wrapper.wire.compiled import Codec
from dynamodb_wrapper.wire.plain import attribute_name, is_root_model, stored_fields
from dynamodb_wrapper.wire.values import WireValue, encode_value

_NUMBERS = (int, float, Decimal)


class Place(Struct, frozen=True):
    """What a place holds.

    Parameters:
        annotation: the type of its values.
        owner: the model whose field it is; None for an element of a list, set or map.
        name: the field's name.
        attribute: the name that the field is stored under; None where it is its parent (`RootModel.root`).
    """

    annotation: Any
    owner: type[BaseModel] | None = None
    name: str = ""
    attribute: str | None = None

    def holds(self, *types: type) -> bool:
        """Whether a value there can be of one of the types."""
        kinds = plain_types(self.annotation)
        return any(isinstance(kind, type) and issubclass(kind, types) for kind in kinds)

    @property
    def is_anything(self) -> bool:
        """Whether the annotation says nothing."""
        return any(map(_says_nothing, plain_types(self.annotation)))

    @property
    def is_number(self) -> bool:
        """Whether numbers may stand there."""
        return self.is_anything or self.holds(*_NUMBERS)

    @property
    def default(self) -> Any:
        """What reading gives where nothing is stored, if that is a number; else None."""
        field = self.owner.model_fields[self.name] if self.owner is not None else None
        default = field.default if field is not None else None
        return default if isinstance(default, _NUMBERS) and not isinstance(default, bool) else None

    @property
    def is_required(self) -> bool:
        """Whether an item without it cannot be read."""
        return self.owner is not None and self.owner.model_fields[self.name].is_required()

    @property
    def empty_is_nothing(self) -> bool:
        """Whether an empty set may be stored there as nothing."""
        fields = () if self.owner is None else stored_fields(self.owner)
        return any(field.name == self.name and field.empty_where_absent for field in fields)

    def wire(self, value: object, where: str, *, constraints: bool = False) -> WireValue:
        """A value as it is stored there.

        Parameters:
            where: the path, for messages.
            constraints: whether the field's limits and validators must hold of it, as for a value to store.

        Raises:
            ValidationError: it is not of that type, or cannot be stored.
        """
        if self.owner is not None and self.attribute is not None:
            codec, name = codec_of(self.owner), self.attribute
        elif self.is_anything:
            return encode_value(value, where)
        else:
            codec, name = _element_codec(self.annotation), "value"
        try:
            return codec.encode_attribute(name, value, constraints=constraints)
        except ValidationError as error:
            told = [text for texts in error.errors.values() for text in texts] or [error.message]
            raise ValidationError(
                f"{value!r} does not fit {where}: {'; '.join(told)}", error, errors={where: told}
            ) from error

    def field(self, name: str) -> Place | None:
        """The place of a field of what is here; None where there is none, or several of different names."""
        found = [place for kind in plain_types(self.annotation) for place in _fields_named(kind, name)]
        if len({place.attribute for place in found}) != 1:
            return None
        return found[0] if len(found) == 1 else Place(_any_of(found), attribute=found[0].attribute)

    def field_names(self) -> list[str]:
        """The fields of what is here, to suggest one."""
        kinds = [kind for kind in plain_types(self.annotation) if isinstance(kind, type)]
        names = [list(getattr(kind, "__pydantic_fields__", ())) for kind in kinds]
        return [name for each in names for name in each]

    def element(self, step: str | int) -> Place | None:
        """The place of a list's element or a map's entry; None where the annotation has none."""
        found = [element for kind in plain_types(self.annotation) for element in _elements_at(kind, step)]
        return Place(_any_of(found)) if found else None

    def member(self) -> Place:
        """The place of any element of a list or set, as its values are stored."""
        found = [
            Place(get_args(kind)[0] if get_args(kind) else Any)
            for kind in plain_types(self.annotation)
            if _is_a(kind, Set, Sequence) and not _is_a(kind, str, bytes)
        ]
        return Place(_any_of(found) if found else Any)


def field_place(model: type[BaseModel], name: str) -> Place | None:
    """The place of a model's field; None where there is no such field.

    Raises:
        AttributeError: the field is not stored.
    """
    field = model.model_fields.get(name)
    if field is None:
        return None
    if _is_open(field.annotation):
        model.model_rebuild(raise_errors=False)
        field = model.model_fields[name]
    if field.exclude is True:
        raise AttributeError(f"{model.__name__}.{name} is not stored (exclude=True): nothing can be asked")
    attribute = None if is_root_model(model) else attribute_name(name, field)
    return Place(field.annotation, model, name, attribute)


@lru_cache(maxsize=256)
def codec_of(model: type[BaseModel]) -> Codec[BaseModel]:
    """The codec of a model wherever it is nested."""
    return Codec(model)


def remark(name: str, place: Place) -> str:
    """A closing remark on a name that is not there: another is meant, or the type is not known yet."""
    if _is_open(place.annotation):
        return f": its type {place.annotation} is not known yet; define it, or call model_rebuild()"
    return did_you_mean(name, place.field_names())


def _element_codec(annotation: Any) -> Codec[BaseModel]:
    try:
        return _kept_element_codec(annotation)
    except TypeError:  # it cannot be hashed, such as one annotated with a list
        return _made_element_codec(annotation)


def _made_element_codec(annotation: Any) -> Codec[BaseModel]:
    return Codec(create_model("Element", value=(annotation, ...)))


_kept_element_codec = lru_cache(maxsize=256)(_made_element_codec)


def _fields_named(kind: Any, name: str) -> Iterator[Place]:
    if not isinstance(kind, type):
        return
    if issubclass(kind, BaseModel):
        place = field_place(kind, name)
        if place is not None:
            yield place
    elif dataclasses.is_dataclass(kind) and name in {field.name for field in dataclasses.fields(kind)}:
        described = getattr(kind, "__pydantic_fields__", {})
        attribute = attribute_name(name, described[name]) if name in described else name
        yield Place(get_type_hints(kind, include_extras=True)[name], attribute=attribute)


def _elements_at(kind: Any, step: str | int) -> Iterator[Place]:
    args = get_args(kind)
    if _says_nothing(kind):
        yield Place(Any)
    elif isinstance(step, str):
        if hasattr(kind, "__required_keys__"):  # a TypedDict, of whichever module
            hints = get_type_hints(kind)
            if step in hints:
                yield Place(hints[step])
        elif _is_a(kind, Mapping):
            yield Place(args[1] if len(args) == 2 else Any)
    elif _is_a(kind, tuple):
        if len(args) == 2 and args[1] is ...:
            yield Place(args[0])
        elif not args or step < len(args):
            yield Place(args[step] if args else Any)
    elif _is_a(kind, Sequence) and not _is_a(kind, str, bytes):
        yield Place(args[0] if args else Any)


def _says_nothing(kind: Any) -> bool:
    return kind is Any or kind is object or isinstance(kind, TypeVar)


def _is_a(kind: Any, *bases: type) -> bool:
    origin = get_origin(kind) or kind
    return isinstance(origin, type) and issubclass(origin, bases)


def _any_of(places: Sequence[Place]) -> Any:
    annotations = tuple(place.annotation for place in places)
    return annotations[0] if len(annotations) == 1 else reduce(or_, annotations)


def _is_open(annotation: Any) -> bool:
    """Whether a name in it is not known yet."""
    if isinstance(annotation, (str, ForwardRef)):
        return True
    return get_origin(annotation) is not Literal and any(map(_is_open, get_args(annotation)))


def step_of(step: object) -> str | int:
    """What stands in brackets, as a step of a path; an enum's member is its value.

    Raises:
        TypeError: no place can be named so.
    """
    plain = step.value if isinstance(step, Enum) else step
    if isinstance(plain, int) and not isinstance(plain, bool) and plain < 0:
        raise TypeError(f"[{plain}] counts from the end, which DynamoDB cannot: give the position from 0")
    if isinstance(plain, bool) or not isinstance(plain, (str, int)):
        raise TypeError(f"[{step!r}] names no place: give an element's position from 0, or the key of a map")
    return plain
