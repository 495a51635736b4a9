"""What is said of typed fields, bound to the model of the items that it is said of.

Knows a model's description and of which class a field is. Must not know what a condition, a change or a
selection is for. A path of text is taken as it is: only a field of a class says which model it means.
"""

from __future__ import annotations

from typing import Any

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.expressions import Condition
from dynamodb_wrapper.expressions.paths import FieldPath, field_paths
from dynamodb_wrapper.schema import TableSchema
from dynamodb_wrapper.wire.compiled import attribute_names


def condition_on(schema: TableSchema[Any], given: object) -> Condition | None:
    """A condition on items of a model, of this library's conditions or boto3's; None stays None.

    Raises:
        ValidationError: it is neither, or is on a field of another model.
    """
    if given is None:
        return None
    from dynamodb_wrapper.expressions import condition_of  # loads all of typed fields

    condition = condition_of(given)
    refuse_others(schema, condition, also="; what it does not know can be asked for with boto3's Attr({!r})")
    return condition


def refuse_others(schema: TableSchema[Any], given: object, also: str = "") -> None:
    """Refuse what names the field of another model than that of the items.

    The fields of its bases are its own. So are those of a class derived from it and of a view, as far as it
    has them.

    Parameters:
        schema: of the items; of several models together, where they are queried so.
        given: a condition, a change or a path.
        also: what the error ends with, `{!r}` in it standing for the attribute.

    Raises:
        ValidationError: names the field, its model and that of the items.
    """
    for path in field_paths(given):
        if not _is_own(schema, path):
            raise _of_another(schema, path, also)


def _is_own(schema: TableSchema[Any], path: FieldPath) -> bool:
    named: Any = path.model
    home = named.__pydantic_generic_metadata__["origin"] or named
    if any(home in model.__mro__ for model in schema.models):
        return True
    derived = any(model in named.__mro__ for model in schema.models)
    return path.attribute in schema.attributes and (derived or hasattr(named, "__dynamodb_view__"))


def _of_another(schema: TableSchema[Any], path: FieldPath, also: str) -> ValidationError:
    name, own, other = path.attribute, schema.model.__name__, path.model
    fields = {attribute: field for field, attribute in attribute_names(other).items()}
    field = f"{other.__name__}.{fields.get(name, name)}{str(path).removeprefix(name)}"
    has = f"an attribute {name!r} of its own" if name in schema.attributes else f"no attribute {name!r}"
    home = "another model" if other.__name__ != own else f"another class named {own}, such as an older one"
    return ValidationError(
        f"{own} has {has}: {field} is a field of {home}; use the fields of {own}{also.format(name)}",
        errors={name: ["a field of another model"]},
    )
