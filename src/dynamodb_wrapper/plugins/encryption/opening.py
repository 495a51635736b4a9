"""Decrypting what a reply carries: the data keys it needs are gathered first, then every value is opened.

Knows items in wire form, tables, data keys and ciphertexts. Must not know the members of replies.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import msgspec
from msgspec import Struct

from dynamodb_wrapper.engine.flow import Flow, Together
from dynamodb_wrapper.exceptions import DecryptionError
from dynamodb_wrapper.plugins.encryption.binding import associated_data
from dynamodb_wrapper.plugins.encryption.cache import KeyCache
from dynamodb_wrapper.plugins.encryption.envelope import BadCiphertext, Envelope, parse, unseal
from dynamodb_wrapper.plugins.encryption.tables import Protected
from dynamodb_wrapper.wire.plaintext import is_ciphertext
from dynamodb_wrapper.wire.values import WireItem, WireValue, decode_item


class Found(Struct):
    """An item in a reply.

    Parameters:
        at: its table.
        item: in wire form; it is changed.
        key: the primary key that was asked for, where the request names it.
    """

    at: Protected
    item: WireItem
    key: WireItem | None = None


class _Closed(Struct):
    found: Found
    attribute: str
    envelope: Envelope

    @property
    def wrapped(self) -> tuple[str, str, bytes]:
        header = self.envelope.header
        return self.found.at.bound, header.key_name, header.wrapped


def open_items(items: Sequence[Found], cache: KeyCache, accept_plaintext: bool) -> Flow[None]:
    """Decrypt the encrypted attributes of items, in place.

    Parameters:
        accept_plaintext: whether an attribute that is not encrypted is left as it is.

    Raises:
        DecryptionError: one cannot be decrypted, or is not encrypted.
    """
    closed = [each for found in items for each in _closed(found, accept_plaintext)]
    if not closed:
        return
    yield from _fetch(closed, cache)
    for each in closed:
        found = each.found
        plain = cache.kept(*each.wrapped)
        if plain is None:  # it grew old between
            plain = yield from cache.unwrap(*each.wrapped)
        found.item[each.attribute] = opened_value(found, each.attribute, each.envelope, plain)


def opened_value(found: Found, attribute: str, envelope: Envelope, data_key: bytes) -> WireValue:
    """The value in a ciphertext, in wire form.

    Raises:
        DecryptionError: it was altered, or belongs somewhere else.
    """
    key = found.key or found.item
    if any(name not in key for name in found.at.key_fields):
        refuse(found, attribute, "the reply has no primary key to check it with: read the key too")
    associated = associated_data(found.at.bound, found.at.key_fields, key, attribute)
    try:
        value: WireValue = msgspec.json.decode(unseal(envelope, data_key, associated))
    except BadCiphertext as error:
        refuse(found, attribute, str(error))
    return value


def envelope_of(found: Found, attribute: str) -> Envelope:
    """The ciphertext of an attribute, taken apart; errors as for `opened_value`."""
    try:
        return parse(a2b_base64(found.item[attribute]["B"]))
    except (BadCiphertext, ValueError) as error:
        refuse(found, attribute, str(error))


def refuse(found: Found, attribute: str, why: str) -> NoReturn:
    """Raise the error for one attribute."""
    key = found.key or found.item
    where = {
        "table": found.at.table,
        "key": decode_item({name: key[name] for name in found.at.key_fields if name in key}),
        "attribute": attribute,
    }
    raise DecryptionError(f"{attribute} of {where['key']} in table {found.at.table}: {why}", context=where)


def _closed(found: Found, accept_plaintext: bool) -> list[_Closed]:
    closed = []
    for name in found.at.attributes:
        value: Mapping[str, Any] | None = found.item.get(name)
        if value is None:
            continue
        if is_ciphertext(value):
            closed.append(_Closed(found, name, envelope_of(found, name)))
        elif not accept_plaintext:
            refuse(
                found,
                name,
                "it is not encrypted: encrypt the table with Encryption.rotation and accept_plaintext=True, "
                "and find out who wrote it",
            )
    return closed


def _fetch(closed: Sequence[_Closed], cache: KeyCache) -> Flow[None]:
    """Have the data keys in the cache, those that are missing asked for side by side."""
    missing = [wrapped for wrapped in {each.wrapped for each in closed} if cache.kept(*wrapped) is None]
    try:
        if len(missing) == 1:
            yield from cache.unwrap(*missing[0])
        elif missing:
            yield Together([cache.unwrap(*wrapped) for wrapped in missing])
    except DecryptionError as error:
        for each in closed:
            if cache.kept(*each.wrapped) is None:
                refuse(each.found, each.attribute, error.message)
        raise
