"""Marked values: none can be sent, and a ciphertext is told from other binary."""

from __future__ import annotations

from base64 import b64encode

import pytest

from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.wire.http import encode
from dynamodb_wrapper.wire.plaintext import MAGIC, MAGIC_TEXT, MARK, is_ciphertext, to_encrypt
from dynamodb_wrapper.wire.sizes import item_size


def test_a_marked_value_is_never_sent() -> None:
    call = Call("PutItem", {"Item": {"id": {"S": "1"}, "secret": to_encrypt({"S": "x"})}}, "patients")
    with pytest.raises(ValidationError, match=r"PutItem on table 'patients'.*Encryption") as caught:
        encode(call)
    assert "'x'" not in str(caught.value)


def test_a_text_that_looks_like_the_mark_is_sent() -> None:
    call = Call("PutItem", {"Item": {"id": {"S": f'"{MARK}":'}, "other": {"S": MARK}}}, "patients")
    assert MARK.encode() in encode(call)


def test_a_marked_value_is_as_large_as_the_value() -> None:
    assert item_size({"a": to_encrypt({"S": "12345"})}) == item_size({"a": {"S": "12345"}}) == 6


def test_a_ciphertext_is_told_by_its_beginning() -> None:
    assert b64encode(MAGIC).decode() == MAGIC_TEXT
    assert is_ciphertext({"B": b64encode(MAGIC + b"abc").decode()})
    assert not is_ciphertext({"B": b64encode(b"DDBWE\x02abc").decode()})
    assert not is_ciphertext({"S": MAGIC_TEXT})
