"""Whether pydantic would take what the compiled decoder makes of an item exactly as it is.

Knows pydantic-core's schemas and shapes. Must not know the wire form. The decoder's wire types refuse what is
not of a field's class; a schema that asks for no more than those classes would check them a second time and
change nothing. Only schemas made of the parts that are listed here count: a validator, a constraint, a hook
of the class, strictness or anything unknown means that pydantic is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias

from pydantic import BaseModel
from pydantic_core import SchemaValidator

from dynamodb_wrapper.wire.shapes import FieldShape, ListOf, MapOf, ModelOf, Opaque, Scalar, Shape

Node: TypeAlias = Mapping[str, Any]

_NAMES: dict[type, str] = {
    str: "str",
    int: "int",
    float: "float",
    Decimal: "decimal",
    bool: "bool",
    bytes: "bytes",
    datetime: "datetime",
}
_NEUTRAL = {"type", "ref", "metadata", "serialization"}
_MEMBERS: dict[str, set[str]] = {
    "any": set(),
    "bool": set(),
    "bytes": set(),
    "datetime": {"microseconds_precision", "tz_constraint"},
    "decimal": set(),
    "default": {"schema", "default", "default_factory", "default_factory_takes_data", "copy_default"},
    "definition-ref": {"schema_ref"},
    "definitions": {"schema", "definitions"},
    "dict": {"keys_schema", "values_schema"},
    "enum": {"cls", "members", "sub_type"},
    "float": set(),
    "int": set(),
    "list": {"items_schema"},
    "model": {"cls", "schema", "config", "custom_init", "root_model", "frozen", "generic_origin"},
    "model-field": {
        "schema",
        "validation_alias",
        "serialization_alias",
        "serialization_exclude",
        "frozen",
    },
    "model-fields": {"fields", "model_name", "computed_fields", "extra_behavior"},
    "nullable": {"schema"},
    "str": set(),
}
_CONFIG = {"title", "hide_input_in_errors", "loc_by_alias", "extra_fields_behavior", "frozen"}


def takes_as_they_are(model: type[BaseModel], fields: tuple[FieldShape, ...]) -> bool:
    """Whether values of these shapes are what the model's validation would make of them.

    Parameters:
        model: a complete model; a plugin of pydantic's that watches its validation counts as a validator.
        fields: its fields, as the decoder is compiled from them.
    """
    validator: Any = model.__pydantic_validator__
    if type(validator) is not SchemaValidator:
        return False
    schema: Any = model.__pydantic_core_schema__
    definitions = {}
    if schema["type"] == "definitions":
        definitions = {each["ref"]: each for each in schema["definitions"]}
        schema = schema["schema"]
    return _Agreement(definitions).model(schema, model, fields)


class _Agreement:
    """Compares a schema with shapes."""

    def __init__(self, definitions: Mapping[str, Node]) -> None:
        self._definitions = definitions

    def model(self, node: Node, model: type[BaseModel], fields: tuple[FieldShape, ...]) -> bool:
        """Whether a model's schema agrees with the shapes of its fields."""
        node = self._resolved(node)
        if not (_is_plain(node, "model") and node["cls"] is model):
            return False
        config = node.get("config", {})
        if node.get("custom_init") or node.get("root_model") or not config.keys() <= _CONFIG:
            return False
        content = node["schema"]
        if not _is_plain(content, "model-fields") or content.get("extra_behavior") == "allow":
            return False
        return config.get("extra_fields_behavior") != "allow" and all(
            self._field(content["fields"].get(field.stored.name), field) for field in fields
        )

    def _field(self, node: Node | None, field: FieldShape) -> bool:
        if node is None or not _is_plain(node, "model-field"):
            return False
        if node.get("validation_alias", field.stored.name) != field.stored.attribute:
            return False
        inner = self._resolved(node["schema"])
        if inner["type"] == "default":
            if not _is_plain(inner, "default") or inner.get("default_factory_takes_data"):
                return False
            inner = inner["schema"]
        return self._shape(inner, field.shape)

    def _shape(self, node: Node, shape: Shape) -> bool:
        node = self._resolved(node)
        if node["type"] == "nullable" and _is_plain(node, "nullable"):
            node = self._resolved(node["schema"])
        elif shape.null and node["type"] != "any":
            return False
        match shape:
            case Scalar(python=python) if issubclass(python, Enum):
                return _is_plain(node, "enum") and node["cls"] is python
            case Scalar(python=python):
                aware = node.get("tz_constraint", "aware") == "aware"
                return aware and python in _NAMES and _is_plain(node, _NAMES[python])
            case ListOf(element=element):
                return _is_plain(node, "list") and self._shape(node.get("items_schema", _ANY), element)
            case MapOf(element=element):
                return (
                    _is_plain(node, "dict")
                    and _is_plain(node.get("keys_schema", _TEXT), "str")
                    and self._shape(node.get("values_schema", _ANY), element)
                )
            case ModelOf(model=model, fields=fields):
                return self.model(node, model, fields)
            case Opaque():
                return _is_plain(node, "any")

    def _resolved(self, node: Node) -> Node:
        while node["type"] == "definition-ref":
            node = self._definitions[node["schema_ref"]]
        return node


_ANY: Node = {"type": "any"}
_TEXT: Node = {"type": "str"}


def _is_plain(node: Node, kind: str) -> bool:
    """Whether a node is of that kind and says nothing that is not known here."""
    return node["type"] == kind and node.keys() <= _MEMBERS[kind] | _NEUTRAL
