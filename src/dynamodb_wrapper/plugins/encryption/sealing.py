"""Encrypting what a request carries: values are noted first, and filled in when their data keys are there.

Knows items in wire form, tables and data keys. Must not know the members of requests.
"""

from __future__ import annotations

import os
from binascii import b2a_base64
from typing import Any

import msgspec
from msgspec import Struct

from dynamodb_wrapper.engine.bodies import plain
from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.plugins.encryption.binding import associated_data
from dynamodb_wrapper.plugins.encryption.cache import KeyCache
from dynamodb_wrapper.plugins.encryption.envelope import SALT_BYTES, Header, seal
from dynamodb_wrapper.plugins.encryption.keys import DataKey
from dynamodb_wrapper.plugins.encryption.tables import Protected
from dynamodb_wrapper.wire.plaintext import MARK
from dynamodb_wrapper.wire.values import WireItem, WireValue


class _Noted(Struct):
    at: Protected
    associated: bytes
    value: WireValue
    place: WireValue


class Sealing:
    """The values of one request that are to be encrypted."""

    def __init__(self) -> None:
        self._noted: list[_Noted] = []

    def value(self, at: Protected, key: WireItem, attribute: str, value: WireValue) -> WireValue:
        """A wire value that becomes the ciphertext when `fill` has run.

        Parameters:
            key: the primary key in wire form, among other attributes perhaps.
            value: in wire form, marked or not.
        """
        missing = [name for name in at.key_fields if not key.get(name)]
        if missing:
            text = f"part of the key of table {at.table}: give it"
            raise ValidationError(f"{missing[0]} is {text}", errors={name: [text] for name in missing})
        place: WireValue = {}
        associated = associated_data(at.bound, at.key_fields, key, attribute)
        self._noted.append(_Noted(at, associated, value.get(MARK, value), place))
        return place

    def item(self, at: Protected, item: Any) -> WireItem:
        """An item to be stored, its encrypted attributes noted and their blind indexes filled in."""
        given = plain(item)
        sealed = {name: value for name, value in given.items() if name not in at.indexes}
        for name, index in at.attributes.items():
            value = given.get(name)
            if value is None:
                continue
            sealed[name] = self.value(at, given, name, value)
            if index is not None and (blind := at.blind(name, value.get(MARK, value))) is not None:
                sealed[index] = blind
        return sealed

    def fill(self, cache: KeyCache) -> Flow[None]:
        """Encrypt what was noted."""
        keys: dict[str, DataKey] = {}
        for bound in dict.fromkeys(noted.at.bound for noted in self._noted):
            keys[bound] = yield from cache.current(bound)
        for noted in self._noted:
            key = keys[noted.at.bound]
            header = Header(noted.at.schema_version, key.name, key.wrapped, os.urandom(SALT_BYTES))
            ciphertext = seal(msgspec.json.encode(noted.value), key.plain, header, noted.associated)
            noted.place["B"] = b2a_base64(ciphertext, newline=False).decode("ascii")
        for bound in keys:
            cache.used(bound, sum(noted.at.bound == bound for noted in self._noted))
