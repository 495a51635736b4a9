from __future__ import annotations

from datetime import datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from dynamodb_wrapper.wire.credentials import Credentials
from dynamodb_wrapper.wire.endpoint import Endpoint
from dynamodb_wrapper.wire.signing import CONTENT_TYPE, Signer, timestamp

KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
ENDPOINTS = st.sampled_from(
    [
        Endpoint("https", "dynamodb.eu-west-1.amazonaws.com", 443, "eu-west-1"),
        Endpoint("http", "127.0.0.1", 8000, "us-east-1"),
        Endpoint("http", "::1", 8000, "local"),
        Endpoint("https", "gate.example", 443, "us-east-1", "/a/b%20c"),
    ]
)
STAMPS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(
    lambda moment: f"{moment:%Y%m%dT%H%M%SZ}"
)


def signed_by_botocore(
    endpoint: Endpoint, target: str, body: bytes, credentials: Credentials, stamp: str
) -> str:
    headers = {"Content-Type": CONTENT_TYPE, "X-Amz-Target": target, "X-Amz-Date": stamp}
    if credentials.token is not None:
        headers["X-Amz-Security-Token"] = credentials.token
    request = AWSRequest("POST", f"{endpoint.scheme}://{endpoint.authority}{endpoint.path}", headers, body)
    request.context["timestamp"] = stamp
    keys = BotocoreCredentials(credentials.access_key, credentials.secret_key, credentials.token)
    signer = SigV4Auth(keys, "dynamodb", endpoint.region)
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    return (
        f"Authorization: AWS4-HMAC-SHA256 Credential={signer.scope(request)}, "
        f"SignedHeaders={names}, Signature={signature}"
    )


@given(
    endpoint=ENDPOINTS,
    action=st.sampled_from(["DynamoDB_20120810.GetItem", "DynamoDBStreams_20120810.GetRecords"]),
    body=st.binary(max_size=3000),
    access_key=KEYS,
    secret_key=KEYS,
    token=st.none() | KEYS,
    stamp=STAMPS,
)
def test_the_signature_is_the_one_that_botocore_makes(
    endpoint: Endpoint,
    action: str,
    body: bytes,
    access_key: str,
    secret_key: str,
    token: str | None,
    stamp: str,
) -> None:
    credentials = Credentials(access_key, secret_key, token)
    template = Signer(endpoint).template(action, credentials, stamp)
    lines = (template.headers + template.signature(body)).decode().split("\r\n")
    assert lines[-1] == signed_by_botocore(endpoint, action, body, credentials, stamp)
    assert f"X-Amz-Target: {action}" in lines
    assert f"X-Amz-Date: {stamp}" in lines
    assert (token is not None) == (f"X-Amz-Security-Token: {token}" in lines)


def test_one_signer_follows_a_new_day_and_new_credentials() -> None:
    endpoint = Endpoint("https", "dynamodb.eu-west-1.amazonaws.com", 443, "eu-west-1")
    signer = Signer(endpoint)
    everyone = (Credentials("a", "one"), Credentials("a", "two"), Credentials("a", "two", "token"))
    for stamp in ("20261121T235959Z", "20261122T000000Z", "20261122T000001Z"):
        for credentials in everyone:
            template = signer.template("DynamoDB_20120810.GetItem", credentials, stamp)
            last = (template.headers + template.signature(b"{}")).decode().split("\r\n")[-1]
            assert last == signed_by_botocore(
                endpoint, "DynamoDB_20120810.GetItem", b"{}", credentials, stamp
            )


def test_the_timestamp_follows_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    for now, text in ((1795246200.9, "20261121T073000Z"), (1795246201.0, "20261121T073001Z")):
        monkeypatch.setattr("time.time", lambda now=now: now)
        assert timestamp() == timestamp() == text
