"""Which attributes of which tables are encrypted.

Knows models' descriptions and the names of tables. Must not know keys of providers, ciphertexts or requests.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field
from pydantic import BaseModel

from dynamodb_wrapper.engine.bodies import resource
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.plugins.encryption.binding import blind_bytes, blind_key
from dynamodb_wrapper.schema import TableSchema, schema_of
from dynamodb_wrapper.wire.values import WireValue


class Protected(Struct):
    """A table with encrypted attributes.

    Parameters:
        table: its full name.
        bound: the name that its ciphertexts are bound to.
        key_fields: the attributes of its primary key, partition first.
        attributes: the encrypted ones, each with the attribute of its blind index or None.
        blind_keys: the key of each blind index, by the encrypted attribute.
        schema_version: written into new ciphertexts.
        models: whose items are there.
    """

    table: str
    bound: str
    key_fields: tuple[str, ...]
    attributes: dict[str, str | None]
    schema_version: int
    models: tuple[type[BaseModel], ...]
    blind_keys: dict[str, bytes] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Protected({self.table!r}, {', '.join(self.attributes)})"

    @property
    def indexes(self) -> list[str]:
        """The attributes of the blind indexes."""
        return [index for index in self.attributes.values() if index is not None]

    def blind(self, attribute: str, value: WireValue) -> WireValue | None:
        """What the blind index of a value holds; None for NULL."""
        content = blind_bytes(self.blind_keys[attribute], attribute, value)
        return None if content is None else {"B": b2a_base64(content, newline=False).decode("ascii")}


class Tables:
    """The tables of the models that a plugin was given.

    Parameters:
        models: those with encrypted fields.
        blind_key: the root key of blind indexes, 32 bytes or more.
        bound: the name that the ciphertexts of a table are bound to, where it is not its own.
    """

    def __init__(
        self, models: Sequence[type[BaseModel]], blind_key: bytes | None, bound: Mapping[str, str]
    ) -> None:
        self._schemas: list[TableSchema[Any]] = [schema_of(model) for model in models]
        self._blind_key = blind_key
        self._bound = bound
        self._tables: dict[str, Protected] = {}
        self._guards: dict[str, Protected] = {}
        for schema in self._schemas:
            self._check(schema)

    def __bool__(self) -> bool:
        return bool(self._tables)

    def add(self, prefix: str) -> None:
        """Know the models' tables under a prefix."""
        for schema in self._schemas:
            table = prefix + schema.table_name
            known = self._tables.get(table)
            if known is None or schema.model not in known.models:
                made = self._tables[table] = self._protected(table, schema, known)
                if any(name in schema.encrypted for name in schema.unique):
                    self._guards[schema.guard_table(table)] = made

    def find(self, name: str) -> Protected | None:
        """The table of that name or ARN, if it has encrypted attributes."""
        found = self._tables.get(name)
        return self._tables.get(resource(name)[0]) if found is None and ":" in name else found

    def __iter__(self) -> Iterator[Protected]:
        return iter(list(self._tables.values()))

    def guard(self, name: str) -> Protected | None:
        """The table whose guards of unique values stand in the table of that name, if some are encrypted."""
        return self._guards.get(resource(name)[0])

    def of(self, model: type[BaseModel], table: str | None = None) -> Protected:
        """The table of a model.

        Raises:
            ValidationError: the model has none, or several and none was named.
        """
        found = [
            each
            for each in self._tables.values()
            if model in each.models and (table is None or each.table == table)
        ]
        if len(found) == 1:
            return found[0]
        mend = "name one of them with table=" if found else "give it among the models, and db.use(...) first"
        names = ", ".join(each.table for each in found) or "no table"
        raise ValidationError(
            f"the encryption of {model.__name__} knows {names} for it: {mend}", errors={"table": [mend]}
        )

    def _check(self, schema: TableSchema[Any]) -> None:
        name = schema.model.__name__
        if not schema.encrypted:
            text = "it has no encrypted field: mark one with Encrypted[...], or leave the model out"
            raise ValidationError(f"{name}: {text}", errors={"models": [f"{name}: {text}"]})
        if self._blind_key is None and any(schema.encrypted.values()):
            text = "a field has a BlindIndex: give a blind_key of 32 bytes"
            raise ValidationError(f"{name}: {text}", errors={"blind_key": [text]})

    def _protected(self, table: str, schema: TableSchema[Any], other: Protected | None) -> Protected:
        made = Protected(
            table=table,
            bound=self._bound.get(table, table),
            key_fields=schema.key_fields,
            attributes=dict(schema.encrypted),
            schema_version=schema.schema_version,
            models=(schema.model,),
        )
        if other is not None:
            _check_together(schema, other)
            made.attributes |= other.attributes
            made.models += other.models
            made.schema_version = max(made.schema_version, other.schema_version)
        for name, index in made.attributes.items():
            if index is not None and self._blind_key is not None:
                made.blind_keys[name] = blind_key(self._blind_key, made.bound, name)
        return made


def _check_together(schema: TableSchema[Any], other: Protected) -> None:
    """Models of one table must agree, because a request names the table only."""
    for name, index in other.attributes.items():
        if name in schema.attributes and schema.encrypted.get(name, "") != index:
            raise ValidationError(
                f"{name} of table {other.table} is not marked in the same way by {schema.model.__name__} and "
                f"{other.models[0].__name__}, whose items share the table: mark it alike"
            )
    if other.key_fields != schema.key_fields:
        raise ValidationError(
            f"{schema.model.__name__} and {other.models[0].__name__} share the table {other.table} with "
            "different keys: give each a table of its own"
        )
