"""The keyring: what it wraps it unwraps, older keys only unwrap, and no key is ever shown."""

from __future__ import annotations

import pickle

import pytest

from dynamodb_wrapper.exceptions import DecryptionError, ValidationError
from dynamodb_wrapper.plugins.encryption.keys import DataKey, Keyring

OLD, NEW = b"o" * 32, b"n" * 32
CONTEXT = {"dynamodb-wrapper:table": "t"}


def test_a_data_key_is_unwrapped_by_the_key_that_wrapped_it() -> None:
    made = Keyring({"old": OLD}, current="old").new_key(CONTEXT)
    assert (made.name, len(made.plain), len(made.wrapped)) == ("old", 32, 40)
    later = Keyring({"old": OLD, "new": NEW}, current="new")
    assert later.unwrapped("old", made.wrapped, CONTEXT) == made.plain
    assert later.new_key(CONTEXT).name == "new"


def test_every_data_key_is_another() -> None:
    ring = Keyring({"k": OLD}, current="k")
    assert len({ring.new_key(CONTEXT).plain for _ in range(50)}) == 50


@pytest.mark.parametrize("length", [0, 1, 8, 16, 24, 39, 41, 48])
def test_what_it_did_not_wrap_is_refused(length: int) -> None:
    with pytest.raises(DecryptionError, match="altered, or wrapped by another"):
        Keyring({"k": OLD}, current="k").unwrapped("k", bytes(length), CONTEXT)


def test_a_missing_key_is_told_by_name() -> None:
    with pytest.raises(DecryptionError, match="no key 'gone'"):
        Keyring({"k": OLD}, current="k").unwrapped("gone", b"", CONTEXT)


@pytest.mark.parametrize(
    ("keys", "current", "field"),
    [({"k": b"short"}, "k", "k"), ({"k": "x" * 32}, "k", "k"), ({"k": OLD}, "other", "current")],
)
def test_a_wrong_keyring_is_refused(keys: dict[str, bytes], current: str, field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Keyring(keys, current=current)
    assert list(caught.value.errors) == [field]
    assert "short" not in str(caught.value)


def test_keys_are_neither_shown_nor_pickled() -> None:
    ring = Keyring({"a": OLD, "b": NEW}, current="b")
    made = ring.new_key(CONTEXT)
    assert repr(ring) == "Keyring('a', 'b', current='b')"
    assert repr(made) == "DataKey(name='b')"
    with pytest.raises(TypeError, match="stays in its process"):
        pickle.dumps(DataKey("b", b"", made.plain))
