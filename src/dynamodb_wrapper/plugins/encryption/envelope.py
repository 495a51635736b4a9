"""The ciphertext of one attribute: its binary form, version 1, and how it is made and opened.

Knows bytes, AES-256-GCM and HKDF-SHA256. Must not know items, tables or where data keys come from.

    offset  size  what
    0       5     "DDBWE"
    5       1     the format's version: 1
    6       2     the schema's version (numbers are unsigned, the most significant byte first)
    8       1     k, the length of the master key's name, 1 to 255
    9       k     the master key's name, UTF-8
    9+k     2     w, the length of the wrapped data key, 1 to 65535
    11+k    w     the data key as its provider wrapped it
    11+k+w  16    the salt, random
    27+k+w  32    the key's commitment
    59+k+w  n     the encrypted value, as long as its JSON
    ...     16    the tag of AES-GCM

Each ciphertext has keys of its own, derived from the data key and the salt by HKDF-SHA256 (RFC 5869) with
the info `dynamodb-wrapper 1 key`, `... nonce` (its first 12 bytes) and `... commitment`. The commitment fixes
the data key: without it a GCM ciphertext can be made to open under two keys ("How to Abuse and Fix
Authenticated Encryption Without Key Commitment", Albertini et al., 2020). What stands before the commitment
is associated data too.
"""

from __future__ import annotations

import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.wire.plaintext import MAGIC

SALT_BYTES: Final = 16
COMMITMENT_BYTES: Final = 32
TAG_BYTES: Final = 16
KEY_BYTES: Final = 32
_LONGEST_NAME: Final = 255
_LONGEST_WRAPPED: Final = 65535


class BadCiphertext(Exception):
    """A ciphertext cannot be opened; the text says why, and nothing of the value."""


class Header(Struct, frozen=True):
    """What a ciphertext says in the clear.

    Parameters:
        schema_version: which version of the model wrote it.
        key_name: the name of the master key.
        wrapped: the data key as its provider wrapped it.
        salt: 16 random bytes.
    """

    schema_version: int
    key_name: str
    wrapped: bytes
    salt: bytes

    def encoded(self) -> bytes:
        """The bytes before the commitment.

        Raises:
            ValidationError: a provider gave a name or a wrapped key of a length that does not fit.
        """
        name = self.key_name.encode()
        if not 1 <= len(name) <= _LONGEST_NAME or not 1 <= len(self.wrapped) <= _LONGEST_WRAPPED:
            raise ValidationError(
                f"a key's name has {len(name)} bytes and the wrapped data key {len(self.wrapped)}: 1 to "
                f"{_LONGEST_NAME} and 1 to {_LONGEST_WRAPPED} can be stored"
            )
        return b"".join(
            (
                MAGIC,
                self.schema_version.to_bytes(2),
                len(name).to_bytes(1),
                name,
                len(self.wrapped).to_bytes(2),
                self.wrapped,
                self.salt,
            )
        )


class Envelope(Struct, frozen=True):
    """A ciphertext taken apart; `body` is the encrypted value with its tag."""

    header: Header
    commitment: bytes
    body: bytes


class Keys(Struct, frozen=True):
    """What one ciphertext is made with; not shown by `repr`."""

    key: bytes
    nonce: bytes
    commitment: bytes

    def __repr__(self) -> str:
        return "Keys(...)"


def derived_keys(data_key: bytes, salt: bytes) -> Keys:
    """The keys of one ciphertext: HKDF-SHA256, extract once and expand to one block for each."""
    extracted = hmac.digest(salt, data_key, "sha256")
    key, nonce, commitment = (
        hmac.digest(extracted, b"dynamodb-wrapper 1 %s\x01" % info, "sha256")
        for info in (b"key", b"nonce", b"commitment")
    )
    return Keys(key, nonce[:12], commitment)


def seal(plaintext: bytes, data_key: bytes, header: Header, associated: bytes) -> bytes:
    """The ciphertext of a value.

    Parameters:
        data_key: 32 bytes.
        header: with a salt that was never used with this data key.
        associated: what the ciphertext belongs to; it opens with the same bytes only.
    """
    begin, keys = header.encoded(), derived_keys(data_key, header.salt)
    body = AESGCM(keys.key).encrypt(keys.nonce, plaintext, begin + associated)
    return begin + keys.commitment + body


def parse(ciphertext: bytes) -> Envelope:
    """Take a ciphertext apart.

    Raises:
        BadCiphertext: it is none, or of another version of the format.
    """
    if not ciphertext.startswith(MAGIC):
        raise BadCiphertext("it is not encrypted in a form that this version knows")
    name_end = 9 + ciphertext[8] if len(ciphertext) > 8 else 0
    salt_start = name_end + 2 + int.from_bytes(ciphertext[name_end : name_end + 2])
    body_start = salt_start + SALT_BYTES + COMMITMENT_BYTES
    if name_end == 0 or len(ciphertext) < body_start + TAG_BYTES:
        raise BadCiphertext("it is cut off")
    try:
        key_name = ciphertext[9:name_end].decode()
    except UnicodeDecodeError:
        raise BadCiphertext("the name of its key is no text") from None
    salt = ciphertext[salt_start : salt_start + SALT_BYTES]
    header = Header(int.from_bytes(ciphertext[6:8]), key_name, ciphertext[name_end + 2 : salt_start], salt)
    return Envelope(header, ciphertext[salt_start + SALT_BYTES : body_start], ciphertext[body_start:])


def unseal(envelope: Envelope, data_key: bytes, associated: bytes) -> bytes:
    """The value in a ciphertext.

    Raises:
        BadCiphertext: the data key is another, the ciphertext was altered, or it belongs to something else.
    """
    keys = derived_keys(data_key, envelope.header.salt)
    if not hmac.compare_digest(keys.commitment, envelope.commitment):
        raise BadCiphertext("it was altered, or made with another data key")
    try:
        return AESGCM(keys.key).decrypt(keys.nonce, envelope.body, envelope.header.encoded() + associated)
    except InvalidTag:
        raise BadCiphertext("it was altered, or moved here from another item, attribute or table") from None
