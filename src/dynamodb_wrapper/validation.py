"""Problems with what a caller gave: how they are worded, and how pydantic's become this library's.

A leaf: knows pydantic's errors and `exceptions`; must not know settings, models or the service. A value that
was refused is never repeated by `from_pydantic`, because it may be a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from pydantic import BaseModel, ConfigDict
from pydantic import ValidationError as PydanticError
from pydantic_core import ErrorDetails, PydanticCustomError

from dynamodb_wrapper.exceptions import ValidationError

__all__ = [
    "NAIVE_DATETIME",
    "Checked",
    "did_you_mean",
    "from_pydantic",
    "invalid",
    "is_several",
    "not_several",
    "problem",
    "refuse_half",
    "several",
    "whole_number",
    "yes_or_no",
]

NAIVE_DATETIME = (
    "a datetime without a time zone is refused, because its zone would be a guess: give one that has a zone, "
    "such as datetime.now(timezone.utc), or name the zone with "
    "dynamodb_wrapper.timezones.ensure_timezone_aware(dt, 'Europe/Oslo')"
)


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """A closing remark such as `; did you mean 'region_name'?`, or nothing when no known name is near.

    Parameters:
        cutoff: how much alike a near name is, from 0 to 1; more where there are many names to be like.
    """
    from difflib import get_close_matches

    by_folded = {candidate.casefold(): candidate for candidate in known}
    near = get_close_matches(name.casefold(), by_folded, n=3, cutoff=cutoff)
    if not near:
        return ""
    letters = sorted(name.casefold())  # of equally near names, the one with letters swapped was meant
    return f"; did you mean {by_folded[max(near, key=lambda candidate: sorted(candidate) == letters)]!r}?"


def problem(text: str) -> PydanticCustomError:
    """What a pydantic validator raises to refuse a value with exactly this text."""
    return PydanticCustomError("refused", "{text}", {"text": text})


def invalid(what: str, errors: Mapping[str, Sequence[str]]) -> ValidationError:
    """An error that says of `what` (a class, or an operation) which fields are wrong and why."""
    told = "; ".join(f"{name}: {text}" if name else text for name, texts in errors.items() for text in texts)
    return ValidationError(f"{what} is not valid: {told}", context={"model": what}, errors=errors)


def refuse_half(what: str, given: Mapping[str, object], pair: Sequence[str]) -> None:
    """Refuse one of two arguments of `what` that only mean something together.

    Raises:
        ValidationError: one of the pair was given and the other left out.
    """
    for half, other in (pair, pair[::-1]):
        if given.get(half) and other not in given:
            raise invalid(what, {other: [f"is missing beside {half}: give both, or neither"]})


def whole_number(name: str, given: object, most: int | None = None, otherwise: str = "") -> int:
    """What was given, if it is a whole number from 1 on.

    Parameters:
        name: the argument.
        given: its value.
        most: the highest number that is allowed.
        otherwise: what the error says after the numbers, such as ", or None for all items".

    Raises:
        ValidationError: it is none; True and False are none either.
    """
    if isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= (most or given):
        return given
    allowed = f"a whole number from 1 {'on' if most is None else f'to {most:,}'}{otherwise}"
    raise ValidationError(f"{name} is {given!r}: give {allowed}", errors={name: [allowed]})


def yes_or_no(name: str, given: object, meaning: str) -> bool:
    """What was given, if it is True or False.

    Parameters:
        name: the argument.
        meaning: what to give, such as "True for ascending, False for descending".

    Raises:
        ValidationError: it is another value, whose truth could be other than what was meant.
    """
    if isinstance(given, bool):
        return given
    raise ValidationError(f"{name} is {given!r}: give {meaning}", errors={name: [meaning]})


def is_several(given: object) -> bool:
    """Whether it is a list of things of whatever kind, and not one thing that may be iterated over."""
    return isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping | BaseModel)


def several(name: str, given: Any, what: str, one: str = "") -> Iterable[Any]:
    """What was given, if it is several of something.

    Parameters:
        name: the argument.
        what: what it is several of, in one word such as "key".
        one: how one of them is written, for the error.

    Raises:
        ValidationError: it is one, or none at all.
    """
    if is_several(given):
        return given  # type: ignore[no-any-return]
    raise not_several(name, what, one)


def not_several(name: str, what: str, one: str = "") -> ValidationError:
    """The error for one of something in place of several; parameters as for `several`."""
    mend = f"give a list, as in {name}=[{one or what}]"
    return ValidationError(f"{name} is one {what}: {mend}", errors={name: [mend]})


def from_pydantic(error: PydanticError, what: str, known: Iterable[str] = ()) -> ValidationError:
    """This library's error for pydantic's, without the refused values.

    Parameters:
        error: what pydantic raised.
        what: what was being validated, such as the name of the class.
        known: the fields it has, to suggest one for a misspelt name.

    Returns:
        The error to raise. Its `errors` are keyed by field; a value inside a field has a dotted path, such as
        `stages.0.status`; what concerns the whole input has the key "".
    """
    errors: dict[str, list[str]] = {}
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        field = ".".join(str(step) for step in detail["loc"])
        errors.setdefault(field, []).append(_text(detail, known))
    return invalid(what, errors)


class Checked(BaseModel):
    """A pydantic model whose `model_validate...` raise this library's error; so must its `__init__`."""

    model_config = ConfigDict(defer_build=True)  # building loads pydantic's plugins

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """As pydantic's, but it raises this library's `ValidationError`."""
        try:
            return super().model_validate(obj, **options)
        except PydanticError as error:
            raise from_pydantic(error, cls.__name__, cls.model_fields) from None

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """As pydantic's, but it raises this library's `ValidationError`."""
        try:
            return super().model_validate_json(json_data, **options)
        except PydanticError as error:
            raise from_pydantic(error, cls.__name__, cls.model_fields) from None


def _text(detail: ErrorDetails, known: Iterable[str]) -> str:
    match detail["type"]:
        case "extra_forbidden":
            nested = len(detail["loc"]) > 1
            return "there is no such field" + ("" if nested else did_you_mean(str(detail["loc"][-1]), known))
        case "missing":
            return "is required"
        case "timezone_aware":
            return NAIVE_DATETIME
        case _:
            return detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
