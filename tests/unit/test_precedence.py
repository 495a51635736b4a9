"""Where a setting comes from: in `from_env` environment, passed, default; in the constructor passed first."""

from __future__ import annotations

from pathlib import Path

import pytest

from dynamodb_wrapper import DynamoDBConfig

DEFAULT = {"region_name": "us-east-1", "user_timezone": None, "table_prefix": ""}
VARIABLES = {
    "region_name": "AWS_REGION",
    "user_timezone": "DYNAMODB_USER_TIMEZONE",
    "table_prefix": "DYNAMODB_TABLE_PREFIX",
}
OF_ENVIRONMENT = {"region_name": "eu-north-1", "user_timezone": "Europe/Oslo", "table_prefix": "env_"}
OF_FILE = {"region_name": "eu-west-2", "user_timezone": "Europe/London", "table_prefix": "file_"}
PASSED = {"region_name": "ap-northeast-1", "user_timezone": "Asia/Tokyo", "table_prefix": "passed_"}


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory without a .env file, and an environment without settings."""
    monkeypatch.chdir(tmp_path)
    for variable in (*VARIABLES.values(), "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize("field", DEFAULT)
@pytest.mark.parametrize(
    ("environment", "file", "passed", "from_env", "constructed"),
    [
        (False, False, False, DEFAULT, DEFAULT),
        (False, False, True, PASSED, PASSED),
        (False, True, False, OF_FILE, OF_FILE),
        (False, True, True, OF_FILE, PASSED),
        (True, False, False, OF_ENVIRONMENT, OF_ENVIRONMENT),
        (True, False, True, OF_ENVIRONMENT, PASSED),
        (True, True, False, OF_ENVIRONMENT, OF_ENVIRONMENT),
        (True, True, True, OF_ENVIRONMENT, PASSED),
    ],
)
def test_where_a_setting_comes_from(
    field: str,
    environment: bool,
    file: bool,
    passed: bool,
    from_env: dict[str, str | None],
    constructed: dict[str, str | None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    if environment:
        monkeypatch.setenv(VARIABLES[field], OF_ENVIRONMENT[field])
    if file:
        (tmp_path / ".env").write_text(f"{VARIABLES[field]}={OF_FILE[field]}\n")
    given = {field: PASSED[field]} if passed else {}
    assert getattr(DynamoDBConfig.from_env(**given), field) == from_env[field]  # type: ignore[arg-type]
    assert getattr(DynamoDBConfig(**given), field) == constructed[field]  # type: ignore[arg-type]
