"""Validation of one field's value alone: its type, or all that the model demands of it.

Knows pydantic's models and their core schemas; must not know the wire form.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter
from pydantic_core import SchemaValidator, core_schema

from dynamodb_wrapper.wire.plain import StoredField


class FieldCheck:
    """Validates values of one field.

    Parameters:
        model: a complete model.
        stored: the field.
    """

    def __init__(self, model: type[BaseModel], stored: StoredField) -> None:
        self._model = model
        self._stored = stored

    @cached_property
    def _type(self) -> TypeAdapter[Any]:
        annotation: Any = self._model.model_fields[self._stored.name].annotation
        return TypeAdapter(annotation)

    @cached_property
    def _constrained(self) -> TypeAdapter[Any]:
        field = self._model.model_fields[self._stored.name]
        annotation: Any = field.annotation
        for metadata in field.metadata:
            annotation = Annotated[annotation, metadata]
        return TypeAdapter(annotation)

    @cached_property
    def _full(self) -> SchemaValidator | None:
        return _field_validator(self._model, self._stored.name)

    def of_type(self, value: Any) -> Any:
        """The value as the field's type has it; the field's own constraints need not hold.

        Raises:
            pydantic.ValidationError: it is not of that type.
        """
        return self._type.validate_python(value, strict=False)

    def to_be_stored(self, value: Any) -> Any:
        """The value as the model takes it; a validator that needs other fields as well is passed over.

        Raises:
            pydantic.ValidationError: the model does not take it.
        """
        if self._full is not None:
            with suppress(KeyError):  # the validator asks for another field's value
                values, _, _ = self._full.validate_python({self._stored.attribute: value}, strict=False)
                return values[self._stored.name]
        return self._constrained.validate_python(value, strict=False)


def _field_validator(model: type[BaseModel], name: str) -> SchemaValidator | None:
    """A validator of a model that has this field only, with all the validators that the field has there.

    None for a model whose core schema is its own and has no fields.
    """
    schema: Any = model.__pydantic_core_schema__
    definitions: list[Any] = []
    config: Any = None
    while schema["type"] != "model-fields":
        definitions = schema.get("definitions", definitions)
        config = schema.get("config", config)
        if schema["type"] == "definition-ref":
            schema = next(each for each in definitions if each.get("ref") == schema["schema_ref"])
        elif "schema" in schema:
            schema = schema["schema"]
        else:
            return None
    fields = core_schema.model_fields_schema({name: schema["fields"][name]})
    return SchemaValidator(core_schema.definitions_schema(fields, definitions), config)
