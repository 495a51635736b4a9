"""The codec of a model with encrypted fields: values leave it marked, and enter it decrypted or not at all.

Knows marks and which attributes are encrypted. Must not know keys nor how encryption is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec
from pydantic import BaseModel

from dynamodb_wrapper.exceptions import DecryptionError
from dynamodb_wrapper.wire.compiled import Codec, ModelPage
from dynamodb_wrapper.wire.plaintext import MAGIC_TEXT, is_ciphertext, to_encrypt
from dynamodb_wrapper.wire.reading import take_unknown
from dynamodb_wrapper.wire.values import WireItem, WireValue, decode_item

M = TypeVar("M", bound=BaseModel)
_ENCODED_MAGIC = f'"{MAGIC_TEXT}'.encode()


class SealedCodec(Codec[M]):
    """As `Codec`, for a model (or a view of one) with encrypted attributes.

    Parameters:
        encrypted: the encrypted attributes, each with the attribute of its blind index or None.
    """

    def __init__(self, model: type[M], encrypted: Mapping[str, str | None], **options: Any) -> None:
        super().__init__(model, **options)
        self.encrypted = encrypted
        self._fields_of_indexes = {index: name for name, index in encrypted.items() if index is not None}

    def encode(self, instance: M) -> WireItem:
        """As `Codec.encode`; encrypted attributes are marked."""
        item = super().encode(instance)
        for name in self.encrypted:
            if name in item:
                item[name] = to_encrypt(item[name])
        return item

    def encode_attribute(self, name: str, value: Any, *, constraints: bool = False) -> WireValue:
        """As `Codec.encode_attribute`; the value of an encrypted attribute is marked.

        That of a blind index is given, and marked, as a value of the encrypted attribute.
        """
        field = self._fields_of_indexes.get(name, name)
        encoded = super().encode_attribute(field, value, constraints=constraints)
        return to_encrypt(encoded) if field in self.encrypted else encoded

    def to_plain(self, instance: M) -> dict[str, Any]:
        """The item as Python values, nothing encrypted: what is done with them is up to the caller."""
        return decode_item(super().encode(instance))

    def decode(self, item: Mapping[str, Mapping[str, Any]], *, table: str = "") -> M:
        """As `Codec.decode`.

        Raises:
            DecryptionError: an attribute is still encrypted, as the other methods raise it too.
        """
        self._refuse_ciphertexts([item], table)
        return self._without_indexes(super().decode(item, table=table))

    def read_item(self, reply: bytes, member: str = "Item", *, table: str = "") -> M | None:
        """As `Codec.read_item`."""
        if _ENCODED_MAGIC in reply:
            self._refuse_ciphertexts([msgspec.json.decode(reply).get(member)], table)
        instance = super().read_item(reply, member, table=table)
        return None if instance is None else self._without_indexes(instance)

    def read_page(self, reply: bytes, *, table: str = "") -> ModelPage[M]:
        """As `Codec.read_page`."""
        if _ENCODED_MAGIC in reply:
            self._refuse_ciphertexts(msgspec.json.decode(reply).get("Items", ()), table)
        page = super().read_page(reply, table=table)
        for instance in page.items:
            self._without_indexes(instance)
        return page

    def _refuse_ciphertexts(self, items: Iterable[Any], table: str) -> None:
        for item in items:
            for name in self.encrypted:
                if item and name in item and is_ciphertext(item[name]):
                    raise DecryptionError(
                        f"{self.model.__name__}.{name} is stored encrypted, and nothing in this client "
                        "decrypts it: use the plugin dynamodb_wrapper.plugins.encryption.Encryption with "
                        "the model among its models",
                        context={"table": table, "attribute": name},
                    )

    def _without_indexes(self, instance: M) -> M:
        take_unknown(instance, self._fields_of_indexes)
        return instance
