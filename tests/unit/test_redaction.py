from __future__ import annotations

from decimal import Decimal
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from tests.support.secret_texts import SECRET_TEXTS, urls

from dynamodb_wrapper.models import RunStatus, StageInfo
from dynamodb_wrapper.redaction import redact, redacted

SECRET = "wJalrXUtnFEMI.K7MDENG+bPxRfiCY%40AMPLEKEY="


@pytest.mark.parametrize("template", SECRET_TEXTS)
def test_only_the_secret_of_a_text_is_replaced(template: str) -> None:
    found = redact(template.format(SECRET))
    assert SECRET not in found
    assert "***" in found
    beginning, _, end = template.format("\0").partition("\0")
    assert found.endswith(end)
    user = beginning.rfind("/") + 1 if end.startswith("@") else len(beginning)
    assert found.startswith(beginning[: beginning.rfind(":") + 1 if "oracle" in beginning else user])


@pytest.mark.parametrize("template", SECRET_TEXTS)
@pytest.mark.parametrize(
    "around", ["cannot read {!r}, sorry", '{{"url": "{}", "more": [1]}}', "'{}' failed", "({})"]
)
def test_a_secret_is_found_within_other_texts(template: str, around: str) -> None:
    text = redact(around.format(template.format(SECRET)))
    assert SECRET not in text
    assert text[:1] + text[-1:] == around.format("")[:1] + around.format("")[-1:]


@given(urls())
def test_no_secret_of_a_generated_text_is_left(drawn: tuple[str, str]) -> None:
    secret, text = drawn
    for told in (text, f"cannot read {text!r}", f"Error at {text}\n  in line 5"):
        assert secret not in redact(told)
        assert redact(redact(told)) == redact(told)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("https://user:token@host/path", "https://***@host/path"),
        ("jdbc:postgresql://ada:p@ss@db:5432/sales", "jdbc:postgresql://***@db:5432/sales"),
        ("s3a://AKIA:wJal/K7MD+bPx@bucket/a/b", "s3a://***@bucket/a/b"),
        ("https://a:b@one/x,https://c:d@two/y@z", "https://***@one/x,https://***@two/y@z"),
        ("h?password=a;b&user=ada", "h?password=***&user=ada"),
        ("h;password={a;b};user=ada", "h;password=***};user=ada"),
        ("h;password=p@w;user=ada@db", "h;password=***;user=ada@db"),
        ("AccountKey=abc==;EndpointSuffix=core", "AccountKey=***;EndpointSuffix=core"),
        ("{password=x, user=ada}", "{password=***, user=ada}"),
        ('{"password": "a \\" b", "user": "ada"}', '{"password": "***", "user": "ada"}'),
        (
            "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----***-----END PRIVATE KEY-----",
        ),
    ],
)
def test_what_is_left_can_be_read(text: str, left: str) -> None:
    assert redact(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "primary_key=id and keyspace=sales and token_count=5, max_tokens=9",
        "s3a://bucket/a:b/day=2020-01-01/primary_key=5",
        "abfss://container@account.dfs.core.windows.net/path",
        "ssh://git@host/repo",
        "http://host:8080/users/ada@example.com?x=a@b",
        "jdbc:sqlserver://db:1433;user=ada@db;encrypt=true",
        "hdfs://one:8020,two:8020/a@b",
        "http://[::1]:8080/a@b",
        "jdbc:oracle:thin:@//host:1521/sales",
        "SharedAccessKeyName=all;sort_key=at;secretary=Bob;tokenizer=bert",
        "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host",
        "Basic authentication is not offered; mail ada@example.com at 12:30",
    ],
)
def test_what_is_harmless_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "db_passwd",
        "clientSecret",
        "AUTH_TOKEN",
        "credentials",
        "private_key",
        "accessKey",
        "api-key",
    ],
)
def test_a_value_whose_name_says_that_it_is_secret_is_left_out(name: str) -> None:
    assert redacted({name: "hidden", "deep": [{name: {"more": "hidden"}}]}) == {
        name: "(redacted)",
        "deep": [{name: "(redacted)"}],
    }


@pytest.mark.parametrize(
    "value",
    [
        {"bucket": "b", "key_columns": ["id"], "size": 5, "nested": {"path": None}},
        {"token_count": 5, "tokens": Decimal(5), "max_tokens": "5", "tokenizer": "bert", "is_private": True},
        {"name": "colour", "value": "red", "password": None},
        {1, 2},
    ],
)
def test_all_other_values_stay(value: Any) -> None:
    assert redacted(value) == value


def test_texts_are_found_in_all_that_can_hold_them() -> None:
    text, clean = "https://a:b@host", "https://***@host"
    stage = StageInfo(stage_name="s", status=RunStatus.FAILED, error_message=text)
    assert redacted([(text,), {text}, {text: text}]) == [[clean], {clean}, {clean: clean}]
    assert redacted(stage) == stage.model_copy(update={"error_message": clean})
    assert redacted([{"name": "DB_PASSWORD", "value": "x"}]) == [
        {"name": "DB_PASSWORD", "value": "(redacted)"}
    ]


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "://",
        "a:",
        "password=",
        "token:'",
        "&;",
        "<a",
        "https://a:",
        "x=1&",
        '\\"',
        "apikey.",
        "&",
        "}",
        "&a",
    ],
)
def test_the_time_grows_with_the_length_of_the_text(piece: str) -> None:
    def seconds(length: int) -> float:
        text = "password=" + piece * (length // len(piece)) + "z"
        start = process_time()
        redact(text)
        return process_time() - start

    assert seconds(80_000) < 40 * max(seconds(10_000), 0.001)
