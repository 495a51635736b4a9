"""The three kinds of pydantic classes of a domain: what is stored, what is read, what is written.

Knows pydantic and where an item's codec is found; must not know tables, queries or the three domains. The
kinds are unrelated classes on purpose: a type checker refuses a view where something to write is expected.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic import ValidationError as PydanticError

from dynamodb_wrapper.models.rules import Rule, breaches
from dynamodb_wrapper.validation import Checked, from_pydantic, invalid, problem

if TYPE_CHECKING:
    from typing import Self

    from pydantic._internal._model_construction import ModelMetaclass as FieldsMeta  # checkers know this one
else:
    from dynamodb_wrapper.models.metaclass import FieldsMeta

__all__ = ["Dto", "DynamoDBModel", "GivenInstant", "Instant", "View", "refuse_bare_number"]

Instant = Annotated[datetime, AwareDatetime]
"""A datetime that knows its zone; a naive one is refused."""


def refuse_bare_number(given: object) -> object:
    """The same, unless it is a number or a text that is one, which pydantic takes for seconds since 1970.

    Raises:
        PydanticCustomError: it is; a caller who writes "20240101" or 2024 hardly means a time in 1970.
    """
    if isinstance(given, datetime):
        return given
    try:
        float(given)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return given
    raise problem(
        "a bare number is not a point in time: give an aware datetime, or a text such as 2026-01-31T12:00:00Z"
    )


GivenInstant = Annotated[Instant, BeforeValidator(refuse_bare_number)]
"""An `Instant` as callers give it: a number, or text that is one, is refused too."""


class DynamoDBModel(BaseModel, metaclass=FieldsMeta):
    """What is stored in a table: a pydantic model whose inner `class Meta` names its keys and indexes.

    `Meta` has `partition_key`, and as needed `sort_key`, `gsis` and `table_name`. A field of the class is a
    typed field, whose comparisons are conditions: `Order.total < 10`, `Order.address.city == "Oslo"`.
    """

    model_config = ConfigDict(defer_build=True)

    def to_dynamodb_item(self) -> dict[str, Any]:
        """This model as an item of Python values, as boto3's resources take them."""
        from dynamodb_wrapper.schema import schema_of

        return schema_of(type(self)).codec.to_plain(self)

    @classmethod
    def from_dynamodb_item(cls, item: Mapping[str, Any]) -> Self:
        """The model that an item of Python values stands for.

        Raises:
            ValidationError: the item does not fit the model.
        """
        from dynamodb_wrapper.schema import schema_of

        return schema_of(cls).codec.from_plain(item)


class View(BaseModel):
    """What a read returns: a frozen, possibly partial picture of an item, which can never be saved.

    Fields beyond the key have defaults, so that any projection fits; `model_fields_set` names the fields that
    were fetched.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    __dynamodb_view__: ClassVar[bool] = True  # `schema_of` refuses it, so that no write takes a view


class Dto(Checked):
    """What a write takes: frozen and always valid, by the limits of its fields and by `rules`.

    Rules that look at several fields stand in `rules` and not in a validator of pydantic's, so that a change
    of a few fields (`validate_update`) obeys them too.

    Raises:
        ValidationError: this library's, with `errors` by field, from every way to make one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    rules: ClassVar[tuple[Rule, ...]] = ()

    @classmethod
    def implied(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Fields that have a certain value because of the others; none unless a DTO says otherwise."""
        return {}

    if not TYPE_CHECKING:  # for a checker the fields are the parameters

        def __init__(self, **values: Any) -> None:
            try:
                super().__init__(**values)
            except PydanticError as error:
                raise from_pydantic(error, type(self).__name__, type(self).model_fields) from None

    @model_validator(mode="after")
    def _obeys_rules(self) -> Self:
        implied = self.implied(self.__dict__)
        for name, value in implied.items():
            object.__setattr__(self, name, value)
        self.__pydantic_fields_set__.update(implied)
        if broken := breaches(self.rules, self.__dict__):
            raise invalid(type(self).__name__, broken)
        return self

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As pydantic's, but the changed fields are validated."""
        if not update:
            return super().model_copy(deep=deep)
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return type(self)(**(given | dict(update)))
