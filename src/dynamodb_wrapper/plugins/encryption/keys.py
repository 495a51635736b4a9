"""Where data keys come from: the protocol of providers, and a keyring of this process.

Knows names, lengths and wrapping of keys. Must not know items or ciphertexts. No `repr` shows a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_bytes
from typing import Final, Protocol

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from dynamodb_wrapper.exceptions import DecryptionError, ValidationError
from dynamodb_wrapper.plugins.encryption.envelope import KEY_BYTES
from dynamodb_wrapper.plugins.options import instance, refuse_wrong

KEY_LENGTH_TEXT: Final = "32 bytes, such as secrets.token_bytes(32) gives once"


class DataKey:
    """A key for values, and what is stored of it.

    Parameters:
        name: the name of the master key that wrapped it, up to 255 bytes.
        wrapped: the data key, wrapped by that master key.
        plain: the data key, 32 bytes; never shown and never stored.
    """

    __slots__ = ("name", "plain", "wrapped")

    def __init__(self, name: str, wrapped: bytes, plain: bytes) -> None:
        self.name = name
        self.wrapped = wrapped
        self.plain = plain

    def __repr__(self) -> str:
        return f"DataKey(name={self.name!r})"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a data key stays in its process: it is not pickled")


class KeyProvider(Protocol):
    """Makes data keys and unwraps them; used from several threads at once.

    Attributes:
        remote: whether its methods wait for something outside of the process, so that the awaiting face calls
            them in a thread.
    """

    remote: bool

    def new_key(self, context: Mapping[str, str]) -> DataKey:
        """A new data key, wrapped by the current master key.

        Parameters:
            context: what the key is for, `{"dynamodb-wrapper:table": ...}`; the same is given to unwrap it.
        """
        ...

    def unwrapped(self, name: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """The data key in a wrapped one.

        Parameters:
            name: the name of the master key, as it is stored.

        Raises:
            DecryptionError: there is no such master key, or it did not wrap this.
        """
        ...


class Keyring:
    """Master keys that the process holds; AES Key Wrap (RFC 3394) wraps data keys with them.

    Parameters:
        keys: master keys of 32 bytes by name. Names are stored with each value, so keep them short.
        current: the name of the one for new data keys; the others only unwrap.
    """

    remote = False

    def __init__(self, keys: Mapping[str, bytes], *, current: str) -> None:
        mend = "give keys of 32 bytes by name, such as {'2026': key}"
        refuse_wrong(type(self).__name__, keys=instance(keys, Mapping, mend))
        for name, key in keys.items():
            if not isinstance(key, bytes) or len(key) != KEY_BYTES:
                raise ValidationError(
                    f"the key {name!r} of the keyring is not of the right length: give {KEY_LENGTH_TEXT}",
                    errors={name: [f"must be {KEY_LENGTH_TEXT}"]},
                )
        if current not in keys:
            known = ", ".join(keys) or "none"
            raise ValidationError(
                f"the keyring has no current key {current!r}; its keys are: {known}",
                errors={"current": [f"must be one of: {known}"]},
            )
        self._keys = dict(keys)
        self.current = current

    def __repr__(self) -> str:
        return f"Keyring({', '.join(map(repr, self._keys))}, current={self.current!r})"

    def new_key(self, context: Mapping[str, str]) -> DataKey:
        """See `KeyProvider.new_key`."""
        plain = token_bytes(KEY_BYTES)
        return DataKey(self.current, aes_key_wrap(self._keys[self.current], plain), plain)

    def unwrapped(self, name: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """See `KeyProvider.unwrapped`."""
        key = self._keys.get(name)
        if key is None:
            raise DecryptionError(f"the keyring has no key {name!r}: give it the key as an older one")
        try:
            return aes_key_unwrap(key, wrapped)
        except InvalidUnwrap:
            raise DecryptionError(
                f"the data key was altered, or wrapped by another key than the keyring's {name!r}"
            ) from None
