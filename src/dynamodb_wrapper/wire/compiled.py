"""Per-model codecs: items to and from pydantic models, exact and fast.

Knows a model's fields and, because it is told, which attributes are keys. Must not know Meta, tables or
operations. A reply goes through a decoder made for the model; where the reply does not have the shape that
the model's fields call for, the generic decoder of `values` reads it and pydantic says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec
from msgspec.structs import replace
from pydantic import BaseModel, TypeAdapter
from pydantic import ValidationError as PydanticError

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.wire.constraints import FieldCheck
from dynamodb_wrapper.wire.decoder import ModelDecoder
from dynamodb_wrapper.wire.encoder import EncoderCompiler, Mismatch
from dynamodb_wrapper.wire.plain import dumped_field, model_values, stored_fields
from dynamodb_wrapper.wire.reading import keep_unknown, model_preparer, unset_absent
from dynamodb_wrapper.wire.refusal import Refused, path_text
from dynamodb_wrapper.wire.shapes import (
    FieldShape,
    Opaque,
    Scalar,
    can_be_compiled,
    field_shapes,
    holds_opaque_models,
    none_where_absent,
)
from dynamodb_wrapper.wire.values import (
    ItemPage,
    WireItem,
    WireValue,
    decode_item,
    encode,
    encode_item,
    encode_safely,
    epoch_form,
    key_form,
    read_item,
    read_page,
)

M = TypeVar("M", bound=BaseModel)
ModelPage: TypeAlias = ItemPage[M]
NOT_NONE = "cannot be None or removed, because its type does not allow None: give it a value"
_NOT_THE_SHAPE = (msgspec.MsgspecError, ArithmeticError, LookupError, ValueError, ValidationError)


class Codec(Generic[M]):
    """Items to and from the instances of one model.

    What it needs is compiled when it is first used; threads that meet there do the same work twice at worst.

    Parameters:
        model: the pydantic model; a field is stored as the attribute that its alias names, else its own name.
        key_attributes: the attributes that are keys of the table or of an index: a bool in one is stored as
            "true" or "false", and a None that the field may hold is left out, because a key can be neither.
            Where such an attribute is missing the field is None, whatever its default.
        keep_unknown: whether attributes that the model does not know are kept in the instance's `model_extra`
            and written back by `encode`. Such an instance does not equal one without them. False for views.
        hidden: the text attribute that is kept beside an instance's fields, in its `__dict__`: it takes part
            neither in comparisons nor in what `encode` gives.
        epoch: the attribute whose datetimes are stored in seconds since 1970, as DynamoDB's TTL needs them:
            whole ones, rounded up, so that nothing expires early.
    """

    def __init__(
        self,
        model: type[M],
        key_attributes: Collection[str] = (),
        *,
        keep_unknown: bool = True,
        hidden: str | None = None,
        epoch: str | None = None,
    ) -> None:
        self.model = model
        self.key_attributes = tuple(key_attributes)
        self.keep_unknown = keep_unknown
        self.hidden = hidden
        self.epoch = epoch

    def encode(self, instance: M) -> WireItem:
        """The item to store, in wire form.

        A field that is None is left out where its default is None too, or where it is a key that may be
        None; else it is stored as NULL.

        Raises:
            ValidationError: a value cannot be stored exactly, or is not of its field's type; `errors` by
                path.
        """
        compiled = self._encode
        try:
            item = compiled(instance)
        except (Mismatch, Refused, KeyError, AttributeError, RecursionError):
            return self._encode_slowly(instance)
        if self.epoch is not None and self.epoch in item:
            item[self.epoch] = epoch_form(item[self.epoch])
        return item

    def encode_attribute(self, name: str, value: Any, *, constraints: bool = False) -> WireValue:
        """The attribute value for one attribute, as conditions, keys and updates need it.

        Parameters:
            name: the attribute; one that the model does not know is encoded as `encode_value` does.
            value: a value of the field's type, or what pydantic turns into one.
            constraints: whether the field's constraints and validators must hold too, as for a value to be
                stored; a bound of a comparison need not keep them. A validator that needs other fields'
                values is passed over.

        Raises:
            ValidationError: it is not of the field's type, or cannot be stored exactly.
        """
        what = "cannot be stored" if constraints else "takes no such key or condition"
        try:
            field = self._fields_by_attribute.get(name)
            if field is not None and (constraints or field.stored.dumped):
                value = self._given(field, value, constraints)
            encoded = self._encode_field(name, value)
        except Refused as refused:
            raise self._invalid(what, {refused.path(name): [refused.text]}, refused) from refused
        except PydanticError as error:
            refusing_none = constraints and value is None
            errors = {name: [NOT_NONE]} if refusing_none else _errors(error, name, named=constraints)
            raise self._invalid(what, errors, error) from error
        if name in self.key_attributes and "NULL" in encoded:
            text = "None cannot be a key: leave the attribute out, or give it a value"
            raise self._invalid(what, {name: [text]})
        return encoded

    def leaves_none_out(self, name: str) -> bool:
        """Whether None is stored as no attribute: where it is the default, and in keys that may be None."""
        field = self._fields_by_attribute.get(name)
        if field is None or field.stored.none_left_out:
            return field is not None or name in self.key_attributes
        return name in self.key_attributes and (field.shape.null or self._takes_none(field))

    def stores_plain_texts(self, names: Collection[str]) -> bool:
        """Whether these attributes are all texts, and stored just as they are given."""
        fields = [self._fields_by_attribute.get(name) for name in names]
        return all(field and field.shape == Scalar(str) and not field.stored.dumped for field in fields)

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
        return self.decode(encode_item(item), table=table)

    def decode(self, item: Mapping[str, Mapping[str, Any]], *, table: str = "") -> M:
        """The instance that an item in wire form holds; parameters and errors as for `from_plain`."""
        return self._instance(decode_item(item), table)

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
        if self._reader is not None:
            try:
                envelope = self._reader.reply.decode(reply)
                found = envelope.item if member == "Item" else envelope.attributes
                if found is None:
                    return None
                if self._reader.direct and self.hidden is None:
                    return self._reader.row(found)  # type: ignore[no-any-return]
                return self._instances([found], self._reader)[0]
            except _NOT_THE_SHAPE:
                pass  # the generic way says what is wrong, if anything is
        item = read_item(reply, member)
        return None if item is None else self._instance(item, table)

    def read_page(self, reply: bytes, *, table: str = "") -> ModelPage[M]:
        """The instances in the reply of a Query or Scan; parameters and errors as for `read_item`."""
        if self._reader is not None:
            try:
                page = self._reader.page.decode(reply)
                return _page_of(self._instances(page.items, self._reader), page)
            except _NOT_THE_SHAPE:
                pass  # as in `read_item`
        raw = read_page(reply)
        return _page_of([self._instance(item, table) for item in raw.items], raw)

    def _encode_slowly(self, instance: M) -> WireItem:
        if not isinstance(instance, self.model):
            text = f"{type(instance).__name__} is no {self.model.__name__}"
            raise self._invalid("cannot be stored", {"": [text]})
        item: WireItem = {}
        errors: dict[str, list[str]] = {}
        try:
            values = model_values(instance)
        except Refused as refused:
            raise self._invalid("cannot be stored", {refused.path(): [refused.text]}, refused) from refused
        for name, value in values.items():
            if value is None and name in self.key_attributes:
                if not self.leaves_none_out(name):
                    errors[name] = [NOT_NONE]
                continue
            try:
                item[name] = self._encode_field(name, value)
            except Refused as refused:
                errors[refused.path(name)] = [refused.text]
            except PydanticError as error:
                errors |= {name: [NOT_NONE]} if value is None else _errors(error, name)
        if errors:
            raise self._invalid("cannot be stored", errors)
        return item

    def _encode_field(self, name: str, value: Any) -> WireValue:
        encoder = self._field_encoders.get(name, encode)
        try:
            encoded = encoder(value)
        except (Mismatch, Refused, KeyError, AttributeError, RecursionError):
            encoded = encode_safely(self._of_type(name, value))
        if name == self.epoch:
            encoded = epoch_form(encoded)
        return key_form(encoded) if name in self.key_attributes else encoded

    def _check(self, field: FieldShape) -> FieldCheck:
        name = field.stored.attribute
        if name not in self._checks:
            self._checks[name] = FieldCheck(self.model, field.stored)
        return self._checks[name]

    def _of_type(self, name: str, value: Any) -> Any:
        """The value as its field's type has it; a field with a serializer has no type of stored value."""
        field = self._fields_by_attribute.get(name)
        return value if field is None or field.stored.dumped else self._check(field).of_type(value)

    def _takes_none(self, field: FieldShape) -> bool:
        try:
            return self._check(field).to_be_stored(None) is None
        except PydanticError:
            return False

    def _given(self, field: FieldShape, value: Any, constraints: bool) -> Any:
        """A value that was given for a field, as an instance with that value would give it to be stored."""
        check = self._check(field)
        if constraints:
            value = check.to_be_stored(value)
        if not field.stored.dumped:
            return value
        instance = self.model.model_construct()
        value = value if constraints else check.of_type(value)
        object.__setattr__(instance, field.stored.name, value)  # it may be frozen
        return dumped_field(instance, field.stored.name)

    def _instances(self, items: list[Any], reader: ModelDecoder) -> list[M]:
        rows = list(map(reader.row, items))
        instances: list[M] = rows if reader.direct else self._many.validate_python(rows, strict=False)
        if self.hidden is not None:
            for instance, item in zip(instances, items, strict=True):
                self._hide(instance, item.hidden and item.hidden.S)
        if (self._holds_opaque_models or self.nones) and not reader.direct:
            for instance, row in zip(instances, rows, strict=True):
                if self._holds_opaque_models:
                    keep_unknown(instance, row)
                unset_absent(instance, row, self.nones)
        return instances

    def _hide(self, instance: M, text: str | None) -> None:
        if self.hidden is not None and text is not None:
            vars(instance)[self.hidden] = text

    def _instance(self, item: dict[str, Any], table: str) -> M:
        hidden = None if self.hidden is None else item.pop(self.hidden, None)
        try:
            row = self._prepare(item)
            instance = self.model.model_validate(row, strict=False)
        except PydanticError as error:
            key = {name: item[name] for name in self.key_attributes if name in item}
            raise self._invalid(
                "does not fit its model", _errors(error), error, {"table": table, "key": key}
            ) from error
        if self.keep_unknown:
            keep_unknown(instance, item)
        unset_absent(instance, row, self.nones)
        self._hide(instance, hidden)
        return instance

    @cached_property
    def _fields(self) -> tuple[FieldShape, ...]:
        if not self.model.__pydantic_complete__:
            self.model.model_rebuild()
        return tuple(
            replace(field, shape=Opaque(null=field.shape.null))
            if field.stored.attribute == self.epoch
            and isinstance(field.shape, Scalar)
            and field.shape.python is datetime
            else field
            for field in field_shapes(self.model)
        )

    @cached_property
    def _fields_by_attribute(self) -> dict[str, FieldShape]:
        return {field.stored.attribute: field for field in self._fields}

    @cached_property
    def nones(self) -> dict[str, FieldShape]:
        """The fields that are None where an item lacks them, whatever their default, by attribute."""
        keys = (field for field in self._fields if field.stored.attribute in self.key_attributes)
        return {key.stored.attribute: key for key in keys if none_where_absent(key, self._takes_none)}

    @cached_property
    def _holds_opaque_models(self) -> bool:
        return self.keep_unknown and holds_opaque_models(self._fields)

    @cached_property
    def _encode(self) -> Callable[[M], WireItem]:
        if self.model.__pydantic_decorators__.model_serializers:
            return self._encode_slowly
        return EncoderCompiler().model(self.model, self._fields, self.key_attributes)

    @cached_property
    def _field_encoders(self) -> dict[str, Callable[[Any], WireValue]]:
        compiler = EncoderCompiler()
        return {name: compiler.shape(field.shape) for name, field in self._fields_by_attribute.items()}

    @cached_property
    def _checks(self) -> dict[str, FieldCheck]:
        return {}

    @cached_property
    def _reader(self) -> ModelDecoder | None:
        if not can_be_compiled(self._fields):
            return None
        keys, nones = self.key_attributes, self.nones
        return ModelDecoder(self.model, self._fields, keys, self.keep_unknown, self.hidden, nones)

    @cached_property
    def _prepare(self) -> Callable[[Any], Any]:
        return model_preparer(self.model, self._fields, self.nones)

    @cached_property
    def _many(self) -> TypeAdapter[list[M]]:
        return TypeAdapter(list[self.model])  # type: ignore[name-defined]

    def _invalid(
        self,
        what: str,
        errors: dict[str, list[str]],
        cause: Exception | None = None,
        context: dict[str, Any] | None = None,
    ) -> ValidationError:
        told = "; ".join(
            f"{path}: {text}" if path else text for path, texts in errors.items() for text in texts
        )
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


def _errors(error: PydanticError, start: str = "", *, named: bool = False) -> dict[str, list[str]]:
    """What pydantic says, by path; where its paths may be `named`, they begin with `start` themselves."""
    errors: dict[str, list[str]] = {}
    for detail in error.errors(include_url=False, include_context=False, include_input=False):
        steps = detail["loc"][1:] if named and detail["loc"][:1] == (start,) else detail["loc"]
        errors.setdefault(path_text(steps, start), []).append(detail["msg"])
    return errors


def _page_of(items: list[M], page: Any) -> ModelPage[M]:
    return ItemPage(
        items, page.last_evaluated_key or None, page.count, page.scanned_count, page.consumed_capacity
    )
