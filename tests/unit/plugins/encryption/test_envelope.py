"""The binary form: known answers, an independent second way, and every byte of a ciphertext changed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.support.ciphertexts import ciphertext

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.plugins.encryption.envelope import (
    BadCiphertext,
    Header,
    derived_keys,
    parse,
    seal,
    unseal,
)

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "vectors.json").read_text())[
    "ciphertexts"
]
KEY, SALT = bytes(range(32)), bytes(range(16))
HEADER = Header(1, "k", b"wrapped", SALT)
SEALED = seal(b'{"S":"secret"}', KEY, HEADER, b"here")


def each_vector() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])


def header_of(vector: dict[str, Any]) -> Header:
    stored = parse(bytes.fromhex(vector["ciphertext"])).header
    return Header(vector["schema_version"], vector["key_name"], stored.wrapped, bytes.fromhex(vector["salt"]))


@each_vector()
def test_a_known_answer_is_made_and_opened(vector: dict[str, Any]) -> None:
    key, associated = bytes.fromhex(vector["data_key"]), bytes.fromhex(vector["associated_data"])
    known = bytes.fromhex(vector["ciphertext"])
    assert seal(vector["json"].encode(), key, header_of(vector), associated) == known
    assert unseal(parse(known), key, associated) == vector["json"].encode()
    assert parse(known).header == header_of(vector)


@each_vector()
def test_an_independent_way_gives_the_same_bytes(vector: dict[str, Any]) -> None:
    assert ciphertext(vector).hex() == vector["ciphertext"]


@pytest.mark.parametrize("change", [0x01, 0x80, 0xFF])
def test_one_changed_byte_is_noticed(change: int) -> None:
    unnoticed = []
    for position in range(len(SEALED)):
        altered = bytearray(SEALED)
        altered[position] ^= change
        try:
            unseal(parse(bytes(altered)), KEY, b"here")
        except BadCiphertext:
            continue
        unnoticed.append(position)
    assert unnoticed == []


def test_a_missing_or_further_end_is_noticed() -> None:
    for length in range(len(SEALED)):
        with pytest.raises(BadCiphertext):
            unseal(parse(SEALED[:length]), KEY, b"here")
    with pytest.raises(BadCiphertext):
        unseal(parse(SEALED + b"\0"), KEY, b"here")


def test_random_bytes_are_no_ciphertext() -> None:
    for size in (0, 1, 8, 9, 40, 400):
        with pytest.raises(BadCiphertext, match="not encrypted in a form"):
            parse(os.urandom(size))


def test_it_opens_only_where_it_belongs_and_with_its_data_key() -> None:
    with pytest.raises(BadCiphertext, match="moved here"):
        unseal(parse(SEALED), KEY, b"there")
    with pytest.raises(BadCiphertext, match="another data key"):
        unseal(parse(SEALED), bytes(32), b"here")


def test_a_commitment_of_another_key_is_refused_before_anything_is_decrypted() -> None:
    other = derived_keys(bytes(32), SALT).commitment
    at = len(HEADER.encoded())
    with pytest.raises(BadCiphertext, match="another data key"):
        unseal(parse(SEALED[:at] + other + SEALED[at + 32 :]), KEY, b"here")


@pytest.mark.parametrize(
    ("name", "wrapped"), [("", b"w"), ("k" * 256, b"w"), ("k", b""), ("k", bytes(65536))]
)
def test_a_header_that_does_not_fit_is_refused(name: str, wrapped: bytes) -> None:
    with pytest.raises(ValidationError, match="1 to 255 and 1 to 65535"):
        seal(b"", KEY, Header(1, name, wrapped, SALT), b"")


def test_keys_are_not_shown() -> None:
    keys = derived_keys(KEY, SALT)
    assert repr(keys) == "Keys(...)"
    assert len({keys.key, keys.commitment, keys.nonce}) == 3
