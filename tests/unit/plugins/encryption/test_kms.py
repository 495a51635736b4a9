"""AWS KMS, on moto's server over HTTP: data keys, contexts, keys that are not ours, and errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.session import Session
from botocore.stub import Stubber

from dynamodb_wrapper.exceptions import (
    AuthenticationError,
    ConnectionError,
    DecryptionError,
    DynamoDBWrapperError,
    RetryableError,
    ServiceError,
)
from dynamodb_wrapper.plugins.encryption.kms import AwsKms

pytestmark = pytest.mark.usefixtures("botocore_data")

CONTEXT = {"dynamodb-wrapper:table": "patients"}


def client_at(endpoint_url: str) -> Any:
    session = Session()
    session.set_credentials("local", "local")
    settings = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10)
    return session.create_client("kms", "us-east-1", endpoint_url=endpoint_url, config=settings)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    try:
        client = client_at("http://{}:{}".format(*server.get_host_and_port()))
        yield client
        client.close()
    finally:
        server.stop()


@pytest.fixture
def key_id(client: Any) -> str:
    return str(client.create_key()["KeyMetadata"]["KeyId"])


def test_a_data_key_is_made_and_unwrapped(client: Any, key_id: str) -> None:
    kms = AwsKms(key_id, client=client)
    made = kms.new_key(CONTEXT)
    assert (made.name, len(made.plain)) == (key_id, 32)
    assert made.plain not in made.wrapped
    assert kms.unwrapped(made.name, made.wrapped, CONTEXT) == made.plain
    assert kms.new_key(CONTEXT).plain != made.plain


def test_an_alias_and_an_arn_stand_for_the_key(client: Any, key_id: str) -> None:
    client.create_alias(AliasName=f"alias/{key_id[:8]}", TargetKeyId=key_id)
    made = AwsKms(f"alias/{key_id[:8]}", client=client).new_key(CONTEXT)
    assert made.name == key_id
    arn = client.describe_key(KeyId=key_id)["KeyMetadata"]["Arn"]
    assert AwsKms(arn, client=client).unwrapped(made.name, made.wrapped, CONTEXT) == made.plain


def test_another_context_does_not_unwrap(client: Any, key_id: str) -> None:
    kms = AwsKms(key_id, client=client)
    made = kms.new_key(CONTEXT)
    with pytest.raises(DecryptionError, match="InvalidCiphertext"):
        kms.unwrapped(made.name, made.wrapped, {"dynamodb-wrapper:table": "others"})


def test_an_altered_data_key_does_not_unwrap(client: Any, key_id: str) -> None:
    kms = AwsKms(key_id, client=client)
    made = kms.new_key(CONTEXT)
    with pytest.raises(DecryptionError):
        kms.unwrapped(made.name, made.wrapped[:-1] + bytes([made.wrapped[-1] ^ 1]), CONTEXT)


def test_older_keys_unwrap_and_strangers_are_not_trusted(client: Any, key_id: str) -> None:
    new, stranger = (str(client.create_key()["KeyMetadata"]["KeyId"]) for _ in range(2))
    old = AwsKms(key_id, client=client).new_key(CONTEXT)
    kms = AwsKms(new, older=[key_id], client=client)
    assert kms.unwrapped(old.name, old.wrapped, CONTEXT) == old.plain
    assert kms.new_key(CONTEXT).name == new
    theirs = AwsKms(stranger, client=client).new_key(CONTEXT)
    with pytest.raises(DecryptionError, match="none of the KMS keys given"):
        kms.unwrapped(theirs.name, theirs.wrapped, CONTEXT)
    with pytest.raises((DecryptionError, AuthenticationError)):
        kms.unwrapped(new, theirs.wrapped, CONTEXT)


def test_keys_named_by_alias_are_tried_in_turn(client: Any, key_id: str) -> None:
    other = str(client.create_key()["KeyMetadata"]["KeyId"])
    aliases = [f"alias/{key[:8]}" for key in (other, key_id)]
    for alias, key in zip(aliases, (other, key_id), strict=True):
        client.create_alias(AliasName=alias, TargetKeyId=key)
    made = AwsKms(key_id, client=client).new_key(CONTEXT)
    kms = AwsKms(aliases[0], older=aliases[1:], client=client)
    assert kms.unwrapped(made.name, made.wrapped, CONTEXT) == made.plain


def test_a_key_that_does_not_exist_is_told(client: Any) -> None:
    with pytest.raises(ServiceError, match="NotFoundException: check that the key exists"):
        AwsKms("11111111-1111-1111-1111-111111111111", client=client).new_key(CONTEXT)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("AccessDeniedException", AuthenticationError),
        ("ExpiredTokenException", AuthenticationError),
        ("ThrottlingException", RetryableError),
        ("KMSInternalException", RetryableError),
        ("DisabledException", ServiceError),
        ("IncorrectKeyException", DecryptionError),
    ],
)
def test_what_kms_answers_becomes_an_error_of_this_library(
    code: str, expected: type[DynamoDBWrapperError]
) -> None:
    client = client_at("http://127.0.0.1:9")
    with Stubber(client) as stubber:
        stubber.add_client_error("decrypt", code)
        with pytest.raises(expected, match=code) as caught:
            AwsKms("k", client=client).unwrapped("k", b"wrapped", CONTEXT)
    assert type(caught.value) is expected
    assert caught.value.context["service_code"] == code
    assert caught.value.retryable == (expected is RetryableError)
    client.close()


def test_the_key_is_pinned_in_every_request() -> None:
    client = client_at("http://127.0.0.1:9")
    asked = {"KeyId": "k", "CiphertextBlob": b"wrapped", "EncryptionContext": CONTEXT}
    reply = {"KeyId": "arn:aws:kms:us-east-1:1:key/k", "Plaintext": b"p" * 32}
    with Stubber(client) as stubber:
        stubber.add_response("decrypt", reply, asked)
        assert AwsKms("k", client=client).unwrapped("k", b"wrapped", CONTEXT) == b"p" * 32
        stubber.assert_no_pending_responses()
    client.close()


def test_a_kms_that_is_not_reached_is_a_connection_error() -> None:
    client = client_at("http://127.0.0.1:9")
    with pytest.raises(ConnectionError, match="KMS was not reached"):
        AwsKms("k", client=client).new_key(CONTEXT)
    client.close()


def test_its_own_client_is_made_with_botocores_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(ConnectionError, match="KMS was not reached"):
        AwsKms("k", region_name="eu-central-1").new_key(CONTEXT)
    assert repr(AwsKms("alias/items")) == "AwsKms('alias/items')"
