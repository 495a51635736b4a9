"""The format of docs/encryption.md a second time, from primitives of `cryptography` and nothing else."""

from __future__ import annotations

import struct
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import aes_key_wrap


def expanded(key: bytes, salt: bytes | None, info: bytes) -> bytes:
    derived: bytes = HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(key)
    return derived


def lengths(*parts: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def associated_data(vector: dict[str, Any]) -> bytes:
    texts = ["dynamodb-wrapper attribute", vector["table"], vector["attribute"]]
    parts = [text.encode() for text in texts]
    for name, kind, content_hex in vector["key"]:
        parts += [name.encode(), kind.encode(), bytes.fromhex(content_hex)]
    return lengths(*parts)


def ciphertext(vector: dict[str, Any]) -> bytes:
    data_key, salt = bytes.fromhex(vector["data_key"]), bytes.fromhex(vector["salt"])
    wrapped = aes_key_wrap(bytes.fromhex(vector["master_key"]), data_key)
    name = vector["key_name"].encode()
    header: bytes = b"DDBWE\x01" + struct.pack(">HB", vector["schema_version"], len(name)) + name
    header += struct.pack(">H", len(wrapped)) + wrapped + salt
    key, nonce, commitment = (
        expanded(data_key, salt, b"dynamodb-wrapper 1 " + info) for info in (b"key", b"nonce", b"commitment")
    )
    body: bytes = AESGCM(key).encrypt(nonce[:12], vector["json"].encode(), header + associated_data(vector))
    return header + commitment + body


def blind_index(vector: dict[str, Any]) -> bytes:
    info = lengths(b"dynamodb-wrapper blind index", vector["table"].encode(), vector["attribute"].encode())
    hmac = HMAC(expanded(bytes.fromhex(vector["root_key"]), None, info), SHA256())
    hmac.update(lengths(vector["kind"].encode(), bytes.fromhex(vector["content"])))
    whole: bytes = hmac.finalize()
    return whole[:16]
