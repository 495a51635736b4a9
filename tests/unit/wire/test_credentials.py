from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.exceptions import AuthenticationError, ValidationError
from dynamodb_wrapper.wire.credentials import Credentials, CredentialSource


def values(credentials: Credentials | None) -> tuple[str, str, str | None]:
    assert credentials is not None
    return credentials.access_key, credentials.secret_key, credentials.token


def test_given_keys_are_used_as_they_are(settings: Any) -> None:
    source = CredentialSource(settings(aws_session_token="TOKEN"))
    assert source.current() is source.load()
    assert values(source.load()) == ("AKID", "SECRET", "TOKEN")


def test_the_secret_is_not_shown() -> None:
    assert repr(Credentials("AKID", "SECRET", "TOKEN")) == "Credentials(access_key='AKID')"


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"aws_access_key_id": "AKID"}, "aws_secret_access_key"),
        ({"aws_secret_access_key": "SECRET"}, "aws_access_key_id"),
    ],
)
def test_half_a_pair_of_keys_is_refused(given: dict[str, Any], missing: str) -> None:
    with pytest.raises(AuthenticationError, match=f"{missing} is missing"):
        CredentialSource(DynamoDBConfig.model_construct(**given))


@pytest.mark.parametrize("field", ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"])
@pytest.mark.parametrize("ending", [" x", "\u00e9", "\r\nX-Evil: 1"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(
    settings: Any, field: str, ending: str
) -> None:
    with pytest.raises((AuthenticationError, ValidationError), match=field) as caught:
        CredentialSource(settings(**{field: f"Kept{ending}"}))
    assert "Kept" not in str(caught.value)


def test_a_profile_of_the_shared_file_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id=D\naws_secret_access_key=d\n"
        "[work]\naws_access_key_id=W\naws_secret_access_key=w\n"
    )
    assert values(CredentialSource(DynamoDBConfig()).load()) == ("D", "d", None)
    source = CredentialSource(DynamoDBConfig(profile_name="work"))
    assert source.current() is None
    assert values(source.load()) == ("W", "w", None)
    assert source.current() is source.load()


def test_an_unknown_profile_is_named() -> None:
    with pytest.raises(AuthenticationError, match="nowhere"):
        CredentialSource(DynamoDBConfig(profile_name="nowhere")).load()


def test_no_credentials_at_all_says_where_it_looked() -> None:
    with pytest.raises(AuthenticationError, match=r"single sign-on.*for_local_development"):
        CredentialSource(DynamoDBConfig()).load()


def process_profile(tmp_path: Path, answer: dict[str, Any]) -> DynamoDBConfig:
    """A profile whose credentials come from a command that prints `answer`, and counts how often it ran."""
    (tmp_path / "answer.json").write_text(json.dumps(answer))
    script = tmp_path / "give.py"
    script.write_text(
        "from pathlib import Path\n"
        f"home = Path({str(tmp_path)!r})\n"
        "(home / 'runs').open('a').write('x')\n"
        "print((home / 'answer.json').read_text())\n"
    )
    (tmp_path / "config").write_text(f"[profile p]\ncredential_process = {sys.executable} {script}\n")
    return DynamoDBConfig(profile_name="p")


def lasting(minutes: float, key: str) -> dict[str, Any]:
    until = datetime.now(UTC) + timedelta(minutes=minutes)
    return {
        "Version": 1,
        "AccessKeyId": key,
        "SecretAccessKey": "s",
        "SessionToken": "t",
        "Expiration": until.isoformat(),
    }


def test_credentials_that_last_are_not_fetched_again(tmp_path: Path) -> None:
    source = CredentialSource(process_profile(tmp_path, lasting(60, "FIRST")))
    assert values(source.load()) == ("FIRST", "s", "t")
    assert source.current() is source.load()
    assert (tmp_path / "runs").read_text() == "x"


def test_credentials_are_refreshed_before_they_expire(tmp_path: Path) -> None:
    source = CredentialSource(process_profile(tmp_path, lasting(5, "FIRST")))
    source.load()
    (tmp_path / "answer.json").write_text(json.dumps(lasting(60, "SECOND")))
    assert source.current() is None
    assert values(source.load()) == ("SECOND", "s", "t")
    assert values(source.current()) == ("SECOND", "s", "t")


def test_a_failed_refresh_is_an_authentication_error(tmp_path: Path) -> None:
    source = CredentialSource(process_profile(tmp_path, lasting(5, "FIRST")))
    source.load()
    (tmp_path / "answer.json").write_text(json.dumps({"Version": 7}))
    with pytest.raises(AuthenticationError, match="could not be refreshed"):
        source.load()
