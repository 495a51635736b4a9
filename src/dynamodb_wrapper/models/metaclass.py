"""What makes a field of a model's class a typed field: `Order.total < 10` is a condition.

Knows how pydantic builds classes; must not know what a typed field can do. To pydantic itself such a class
looks as any other: while it builds a class it asks the class and its bases for defaults in the same way in
which a caller asks for a field. Nothing is changed for instances.
"""

from __future__ import annotations

import sys
from inspect import getmro
from typing import Any

from pydantic import BaseModel
from pydantic._internal._model_construction import ModelMetaclass

__all__ = ["FieldsMeta"]


class FieldsMeta(ModelMetaclass):
    """The metaclass of models whose fields are typed fields on the class.

    `__new__` is left alone on purpose: pydantic looks for forward references in the frame that called it.
    """

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> None:
        super().__init__(name, bases, namespace, **options)
        for field in _fields(cls):
            if field not in cls.__dict__ and any(field in base.__dict__ for base in _looked_up(cls)):
                type.__setattr__(cls, field, _Shadow(cls, field))

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_") or _pydantic_asks():
            return super().__getattr__(name)  # type: ignore[misc]  # pydantic hides it from checkers
        return _class_field(cls, name)

    def __dir__(cls) -> list[str]:
        return [*super().__dir__(), *_fields(cls)]


class _Shadow:
    """A field whose name is also an attribute of a base, such as `copy`: the field is found first.

    An instance has its own value, which is found before this.
    """

    def __init__(self, home: type, name: str) -> None:
        self._home = home
        self._name = name

    def __get__(self, instance: BaseModel | None, model: type) -> Any:
        if instance is None and not _pydantic_asks():
            return _class_field(model, self._name)
        found: Any = super(self._home, model if instance is None else instance)
        return getattr(found, self._name)


def _fields(model: Any) -> dict[str, Any]:
    return model.model_fields  # type: ignore[no-any-return]


def _class_field(model: Any, name: str) -> Any:
    from dynamodb_wrapper.expressions.fields import class_field

    return class_field(model, name)


def _looked_up(model: type) -> tuple[type, ...]:
    return (*getmro(model)[1:], *getmro(type(model)))


def _pydantic_asks() -> bool:
    """Whether the code that asks for an attribute, two frames up, is pydantic's."""
    module = sys._getframe(2).f_globals.get("__name__", "")
    return isinstance(module, str) and module.startswith("pydantic.")
