"""Data keys from AWS KMS: GenerateDataKey and Decrypt, through botocore.

Knows KMS's calls and its errors. Must not know items or ciphertexts. botocore is imported when it is used.
Source: https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html and API_Decrypt.html
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dynamodb_wrapper.exceptions import (
    AuthenticationError,
    ConnectionError,
    DecryptionError,
    DynamoDBWrapperError,
    RetryableError,
    ServiceError,
)
from dynamodb_wrapper.plugins.encryption.keys import DataKey
from dynamodb_wrapper.plugins.options import instance, names, refuse_wrong

CONNECT_SECONDS: Final = 3.0
READ_SECONDS: Final = 5.0
_NOT_WRAPPED_BY_IT: Final = ("IncorrectKeyException", "InvalidCiphertextException")
_DENIED: Final = ("AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException")
_PASSING: Final = (
    "ThrottlingException",
    "KMSInternalException",
    "DependencyTimeoutException",
    "KeyUnavailableException",
)


class AwsKms:
    """Data keys that AWS KMS makes and unwraps.

    KMS sees the table's name as encryption context, so that a policy may ask for it.

    Parameters:
        key_id: the KMS key for new data keys: its id, ARN, or an alias such as "alias/items".
        older: further KMS keys, which unwrap only; no others are asked, whatever a ciphertext says.
        region_name: the key's Region; botocore's own settings where none is given.
        client: a KMS client of botocore or boto3, where it needs settings of its own.
    """

    remote = True

    def __init__(
        self,
        key_id: str,
        *,
        older: Sequence[str] = (),
        region_name: str | None = None,
        client: Any = None,
    ) -> None:
        refuse_wrong(
            type(self).__name__,
            key_id=instance(key_id, str, "give a key's id, its ARN, or an alias such as 'alias/items'"),
            older=names(older) and "is no list of keys; give one, such as ['alias/items-2025']",
        )
        self._key_ids = (key_id, *older)
        self._region_name = region_name
        self._client = client
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"AwsKms({self._key_ids[0]!r})"

    def new_key(self, context: Mapping[str, str]) -> DataKey:
        """See `KeyProvider.new_key`."""
        reply = self._call(
            "generate_data_key", KeyId=self._key_ids[0], KeySpec="AES_256", EncryptionContext=dict(context)
        )
        return DataKey(_name(reply["KeyId"]), reply["CiphertextBlob"], reply["Plaintext"])

    def unwrapped(self, name: str, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """See `KeyProvider.unwrapped`."""
        refusal: DynamoDBWrapperError | None = None
        for key_id in self._candidates(name):
            try:
                reply = self._call(
                    "decrypt", KeyId=key_id, CiphertextBlob=wrapped, EncryptionContext=dict(context)
                )
            except (DecryptionError, AuthenticationError) as error:
                refusal = refusal or error
                continue
            if _name(reply["KeyId"]) == name:
                plain: bytes = reply["Plaintext"]
                return plain
        raise refusal or DecryptionError(
            f"the data key was wrapped by {name!r}, which is none of the KMS keys given: add it to older"
        )

    def _candidates(self, name: str) -> list[str]:
        """The keys that may be that one: of aliases KMS alone knows."""
        named = [key_id for key_id in self._key_ids if _name(key_id) == name]
        return named or [key_id for key_id in self._key_ids if "alias/" in key_id]

    def _call(self, method: str, **arguments: Any) -> dict[str, Any]:
        from botocore import exceptions as boto

        try:
            reply: dict[str, Any] = getattr(self._made(), method)(**arguments)
        except boto.ClientError as error:
            raise _refusal(method, str(arguments["KeyId"]), error) from error
        except (boto.NoCredentialsError, boto.PartialCredentialsError) as error:
            raise AuthenticationError(
                f"botocore has no credentials for KMS: {error}. Set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, or give AwsKms a client that has some",
                error,
            ) from error
        except boto.BotoCoreError as error:
            raise ConnectionError(
                f"KMS was not reached ({method}): {error}. Check the Region, the endpoint and the network",
                error,
            ) from error
        return reply

    def _made(self) -> Any:
        with self._lock:
            if self._client is None:
                from botocore.config import Config
                from botocore.session import Session

                settings = Config(
                    connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"mode": "standard"}
                )
                self._client = Session().create_client("kms", self._region_name, config=settings)
            return self._client


def _name(key_id: str) -> str:
    """What stands behind the last slash of an ARN: the id of the key."""
    return key_id.rpartition("/")[2]


def _refusal(method: str, key_id: str, error: Any) -> DynamoDBWrapperError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    context = {"operation": method, "service_code": code}
    text = f"KMS answered {method} with the key {key_id!r} with {code}"
    if code in _NOT_WRAPPED_BY_IT:
        return DecryptionError(f"{text}: the data key was altered or wrapped by another", error, context)
    if code in _DENIED:
        return AuthenticationError(
            f"{text}: check the credentials and the permission kms:{_ACTIONS[method]}", error, context
        )
    if code in _PASSING:
        return RetryableError(f"{text}: try again", error, context)
    return ServiceError(f"{text}: check that the key exists in this Region and is enabled", error, context)


_ACTIONS: Final = {"generate_data_key": "GenerateDataKey", "decrypt": "Decrypt"}
