from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from tests.support.faults import FaultServer

from dynamodb_wrapper.plugins import RedactSecrets, redact_secrets

SECRET, TOKEN = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "FwoGZXIvYXdzEBYaDEXAMPLETOKEN=="


@pytest.fixture
def written() -> Iterator[tuple[logging.Logger, logging.Handler, io.StringIO]]:
    """A logger, its handler, and what is written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s %(extra)s", defaults={"extra": ""}))
    logger = logging.getLogger("shop.redacted")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(handler)
    yield logger, handler, stream
    logger.removeHandler(handler)


@pytest.mark.parametrize(
    "text",
    [
        '{"SecretAccessKey": "%s", "Expiration": "later"}',
        '{\\"SecretAccessKey\\":\\"%s\\",\\"Expiration\\":\\"later\\"}',
        "aws_secret_access_key=%s later",
        "<SessionToken>%s</SessionToken>later",
        "{'X-Amz-Security-Token': b'%s', 'later': 1}",
        "x-amz-security-token:%s\nlater",
        "https://host/?X-Amz-Security-Token=%s&later=1",
        "Authorization: Bearer %s later",
        "'accessToken': '%s', 'later'",
        "jdbc:postgresql://ada:%s@host/later",
        "jdbc:sqlserver://host;password=%s;later=1",
    ],
)
def test_what_stands_after_the_name_of_a_secret_is_hidden(text: str) -> None:
    redacted = RedactSecrets().redacted(text % SECRET)
    assert SECRET not in redacted
    assert "[redacted]" in redacted
    assert "later" in redacted


def test_a_signature_is_hidden_and_the_rest_of_the_header_stays() -> None:
    header = (
        "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/dynamodb/aws4_request, Signature=" + "0f" * 32
    )
    redacted = RedactSecrets().redacted(header)
    assert redacted.endswith("Signature=[redacted]")
    assert "Credential=AKID/20260101" in redacted


def test_known_secrets_are_hidden_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "local")  # too short to be one
    redact = RedactSecrets(["my-own-secret"])
    assert redact.redacted(f"a{SECRET}b my-own-secret local") == "a[redacted]b [redacted] local"


def test_messages_arguments_extra_and_tracebacks_are_searched(written: Any) -> None:
    logger, handler, stream = written
    redact = redact_secrets(handler, secrets=[SECRET])
    logger.info("given %s and %s", {"secret": SECRET}, 5, extra={"extra": f"with {SECRET}"})
    try:
        raise ValueError(f"wrong: {SECRET}")
    except ValueError:
        logger.exception("failed")
    text = stream.getvalue()
    assert SECRET not in text
    assert "and 5 with [redacted]" in text
    assert "ValueError: wrong: [redacted]" in text
    handler.removeFilter(redact)
    logger.info(SECRET)
    assert SECRET in stream.getvalue()


def test_other_records_pass_as_they_are(written: Any) -> None:
    logger, handler, stream = written
    redact_secrets(handler)
    logger.info("took %d ms", 7)
    logger.info("the key is %s", "AKID")
    assert stream.getvalue().split("\n")[:2] == ["took 7 ms ", "the key is AKID "]


@pytest.mark.parametrize("redacted", [True, False])
def test_botocore_writes_no_secrets_when_it_was_asked_for(redacted: bool) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.getLogger("botocore")
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    redact = redact_secrets(secrets=[SECRET]) if redacted else None
    try:
        with FaultServer() as server:
            client = boto3.client(
                "dynamodb",
                endpoint_url=server.url,
                region_name="us-east-1",
                aws_access_key_id="AKID",
                aws_secret_access_key=SECRET,
                aws_session_token=TOKEN,
            )
            client.list_tables()
            client.close()
            signature = server.requests[0].headers["authorization"].rpartition("Signature=")[2]
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        for each in logging.root.manager.loggerDict.values():
            if redact is not None and isinstance(each, logging.Logger):
                each.removeFilter(redact)
    text = stream.getvalue()
    assert "ListTables" in text
    assert (TOKEN in text, signature in text) == (not redacted, not redacted)
