from __future__ import annotations

import copy
import json
import pickle
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, TypeAdapter

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.exceptions import ValidationError

VARIABLES = {
    "AWS_ACCESS_KEY_ID": ("aws_access_key_id", "AKID"),
    "AWS_SECRET_ACCESS_KEY": ("aws_secret_access_key", "hush"),
    "AWS_SESSION_TOKEN": ("aws_session_token", "token"),
    "AWS_REGION": ("region_name", "eu-north-1"),
    "AWS_PROFILE": ("profile_name", "work"),
    "DYNAMODB_ENDPOINT_URL": ("endpoint_url", "http://localhost:9000"),
    "DYNAMODB_TABLE_PREFIX": ("table_prefix", "team_"),
    "DYNAMODB_USER_TIMEZONE": ("user_timezone", "Europe/Oslo"),
    "ENVIRONMENT": ("environment", "staging"),
    "DYNAMODB_DEBUG_LOGGING": ("debug_logging", True),
    "DYNAMODB_CURSOR_SECRET": ("cursor_secret", "sign"),
    "DYNAMODB_ALLOW_SCAN": ("allow_scan", True),
}


def plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in (*VARIABLES, "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)


def test_defaults_are_those_of_the_contract() -> None:
    config = DynamoDBConfig()
    assert (config.region_name, config.table_prefix, config.environment) == ("us-east-1", "", "dev")
    assert (config.max_pool_connections, config.timeout_seconds, config.retries) == (50, 30.0, 4)
    assert config.connect_timeout_seconds == 5.0
    assert config.debug_logging is False
    assert config.endpoint_url is config.user_timezone is config.profile_name is None
    assert (config.aws_access_key_id, config.aws_secret_access_key, config.aws_session_token) == (None,) * 3


@pytest.mark.parametrize("variable", VARIABLES)
def test_each_variable_is_read(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    field, value = VARIABLES[variable]
    monkeypatch.setenv(variable, str(value).lower() if value is True else str(value))
    assert plain(getattr(DynamoDBConfig(), field)) == value


@pytest.mark.parametrize("variable", VARIABLES)
def test_each_variable_is_read_from_dotenv(variable: str, tmp_path: Path) -> None:
    field, value = VARIABLES[variable]
    (tmp_path / ".env").write_text(f"{variable}={value}\n")
    assert plain(getattr(DynamoDBConfig(), field)) == value


def test_explicit_wins_over_environment_over_dotenv_over_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("DYNAMODB_TABLE_PREFIX=file_\nENVIRONMENT=prod\n")
    assert DynamoDBConfig().table_prefix == "file_"
    monkeypatch.setenv("DYNAMODB_TABLE_PREFIX", "env_")
    assert DynamoDBConfig().table_prefix == "env_"
    assert DynamoDBConfig().environment == "prod"
    assert DynamoDBConfig(table_prefix="own_").table_prefix == "own_"


def test_explicit_none_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNAMODB_ENDPOINT_URL", "http://localhost:9000")
    assert DynamoDBConfig(endpoint_url=None).endpoint_url is None


def test_a_changed_dotenv_is_read_again(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DYNAMODB_TABLE_PREFIX=a_\n")
    assert DynamoDBConfig().table_prefix == "a_"
    (tmp_path / ".env").write_text("DYNAMODB_TABLE_PREFIX=longer_\n")
    assert DynamoDBConfig().table_prefix == "longer_"


def test_an_unreadable_dotenv_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValidationError, match=r"\.env cannot be read"):
        DynamoDBConfig()


def test_a_folder_called_dotenv_is_not_a_settings_file(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert DynamoDBConfig().table_prefix == ""


def test_an_empty_variable_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "")
    assert DynamoDBConfig().region_name == "us-east-1"


def test_aws_region_comes_before_aws_default_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    assert DynamoDBConfig().region_name == "eu-west-3"
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    assert DynamoDBConfig().region_name == "eu-west-2"


def test_an_explicit_access_key_does_not_get_the_environments_session_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-another-key")
    assert DynamoDBConfig(aws_access_key_id="A", aws_secret_access_key="s").aws_session_token is None


@pytest.mark.parametrize(
    ("half", "other"),
    [
        ("aws_access_key_id", "aws_secret_access_key"),
        ("aws_secret_access_key", "aws_access_key_id"),
    ],
)
def test_half_a_pair_of_credentials_does_not_get_the_environments_other_half(
    half: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "A")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    given: Any = {half: "mine"}
    with pytest.raises(ValidationError, match=f"{other}: is missing beside {half}: give both") as refused:
        DynamoDBConfig(**given)
    assert list(refused.value.errors) == [other]


def test_an_explicit_profile_sets_the_environments_credentials_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "A")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    config = DynamoDBConfig(profile_name="work")
    assert (config.aws_access_key_id, config.aws_secret_access_key) == (None, None)


def test_from_env_environment_wins_over_passed_over_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "prod")
    config = DynamoDBConfig.from_env(environment="test", table_prefix="t_")
    assert (config.environment, config.table_prefix, config.region_name) == ("prod", "t_", "us-east-1")


