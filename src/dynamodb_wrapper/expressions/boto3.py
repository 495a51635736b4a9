"""boto3's conditions (`Attr("x").eq(1)`, `Key("x").begins_with("a")`) read as this library's own.

Knows the shape of boto3's condition objects, by duck typing: boto3 need not be installed. Must not
know models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import conditions as own
from dynamodb_wrapper.expressions.fields import TypedField, truth_of
from dynamodb_wrapper.expressions.paths import Path


def condition_of(given: object, *, exactly: bool = False) -> own.Condition | None:
    """A condition from this library's own or from boto3's; None stays None.

    Parameters:
        exactly: whether boto3's mean a boolean that is stored as BOOL only, as boto3 itself does, and not
            also the text that keys and older versions have for it.

    Raises:
        ValidationError: it is neither.
    """
    if given is None or isinstance(given, own.Condition):
        return given
    if isinstance(given, bool):
        raise own.not_a_condition(given)
    if isinstance(given, TypedField):
        return truth_of(given)
    if not hasattr(given, "get_expression"):
        raise ValidationError(
            f"a condition was expected, not {type(given).__name__}: use boto3's Attr(...) or Key(...), "
            "or the conditions of dynamodb_wrapper.expressions"
        )
    boto3s: Any = given
    expression: Mapping[str, Any] = boto3s.get_expression()
    operator, values = expression["operator"], expression["values"]
    if operator in _JOINS:
        parts = (condition_of(value, exactly=exactly) for value in _in_a_row(operator, values))
        return _JOINS[operator](*parts)
    if type(values[0]).__name__ == "Size":
        return _size(values[0], operator, [_operand(value) for value in values[1:]])
    if operator not in _SIMPLE:
        raise ValidationError(f"boto3's condition {operator!r} is not known here")
    known = _SIMPLE if exactly else {**_SIMPLE, **_OF_EITHER_FORM}
    return known[operator](Path.of(values[0].name), *map(_operand, values[1:]))


def _in_a_row(operator: str, values: Sequence[Any]) -> list[Any]:
    """The parts of `a | b | c | ...`, which boto3 nests to the left, however many there are."""
    first, last = values[0], list(values[1:])
    while operator != "NOT" and hasattr(first, "get_expression"):
        inner = first.get_expression()
        if inner["operator"] != operator:
            break
        first, second = inner["values"]
        last.append(second)
    return [first, *reversed(last)]


def _compare(comparator: own.Comparator) -> Callable[[Path, object], own.Condition]:
    return lambda path, value: own.Compare(path, comparator, value)


def _equal(path: Path, value: object) -> own.Condition:
    return own.equals(path, value) if isinstance(value, bool) else own.Compare(path, "=", value)


def _unequal(path: Path, value: object) -> own.Condition:
    return own.Not(own.equals(path, value)) if isinstance(value, bool) else own.Compare(path, "<>", value)


def _in(path: Path, choices: Sequence[object]) -> own.Condition:
    if not any(isinstance(choice, bool) for choice in choices):
        return own.In(path, tuple(choices))
    return own.any_equal(path, [_equal(path, choice) for choice in choices])


def _operand(value: Any) -> Any:
    """A value, or the path that boto3's `Attr` in its place means."""
    if isinstance(value, list | tuple):
        return [_operand(element) for element in value]
    if type(value).__name__ == "Size":
        raise ValidationError("a size can stand on the left of a comparison only: Attr(...).size().gt(...)")
    return Path.of(value.name) if type(value).__name__ in ("Attr", "Key") else value


def _size(size: Any, operator: str, operands: list[Any]) -> own.Condition:
    path = Path.of(size.get_expression()["values"][0].name)
    if operator == "BETWEEN":
        return own.AllOf((own.Size(path, ">=", operands[0]), own.Size(path, "<=", operands[1])))
    if operator not in ("=", "<>", "<", "<=", ">", ">="):
        raise ValidationError(
            f"the size of {path} cannot be asked for with {operator!r}: compare it with a number"
        )
    return own.Size(path, operator, operands[0])  # type: ignore[arg-type]  # one of the comparators above


_JOINS: Mapping[str, Callable[..., own.Condition]] = {
    "AND": lambda *parts: own.AllOf(parts),
    "OR": lambda *parts: own.AnyOf(parts),
    "NOT": own.Not,
}
_SIMPLE: Mapping[str, Callable[..., own.Condition]] = {
    "=": _compare("="),
    "<>": _compare("<>"),
    "<": _compare("<"),
    "<=": _compare("<="),
    ">": _compare(">"),
    ">=": _compare(">="),
    "BETWEEN": own.Between,
    "IN": lambda path, choices: own.In(path, tuple(choices)),
    "begins_with": own.BeginsWith,
    "contains": own.Contains,
    "attribute_exists": own.Exists,
    "attribute_not_exists": own.Missing,
    "attribute_type": own.AttributeType,
}
_OF_EITHER_FORM: Mapping[str, Callable[..., own.Condition]] = {"=": _equal, "<>": _unequal, "IN": _in}
