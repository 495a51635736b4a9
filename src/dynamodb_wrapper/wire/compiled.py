"""Per-model codecs: items to and from pydantic models, exact and fast.

Knows a model's fields and, because it is told, which attributes are keys. Must not know Meta, tables or
operations. A reply goes through a decoder made for the model; where the reply does not have the shape that
the model's fields call for, the generic decoder of `values` reads it and pydantic says what is wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Generic, TypeAlias, TypeVar

from pydantic import BaseModel
from pydantic import ValidationError as PydanticError

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.wire.plain import model_values, stored_fields
from dynamodb_wrapper.wire.refusal import Refused, path_text
from dynamodb_wrapper.wire.values import (
    ItemPage,
    WireItem,
    WireValue,
    decode_item,
    encode,
    encode_value,
    read_item,
    read_page,
)

M = TypeVar("M", bound=BaseModel)
ModelPage: TypeAlias = ItemPage[M]


class Codec(Generic[M]):
    """Items to and from the instances of one model.

    Parameters:
        model: the pydantic model; a field is stored as the attribute that its alias names, else its own name.
        key_attributes: the attributes that are keys of the table or of an index: a bool in one is stored as
            "true" or "false", and None is left out, because a key can be neither.
        keep_unknown: whether attributes that the model does not know are kept in the instance's `model_extra`
            and written back by `encode`. Such an instance does not equal one without them. False for views.
    """

    def __init__(
        self, model: type[M], key_attributes: Collection[str] = (), *, keep_unknown: bool = True
    ) -> None:
        self.model = model
        self.key_attributes = tuple(key_attributes)
        self.keep_unknown = keep_unknown

    def encode(self, instance: M) -> WireItem:
        """The item to store, in wire form.

        A field that is None is left out where its default is None too, or where it is a key; else it is
        stored as NULL.

        Raises:
            ValidationError: a value cannot be stored exactly, or is not of its field's type; `errors` by
                path.
        """
        item: WireItem = {}
        errors: dict[str, list[str]] = {}
        for name, value in model_values(instance).items():
            try:
                if value is None and name in self.key_attributes:
                    continue
                item[name] = self._encoded(name, value)
            except Refused as refused:
                errors[refused.path(name)] = [refused.text]
        if errors:
            raise self._invalid("cannot be stored", errors)
        return item

    def _encoded(self, name: str, value: Any) -> WireValue:
        encoded = encode(value)
        if name in self.key_attributes and "BOOL" in encoded:
            return {"S": "true" if encoded["BOOL"] else "false"}
        return encoded

    def encode_attribute(self, name: str, value: Any, *, constraints: bool = False) -> WireValue:
        """The attribute value for one attribute, as conditions, keys and updates need it.

        Parameters:
            name: the attribute; one that the model does not know is encoded as `encode_value` does.
            value: a value of the field's type, or what pydantic turns into one.
            constraints: whether the field's own constraints must hold too, as for a value to be stored; a
                bound of a comparison need not keep them.

        Raises:
            ValidationError: it is not of the field's type, or cannot be stored exactly.
        """
        return encode_value(value, name)

    def to_plain(self, instance: M) -> dict[str, Any]:
        """The item to store, as the Python values that boto3's resource takes; errors as for `encode`."""
        return decode_item(self.encode(instance))

    def from_plain(self, item: Mapping[str, Any], *, table: str = "") -> M:
        """The instance that an item of Python values holds.

        Parameters:
            item: values by attribute, as `decode_item` or boto3's resource gives them.
            table: the table's name, for the error's context.

        Raises:
            ValidationError: the item does not fit the model; `errors` by path, `context` with the key.
        """
        try:
            return self.model.model_validate(dict(item), strict=False)
        except PydanticError as error:
            raise self._misfit(error, item, table) from error

    def decode(self, item: Mapping[str, Mapping[str, Any]], *, table: str = "") -> M:
        """The instance that an item in wire form holds; parameters and errors as for `from_plain`."""
        return self.from_plain(decode_item(item), table=table)

    def read_item(self, reply: bytes, member: str = "Item", *, table: str = "") -> M | None:
        """The instance in a reply, or None if it holds no item.

        Parameters:
            reply: the JSON body.
            member: "Item" for GetItem, "Attributes" for PutItem, UpdateItem and DeleteItem.
            table: the table's name, for the error's context.

        Raises:
            ConnectionError: the reply is not what DynamoDB answers.
            ValidationError: the item does not fit the model; `errors` by path, `context` with the key.
        """
        item = read_item(reply, member)
        return None if item is None else self.from_plain(item, table=table)

    def read_page(self, reply: bytes, *, table: str = "") -> ModelPage[M]:
        """The instances in the reply of a Query or Scan; parameters and errors as for `read_item`."""
        page = read_page(reply)
        return ItemPage(
            [self.from_plain(item, table=table) for item in page.items],
            page.last_evaluated_key,
            page.count,
            page.scanned_count,
            page.consumed_capacity,
        )

    def _misfit(self, error: PydanticError, item: Mapping[str, Any], table: str) -> ValidationError:
        errors: dict[str, list[str]] = {}
        for detail in error.errors(include_url=False, include_context=False, include_input=False):
            errors.setdefault(path_text(detail["loc"]), []).append(detail["msg"])
        key = {name: item[name] for name in self.key_attributes if name in item}
        return self._invalid("does not fit its model", errors, error, {"table": table, "key": key})

    def _invalid(
        self,
        what: str,
        errors: dict[str, list[str]],
        cause: Exception | None = None,
        context: dict[str, Any] | None = None,
    ) -> ValidationError:
        told = "; ".join(f"{path}: {text}" for path, texts in errors.items() for text in texts)
        where = "".join(f" {name} {value}" for name, value in (context or {}).items() if value)
        return ValidationError(
            f"{self.model.__name__}{where} {what}: {told}",
            cause,
            {"model": self.model.__name__, **(context or {})},
            errors=errors,
        )


def attribute_names(model: type[BaseModel]) -> dict[str, str]:
    """The attribute that each field of a model is stored as, by the field's name."""
    return {field.name: field.attribute for field in stored_fields(model)}
