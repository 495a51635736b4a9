"""The check of a change of a few fields, by the same limits and rules as a whole input.

Knows how a DTO's fields and rules apply to a part of them; must not know how a change is written.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, create_model
from pydantic import ValidationError as PydanticError

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models.base import Dto, DynamoDBModel, refuse_bare_number
from dynamodb_wrapper.models.rules import breaches
from dynamodb_wrapper.schema.annotations import plain_types
from dynamodb_wrapper.validation import did_you_mean, from_pydantic, invalid

__all__ = ["validate_update"]


def validate_update(
    dto: type[Dto],
    model: type[DynamoDBModel],
    current: DynamoDBModel | Mapping[str, Any],
    changes: Mapping[str, Any],
    *,
    keys: Collection[str] = (),
) -> dict[str, Any]:
    """The changed fields with their values as the model has them.

    A field of the DTO obeys the DTO's limits; one that only the model has, such as a statistic, obeys the
    model's type. Rules over several fields are asked about the state after the change, but only those that
    look at a changed field: what was stored before a rule was made does not stand in the way of other
    changes.

    Parameters:
        dto: the input class of the domain.
        model: what the domain stores.
        current: the stored state: a model, or the values of its fields; only those that the DTO's rules look
            at are needed.
        changes: the new values of the fields to change; None is a value like any other.
        keys: the attributes of the key, which cannot be changed.

    Returns:
        `changes`, validated and in their order, and after them what now follows from them (`Dto.implied`).

    Raises:
        ValidationError: `errors` has by field what is wrong, also for an unknown field or one of the key.
    """
    errors: dict[str, list[str]] = {}
    values: dict[str, Any] = {}
    for source in (dto, model):
        part = {
            name: value
            for name, value in changes.items()
            if name not in keys
            and name in source.model_fields
            and (source is dto or name not in dto.model_fields)
        }
        try:
            values |= _part_of(source, part)
        except ValidationError as error:
            errors |= error.errors
    errors |= _misnamed(dto, model, changes, keys)

    before = {name: _value(current, name) for name in dto.model_fields}
    after = before | values
    followed_already = dto.implied(before)
    implied = {name: value for name, value in dto.implied(after).items() if name not in followed_already}
    errors = errors or breaches(dto.rules, after | implied, among=values.keys() | implied.keys())
    if errors:
        raise invalid(f"the update of {model.__name__}", errors)
    return {name: values[name] for name in changes} | implied


def _misnamed(
    dto: type[Dto], model: type[DynamoDBModel], changes: Mapping[str, Any], keys: Collection[str]
) -> dict[str, list[str]]:
    known = [name for name in {**dto.model_fields, **model.model_fields} if name not in keys]
    errors = {}
    for name in changes:
        if name in keys:
            errors[name] = ["is part of the key, which cannot be changed: create a new item instead"]
        elif name not in known:
            errors[name] = [f"there is no such field{did_you_mean(name, known)}"]
    return errors


def _value(state: DynamoDBModel | Mapping[str, Any], name: str) -> Any:
    return state.get(name) if isinstance(state, Mapping) else getattr(state, name, None)


def _part_of(source: type[BaseModel], part: Mapping[str, Any]) -> dict[str, Any]:
    try:
        valid = _partial(source)(**part)
    except PydanticError as error:
        raise from_pydantic(error, source.__name__) from None
    return {name: getattr(valid, name) for name in part}


class _Change(Dto):
    """A DTO of which any part may be given; rules over several fields are asked later, about the whole."""

    rules = ()

    @classmethod
    def implied(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        return {}


@lru_cache(maxsize=256)
def _partial(source: type[BaseModel]) -> type[BaseModel]:
    """The same class with every field optional."""
    fields: dict[str, Any] = {
        name: Annotated[(info.annotation, *info.metadata, *_given(info.annotation), Field(default=None))]
        for name, info in source.model_fields.items()
    }
    bases: Any = (_Change, source) if issubclass(source, Dto) else source
    return create_model(source.__name__, __base__=bases, **fields)


def _given(annotation: Any) -> list[BeforeValidator]:
    """What a caller may not give for such a field, although stored items may have it."""
    return [BeforeValidator(refuse_bare_number)] if datetime in plain_types(annotation) else []
