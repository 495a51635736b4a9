"""The command `dynamodb-wrapper schema`: the JSON Schema of each model, view and DTO, for other tools.

Knows which classes there are and how their schema is made. Must not know what the classes mean.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, models_json_schema
from pydantic_core.core_schema import DecimalSchema

from dynamodb_wrapper import models
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import Dto, DynamoDBModel, View
from dynamodb_wrapper.validation import did_you_mean

__all__ = ["json_schema", "json_schemas", "schema", "schema_classes"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$"
_KINDS = {DynamoDBModel: "model", View: "view", Dto: "dto"}


class _Schemas(GenerateJsonSchema):
    """As pydantic's, but a decimal that is written as text is known to be a number."""

    def decimal_schema(self, schema: DecimalSchema) -> JsonSchemaValue:
        made = super().decimal_schema(schema)
        for part in made.get("anyOf", [made]):
            if part["type"] == "string":
                part.setdefault("pattern", NUMBER)
        return made


def schema_classes() -> dict[str, type[BaseModel]]:
    """The models, their parts, views and DTOs by name."""
    found = ((name, getattr(models, name)) for name in models.__all__)
    return {
        name: each
        for name, each in found
        if isinstance(each, type) and issubclass(each, BaseModel) and each not in _KINDS
    }


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one class.

    That of a view describes what reading it gives (`model_dump_json`), any other what can be given to make
    an instance. What JSON Schema cannot say is no part of it: rules over several fields, the parts of a cron
    expression, the bounds of a decimal that is given as text.
    """
    return {"$schema": DIALECT} | model.model_json_schema(mode=_mode(model), schema_generator=_Schemas)


def json_schemas(classes: Iterable[type[BaseModel]]) -> dict[str, Any]:
    """One document with the JSON Schema of each of these classes by name, under `$defs`."""
    _, document = models_json_schema([(each, _mode(each)) for each in classes], schema_generator=_Schemas)
    return {"$schema": DIALECT} | document


def schema(
    names: Annotated[
        list[str] | None, typer.Argument(help="Classes, such as PipelineConfigView; none lists them.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every class.")] = False,
    folder: Annotated[
        Path | None, typer.Option("--to", help="Write NAME.json files there.", file_okay=False)
    ] = None,
) -> None:
    """Print the JSON Schema of models, views and DTOs as one document, or write a file for each."""
    classes = schema_classes()
    for name in names or ():
        if name not in classes:
            text = f"there is no class {name!r}{did_you_mean(name, classes)}"
            raise ValidationError(text, errors={"names": [text]})
    chosen = list(classes) if everything else list(dict.fromkeys(names or ()))
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for name in chosen or classes:
            path = folder / f"{name}.json"
            path.write_text(_text(json_schema(classes[name])) + "\n")
            typer.echo(path)
    elif len(chosen) == 1:
        typer.echo(_text(json_schema(classes[chosen[0]])))
    elif chosen:
        typer.echo(_text(json_schemas(classes[name] for name in chosen)))
    else:
        for name, model in classes.items():
            typer.echo(f"{_kind(model):5}  {name}")


def _mode(model: type[BaseModel]) -> JsonSchemaMode:
    return "serialization" if issubclass(model, View) else "validation"


def _kind(model: type[BaseModel]) -> str:
    return next((kind for base, kind in _KINDS.items() if issubclass(model, base)), "part")


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)
