"""Several models in one table: what their Metas say of it, and which of them cannot live together.

Knows templates and the attribute that names an item's model. Must not know items nor what keys are for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

from dynamodb_wrapper.exceptions import MetaError
from dynamodb_wrapper.schema.description import Index, TableSchema
from dynamodb_wrapper.schema.templates import Template, may_be_equal, template_of

DEFAULT_TYPE_ATTRIBUTE = "type"
_ATTRIBUTE = re.compile(r"\S{1,255}")


class SharedTable:
    """What a Meta says of a table that several models share; nothing where it has one of its own.

    Parameters:
        meta: the Meta's own values.
        annotations: the model's fields by attribute.
        fail: told what is wrong and how to mend it; raises.
    """

    def __init__(
        self, meta: Mapping[str, Any], annotations: Mapping[str, Any], fail: Callable[[str], NoReturn]
    ) -> None:
        self._annotations = annotations
        self._fail = fail
        self._name = meta.get("type_name")
        texts = meta.get("templates", {})
        if not isinstance(texts, Mapping):
            fail(f"templates must be a mapping of key attributes to texts, not {texts!r}")
        keys = (meta.get("partition_key"), meta.get("sort_key"))
        self.templates = {
            str(name): self._template(name, text, primary=name in keys) for name, text in texts.items()
        }
        self.type_attribute: str | None = meta.get("type_attribute")
        if self.type_attribute is None and self.templates:
            self.type_attribute = DEFAULT_TYPE_ATTRIBUTE
        if self.type_attribute is not None:
            self._check_type_attribute(self.type_attribute)
        elif self._name is not None:
            fail(
                "type_name needs type_attribute, the attribute that it is stored in: add "
                'type_attribute = "type"'
            )

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes of an item that are no fields."""
        own = () if self.type_attribute is None else (self.type_attribute,)
        return (*self.templates, *own)

    def is_index_key(self, name: str) -> bool:
        """Whether it may be a key of an index although it is no field."""
        return name in self.templates or (self.type_attribute is not None and name not in self._annotations)

    def type_name(self, model: str) -> str:
        """What stands in the type attribute.

        Parameters:
            model: the name of the model.
        """
        if self.type_attribute is None:
            return ""
        name = model if self._name is None else self._name
        if not isinstance(name, str) or not name:
            self._fail(f"type_name is {name!r}: make it a text, such as {model!r}")
        return name

    def finish(
        self,
        primary: Iterable[str | None],
        indexes: Iterable[Index],
        refuse_encrypted: Callable[[object, str], None],
    ) -> None:
        """Refuse templates that make no key or of what cannot stand in one."""
        keys = set(primary)
        for index in indexes:
            keys |= set(index.keys)
            if self.type_attribute in index.keys:
                continue
            for names in (index.partition, index.sort):
                templated = [name for name in names if name in self.templates]
                if templated and len(names) > 1:
                    self._fail(
                        f"{templated[0]} has a template and is one of several attributes of the key of "
                        f"{index.name}: name the fields themselves there, or make one template of all"
                    )
        for name, template in self.templates.items():
            if name not in keys:
                self._fail(f"templates has {name!r}, which is no key of the table or an index: take it out")
            for field in template.fields:
                refuse_encrypted(field, f"a part of {name}")

    def _template(self, name: object, text: object, *, primary: bool) -> Template:
        if not isinstance(name, str) or not _ATTRIBUTE.fullmatch(name):
            self._fail(f"templates has {name!r}: name a key attribute")
        if name in self._annotations:
            self._fail(f"templates has {name!r}, which is a field: name another attribute as the key")
        return template_of(name, text, self._annotations, self._fail, primary=primary)

    def _check_type_attribute(self, name: object) -> None:
        if not isinstance(name, str) or not _ATTRIBUTE.fullmatch(name):
            self._fail(f"type_attribute is {name!r}: make it the name of an attribute")
        if name in self._annotations or name in self.templates:
            what = "a field" if name in self._annotations else "a key"
            self._fail(
                f"the model of an item is to be stored in {name!r}, which is {what}: name another attribute "
                'with type_attribute = "..."'
            )


def housemates(schema: TableSchema[Any], others: Iterable[TableSchema[Any]]) -> Iterable[TableSchema[Any]]:
    """Those of the others that are meant to share the table of this one.

    They are models of the same package: another package may call a table of its own the same. One that was
    made within a function, such as a test, is for that function only.
    """
    return (other for other in others if _package(schema) is not None and _package(schema) == _package(other))


def refuse_conflicts(schema: TableSchema[Any], others: Iterable[TableSchema[Any]]) -> None:
    """Raise a `MetaError` if a model cannot share its table with the others."""
    for other in others:
        if other.base_name == schema.base_name and not _is_again(schema.model, other.model):
            why = _conflict(schema, other)
            if why:
                raise MetaError(
                    f"{schema.model.__name__}.Meta: it shares the table {schema.base_name!r} with "
                    f"{other.model.__name__}, but {why}",
                    context={"model": schema.model.__qualname__},
                )


def _package(schema: TableSchema[Any]) -> str | None:
    """The package that a lasting model of a shared table is of."""
    if schema.type_attribute is None or "<locals>" in schema.model.__qualname__:
        return None
    return schema.model.__module__.partition(".")[0]


def _is_again(model: type, other: type) -> bool:
    """Whether one is the other, made anew, as in a notebook."""
    return (model.__module__, model.__qualname__) == (other.__module__, other.__qualname__)


def _conflict(schema: TableSchema[Any], other: TableSchema[Any]) -> str:
    name = other.model.__name__
    if schema.key_fields != other.key_fields:
        return (
            f"its key is {' + '.join(schema.key_fields)}, there {' + '.join(other.key_fields)}: make them one"
        )
    if schema.type_attribute != other.type_attribute:
        return (
            f"its type_attribute is {schema.type_attribute!r}, there {other.type_attribute!r}: make them one"
        )
    if schema.ttl != other.ttl and None not in (schema.ttl, other.ttl):
        return f"its ttl is {schema.ttl!r}, there {other.ttl!r}: a table has one"
    for key in schema.key_types.keys() & other.key_types.keys():
        if schema.key_types[key] != other.key_types[key]:
            return f"{key} is of another type there: make them one"
    for index in schema.indexes.keys() & other.indexes.keys():
        if schema.indexes[index] != other.indexes[index]:
            return f"the index {index} is another one there: declare it once, in a Meta that both inherit"
    related = issubclass(schema.model, other.model) or issubclass(other.model, schema.model)
    if schema.type_name == other.type_name:
        return "" if related else f"both are stored as {schema.type_name!r}: set type_name for one of them"
    if all(_may_be_equal(schema, other, key) for key in schema.key_fields):
        texts = ", ".join(str(schema.templates.get(key, key)) for key in schema.key_fields)
        return f"an item of {name} can have the same key ({texts}): begin a template with another text"
    return ""


def _may_be_equal(schema: TableSchema[Any], other: TableSchema[Any], key: str) -> bool:
    one, two = schema.templates.get(key), other.templates.get(key)
    return one is None or two is None or may_be_equal(one, two)