def test_from_env_does_not_mix_a_passed_token_with_the_environments_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "A")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    config = DynamoDBConfig.from_env(aws_session_token="old", profile_name="p")
    assert config.aws_access_key_id == "A"
    assert config.aws_session_token is None


def test_for_local_development_never_takes_real_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "REAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("ENVIRONMENT", "prod")
    config = DynamoDBConfig.for_local_development()
    assert config.endpoint_url == "http://localhost:8000"
    assert config.environment == "dev"
    assert config.aws_access_key_id is not None
    assert config.aws_access_key_id.isalnum()
    assert config.aws_access_key_id != "REAL"
    assert "real" not in (plain(config.aws_secret_access_key), plain(config.aws_session_token))


def test_for_local_development_heeds_the_endpoint_variable_and_arguments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DYNAMODB_ENDPOINT_URL", "http://localhost:9000")
    assert DynamoDBConfig.for_local_development().endpoint_url == "http://localhost:9000"
    given = DynamoDBConfig.for_local_development(endpoint_url="http://[::1]:7000", table_prefix="x_")
    assert (given.endpoint_url, given.table_prefix) == ("http://[::1]:7000", "x_")


class SparkConf:
    """Answers as pyspark's SparkConf does: `get` with a default, None when a key is not set."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values

    def get(self, key: str, default: str | None = None) -> str | None:
        return self.values.get(key, default)


@pytest.mark.parametrize("wrap", [dict, SparkConf])
def test_for_pyspark_takes_credentials_region_and_endpoint_from_the_conf(
    wrap: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    conf = {
        "spark.hadoop.fs.s3a.access.key": "AKID",
        "spark.hadoop.fs.s3a.secret.key": "hush",
        "spark.hadoop.fs.s3a.session.token": "token",
        "spark.hadoop.fs.s3a.endpoint.region": "eu-west-1",
        "spark.dynamodb.endpoint": "http://localhost:8000",
        "spark.dynamodb.table.prefix": "s_",
    }
    config = DynamoDBConfig.for_pyspark(wrap(conf))
    assert (config.max_pool_connections, config.timeout_seconds, config.retries) == (100, 60.0, 5)
    assert (config.aws_access_key_id, plain(config.aws_secret_access_key)) == ("AKID", "hush")
    assert plain(config.aws_session_token) == "token"
    assert (config.region_name, config.endpoint_url) == ("eu-west-1", "http://localhost:8000")
    assert config.get_table_name("t") == "s_t"


def test_for_pyspark_takes_all_credentials_from_one_place() -> None:
    conf = {
        "spark.dynamodb.access.key": "OWN",
        "spark.dynamodb.secret.key": "own",
        "spark.hadoop.fs.s3a.access.key": "S3",
        "spark.hadoop.fs.s3a.session.token": "s3",
    }
    config = DynamoDBConfig.for_pyspark(conf)
    assert (config.aws_access_key_id, plain(config.aws_secret_access_key)) == ("OWN", "own")
    assert config.aws_session_token is None


def test_for_pyspark_without_a_conf_reads_the_environment_and_arguments_win(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    config = DynamoDBConfig.for_pyspark(retries=9)
    assert (config.region_name, config.retries, config.max_pool_connections) == ("us-west-2", 9, 100)


def test_with_timezone_sets_the_zone_and_takes_other_settings() -> None:
    config = DynamoDBConfig.with_timezone("Europe/London", table_prefix="x_")
    assert (config.user_timezone, config.table_prefix) == ("Europe/London", "x_")


BREACHES = [
    ({"region_name": "us-esat-1"}, "did you mean 'us-east-1'"),
    ({"region_name": "invalid-region"}, "'eu-central-1'"),
    ({"region_name": "us-east-0"}, "area-direction-number"),
    ({"region_name": ""}, "area-direction-number"),
    ({"environment": "production"}, "'dev', 'staging', 'prod' or 'test'"),
    ({"user_timezone": "America/New_Yrok"}, "did you mean 'America/New_York'"),
    ({"endpoint_url": "localhost:8000"}, r"http://host\[:port\]"),
    ({"endpoint_url": "ftp://localhost"}, r"http://host\[:port\]"),
    ({"endpoint_url": "http://localhost:99999"}, r"http://host\[:port\]"),
    ({"endpoint_url": "http://localhost:8000/path"}, r"http://host\[:port\]"),
    ({"endpoint_url": "http://local host"}, r"http://host\[:port\]"),
    ({"table_prefix": "a/b"}, "match pattern"),
    ({"max_pool_connections": 0}, "greater than or equal to 1"),
    ({"retries": 0}, "greater than or equal to 1"),
    ({"retries": 101}, "less than or equal to 100"),
    ({"timeout_seconds": 0}, "greater than 0"),
    ({"timeout_seconds": float("nan")}, "3600"),
    ({"connect_timeout_seconds": -1}, "greater than 0"),
    ({"regoin_name": "us-east-1"}, "did you mean 'region_name'"),
]


WAYS: dict[str, Callable[[dict[str, Any]], object]] = {
    "the class": lambda settings: DynamoDBConfig(**settings),
    "model_validate": DynamoDBConfig.model_validate,
    "from_env": lambda settings: DynamoDBConfig.from_env(**settings),
    "for_local_development": lambda settings: DynamoDBConfig.for_local_development(**settings),
    "for_pyspark": lambda settings: DynamoDBConfig.for_pyspark(None, **settings),
    "replace": lambda settings: DynamoDBConfig().replace(**settings),
    "model_copy": lambda settings: DynamoDBConfig().model_copy(update=settings),
    "an adapter": TypeAdapter(DynamoDBConfig).validate_python,
}


@pytest.mark.parametrize(("settings", "told"), BREACHES)
def test_a_breach_names_the_field_and_what_is_allowed(settings: dict[str, Any], told: str) -> None:
    (field,) = settings
    refusals = {way: refusal(make, settings) for way, make in WAYS.items()}
    wrong = {
        way: error
        for way, error in refusals.items()
        if not error
        or [*error.errors] != [field]
        or not re.search(told, str(error))
        or field not in str(error)
    }
    assert wrong == {}


def refusal(make: Callable[[dict[str, Any]], object], settings: dict[str, Any]) -> ValidationError | None:
    try:
        make(settings)
    except ValidationError as error:
        return error
    return None


@pytest.mark.parametrize("make", [DynamoDBConfig, DynamoDBConfig.from_env])
def test_a_breach_by_the_environment_names_the_variable(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    with pytest.raises(ValidationError, match="variable ENVIRONMENT"):
        make()


@pytest.mark.parametrize("text", ['{"retries": 0}', "[]", "{"])
def test_json_that_does_not_fit_is_our_error(text: str) -> None:
    with pytest.raises(ValidationError):
        DynamoDBConfig.model_validate_json(text)


@pytest.mark.parametrize(
    "name",
    [
        "us-east-1",
        "us-gov-west-1",
        "cn-northwest-1",
        "eusc-de-east-1",
        "us-isob-east-1",
        "ap-southeast-7",
        "local",
    ],
)
def test_regions_of_every_partition_are_allowed(name: str) -> None:
    assert DynamoDBConfig(region_name=name).region_name == name


def test_every_region_that_botocore_knows_is_allowed() -> None:
    import botocore.session

    session = botocore.session.Session()
    for partition in session.get_available_partitions():
        for name in session.get_available_regions("dynamodb", partition):
            assert DynamoDBConfig(region_name=name).region_name == name


def test_secrets_are_shown_nowhere() -> None:
    config = DynamoDBConfig(
        aws_access_key_id="AKID",
        aws_secret_access_key="s3cr3t",
        aws_session_token="s3cr3t",
        cursor_secret="s3cr3t",
    )
    for shown in (repr(config), str(config), repr(config.model_dump()), config.model_dump_json()):
        assert "s3cr3t" not in shown


@pytest.mark.parametrize(
    "settings",
    [
        {"aws_secret_key": "s3cr3t"},
        {"aws_secret_access_key": "s3cr3t"},
        {"aws_access_key_id": "A", "aws_secret_access_key": ["s3cr3t"]},
        {"aws_access_key_id": "A", "aws_secret_access_key": "s3cr3t", "retries": 0},
        {"endpoint_url": "https://user:s3cr3t@host"},
    ],
)
def test_secrets_are_not_in_errors(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        DynamoDBConfig(**settings)
    assert "s3cr3t" not in f"{caught.value!r} {caught.value.errors} {caught.value.context}"
    assert caught.value.original_error is None


def test_equal_settings_are_equal_and_hash_alike() -> None:
    one, two = (DynamoDBConfig(cursor_secret="s", retries=2) for _ in range(2))
    assert one == two
    assert hash(one) == hash(two)
    assert {one: "pool"}[two] == "pool"
    assert one != DynamoDBConfig(cursor_secret="other", retries=2)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        DynamoDBConfig().retries = 3  # type: ignore[misc]


def test_settings_survive_pickling_and_copying(monkeypatch: pytest.MonkeyPatch) -> None:
    config = DynamoDBConfig(cursor_secret="s", user_timezone="Europe/Oslo")
    pickled = pickle.dumps(config)
    monkeypatch.setenv("DYNAMODB_TABLE_PREFIX", "elsewhere_")
    assert pickle.loads(pickled) == copy.deepcopy(config) == config.model_copy() == config


def test_replace_changes_what_is_named_and_does_not_ask_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = DynamoDBConfig(cursor_secret="s")
    monkeypatch.setenv("DYNAMODB_TABLE_PREFIX", "elsewhere_")
    changed = config.replace(retries=7)
    assert changed.retries == 7
    assert changed.table_prefix == ""
    assert plain(changed.cursor_secret) == "s"
    assert config.retries == 4


def test_get_table_name_puts_the_prefix_first() -> None:
    assert DynamoDBConfig(table_prefix="dev_").get_table_name("pipeline_config") == "dev_pipeline_config"


def test_settings_can_be_written_as_json_and_read_again() -> None:
    written = DynamoDBConfig(retries=2).model_dump_json(exclude_none=True)
    assert json.loads(written)["retries"] == 2
    assert DynamoDBConfig.model_validate_json(written).retries == 2


def test_one_plugin_in_place_of_a_tuple_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"plugins: give a tuple of plugins, such as \(CachePlugin"):
        DynamoDBConfig(plugins=object())  # type: ignore[arg-type]
