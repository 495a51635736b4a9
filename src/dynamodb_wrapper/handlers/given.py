"""Arguments as callers give them: of the shape that a method takes, or refused by the parameter's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.validation import is_several


def mapping(parameter: str, given: object, such_as: str) -> Mapping[str, Any]:
    """The same, if it is a mapping.

    Parameters:
        parameter: the name of the parameter that it came in.
        such_as: an example, for the error.

    Raises:
        ValidationError: it is none.
    """
    if isinstance(given, Mapping):
        return given
    mend = f"give a mapping such as {such_as}"
    if isinstance(given, BaseModel):
        mend += f", not a {type(given).__name__}; model_dump(exclude_unset=True) makes one of it"
    raise refused(parameter, given, mend)


def listed(parameter: str, given: Any, what: str) -> list[Any]:
    """The elements of a list, of whatever kind of iterable it is.

    Parameters:
        parameter: the name of the parameter that it came in.
        what: what it is a list of, for the error.

    Raises:
        ValidationError: it is no list; a text and a mapping are none, although they may be iterated over.
    """
    if is_several(given):
        return list(given)
    raise refused(parameter, given, f"give a list of {what}")


def refused(parameter: str, given: object, mend: str) -> ValidationError:
    """The error for an argument of the wrong shape."""
    shown = f"the text {given!r}" if isinstance(given, str) else None if given is None else type(given)
    if isinstance(shown, type):
        shown = f"a {shown.__name__}" if not isinstance(given, type) else f"the class {given.__name__}"
    return ValidationError(f"{parameter} is {shown}: {mend}", errors={parameter: [mend]})
