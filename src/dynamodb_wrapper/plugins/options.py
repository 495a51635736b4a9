"""What the options of plugins must be, and what is said of those that are not.

Knows types and ranges. Must not know what an option is for. A check gives what is wrong, or None:

    refuse_wrong("Limit", units=positive(units), tables=names(tables))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import Any, TypeAlias

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.validation import invalid

Problem: TypeAlias = str | None


def refuse_wrong(plugin: str, problems: Mapping[str, Problem] | None = None, /, **more: Problem) -> None:
    """Refuse options with a problem.

    Parameters:
        plugin: the name of its class.
        problems: by option, for those whose names are no names of Python.

    Raises:
        ValidationError: names the plugin, each option, what it is, and what to give.
    """
    found = {**(problems or {}), **more}
    errors = {name: [problem] for name, problem in found.items() if problem is not None}
    if errors:
        raise invalid(plugin, errors)


def positive(value: object) -> Problem:
    """For a number above 0."""
    return None if _number(value) > 0 else f"is {value!r}; give a number above 0"


def not_negative(value: object) -> Problem:
    """For a number that is 0 or more."""
    return None if _number(value) >= 0 else f"is {value!r}; give a number, 0 or more"


def whole(value: object) -> Problem:
    """For a whole number above 0."""
    if isinstance(value, int) and _number(value) > 0:
        return None
    return f"is {value!r}; give a whole number above 0"


def unset_or(check: Callable[[object], Problem], value: object) -> Problem:
    """For what may be None."""
    return None if value is None else check(value)


def names(value: object) -> Problem:
    """For a collection of texts; a single text is none, though Python would take it for its letters."""
    if not isinstance(value, str) and isinstance(value, Iterable) and all(isinstance(e, str) for e in value):
        return None
    return f"is {value!r}; give a list of names, such as ['orders']"


def instance(value: object, kind: type[Any], mend: str) -> Problem:
    """For an object of a class; the value is not shown, because it may be a secret."""
    return None if isinstance(value, kind) else f"is of type {type(value).__name__}; {mend}"


def missing_extra(who: str, package: str, extra: str, error: ImportError) -> ValidationError:
    """The error for a package that is not installed."""
    return ValidationError(f"{who} needs {package}: pip install 'dynamodb-wrapper[{extra}]'", error)


def _number(value: object) -> float:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return value if usable and isinstance(value, int | float) else -1.0
