"""Encryption of fields on the client, with AES-256-GCM and data keys from AWS KMS or a keyring.

Needs the extra `encryption`. The form of what is stored, and what it does not protect from, stands in
docs/encryption.md.
"""

from __future__ import annotations

from dynamodb_wrapper.plugins.options import missing_extra

try:
    import cryptography  # noqa: F401
except ImportError as error:
    raise missing_extra("Encryption", "cryptography", "encryption", error) from error

from dynamodb_wrapper.plugins.encryption.keys import DataKey, KeyProvider, Keyring
from dynamodb_wrapper.plugins.encryption.kms import AwsKms
from dynamodb_wrapper.plugins.encryption.plugin import Encryption
from dynamodb_wrapper.plugins.encryption.rotation import Rotation, RotationReport

__all__ = ["AwsKms", "DataKey", "Encryption", "KeyProvider", "Keyring", "Rotation", "RotationReport"]
