"""Settings: where the tables are, who asks, and how patiently.

Knows the environment, a `.env` file and a Spark configuration; must not know botocore, the network or models.
Each setting comes from the first of: the argument, the process's environment, the file `.env` in the working
directory, the default.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Protocol, TypedDict
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic import ValidationError as PydanticError

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.validation import Checked, did_you_mean, from_pydantic, invalid, problem, refuse_half

if TYPE_CHECKING:
    from typing import Self, Unpack

__all__ = ["DynamoDBConfig", "Environment", "Region", "Settings", "SparkSettings"]

Environment = Literal["dev", "staging", "prod", "test"]

_VARIABLES: dict[str, tuple[str, ...]] = {
    "aws_access_key_id": ("AWS_ACCESS_KEY_ID",),
    "aws_secret_access_key": ("AWS_SECRET_ACCESS_KEY",),
    "aws_session_token": ("AWS_SESSION_TOKEN",),
    "profile_name": ("AWS_PROFILE",),
    "region_name": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "endpoint_url": ("DYNAMODB_ENDPOINT_URL",),
    "table_prefix": ("DYNAMODB_TABLE_PREFIX",),
    "environment": ("ENVIRONMENT",),
    "user_timezone": ("DYNAMODB_USER_TIMEZONE",),
    "debug_logging": ("DYNAMODB_DEBUG_LOGGING",),
    "cursor_secret": ("DYNAMODB_CURSOR_SECRET",),
    "allow_scan": ("DYNAMODB_ALLOW_SCAN",),
}
_CREDENTIALS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")

_SPARK_CREDENTIALS: tuple[tuple[str, str, str], ...] = (
    ("spark.dynamodb.access.key", "spark.dynamodb.secret.key", "spark.dynamodb.session.token"),
    (
        "spark.hadoop.dynamodb.awsAccessKeyId",
        "spark.hadoop.dynamodb.awsSecretAccessKey",
        "spark.hadoop.dynamodb.awsSessionToken",
    ),
    (
        "spark.hadoop.fs.s3a.access.key",
        "spark.hadoop.fs.s3a.secret.key",
        "spark.hadoop.fs.s3a.session.token",
    ),
)
_SPARK_KEYS: dict[str, tuple[str, ...]] = {
    "region_name": (
        "spark.dynamodb.region",
        "spark.hadoop.dynamodb.region",
        "spark.hadoop.fs.s3a.endpoint.region",
    ),
    "endpoint_url": ("spark.dynamodb.endpoint", "spark.hadoop.dynamodb.endpoint"),
    "table_prefix": ("spark.dynamodb.table.prefix",),
    "environment": ("spark.dynamodb.environment",),
    "user_timezone": ("spark.dynamodb.user.timezone",),
}

# the areas of botocore's partitions (endpoints.json, `regionRegex`), a direction and a number
_REGION = re.compile(
    r"(af|ap|ca|cn|eu|eu-isoe|eusc-de|il|me|mx|sa|us|us-gov|us-iso|us-isob|us-isof)"
    r"-(central|north|south|east|west|northeast|northwest|southeast|southwest)-[1-9][0-9]?"
)
_COMMON_REGIONS = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1", "af-south-1"),
    *("eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1"),
    *("ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "ap-northeast-2", "ap-east-1"),
    *("me-south-1", "me-central-1", "il-central-1", "cn-north-1", "us-gov-west-1"),
)


def _region(name: str) -> str:
    if name == "local" or _REGION.fullmatch(name):
        return name
    raise problem(
        f"{name!r} is not an AWS Region: allowed are names of the form area-direction-number, such as "
        f"'us-east-1', 'eu-central-1' or 'ap-southeast-2', and 'local'{did_you_mean(name, _COMMON_REGIONS)}"
    )


def _endpoint(url: str) -> str:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    else:
        fits = fits and parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
    if not fits or any(character.isspace() for character in url):
        raise problem("allowed is http://host[:port] or https://host[:port], without user, path or query")
    return url.rstrip("/")


def _timezone(name: str) -> str:
    from dynamodb_wrapper.timezones import validate_timezone_string  # loads the system's zones

    try:
        return validate_timezone_string(name)
    except ValidationError as error:
        raise problem(error.message) from None


class Region(NamedTuple):
    """A Region that holds a replica of the tables (a global table).

    Parameters:
        name: an AWS Region.
        endpoint_url: in place of the Region's own endpoint.
    """

    name: str
    endpoint_url: str | None = None


def _replica(given: object) -> Region:
    if isinstance(given, str):
        given = Region(given)
    if not isinstance(given, Region):
        raise problem(f"{given!r} is no Region: give its name, or Region(name, endpoint_url)")
    return Region(_region(given.name), given.endpoint_url and _endpoint(given.endpoint_url))


def _replicas(given: tuple[Region, ...]) -> tuple[Region, ...]:
    names = [region.name for region in given]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise problem(f"{', '.join(twice)} stands there more than once: name each Region once")
    return given


def _several(plugins: object) -> object:
    if not isinstance(plugins, list | tuple):
        raise problem("give a tuple of plugins, such as (CachePlugin(),)")
    return plugins


class Settings(TypedDict, total=False):
    """The keyword arguments of `DynamoDBConfig`; its fields say what they mean."""

    aws_access_key_id: str | None
    aws_secret_access_key: str | SecretStr | None
    aws_session_token: str | SecretStr | None
    profile_name: str | None
    region_name: str
    endpoint_url: str | None
    table_prefix: str
    environment: Environment
    user_timezone: str | None
    max_pool_connections: int
    retries: int
    timeout_seconds: float
    connect_timeout_seconds: float
    debug_logging: bool
    cursor_secret: str | SecretStr | None
    allow_scan: bool
    plugins: tuple[object, ...]
    regions: Sequence[str | Region]
    write_failover: bool
    failover_seconds: float


class SparkSettings(Protocol):
    """What answers for a Spark key: a `SparkConf`, the `conf` of a session, or a dict."""

    def get(self, key: str, default: None, /) -> Any:
        """The value of that key, or None."""


class DynamoDBConfig(Checked):
    """How to reach DynamoDB, as a frozen value: equal settings are equal, hash alike and share one pool.

    Each argument that is left out is read from the environment, then from `.env`, else it has its default.
    Credentials are not mixed: an access key and its secret are given together and get no session token of a
    later source; an explicit `profile_name` sets aside the environment's credentials, as it does in boto3.

    Parameters:
        aws_access_key_id: with the two below, explicit credentials (`AWS_ACCESS_KEY_ID`).
        aws_secret_access_key: never shown (`AWS_SECRET_ACCESS_KEY`).
        aws_session_token: of temporary credentials; never shown (`AWS_SESSION_TOKEN`).
        profile_name: a profile of the shared AWS files (`AWS_PROFILE`).
        region_name: an AWS Region, or "local" (`AWS_REGION`, then `AWS_DEFAULT_REGION`).
        endpoint_url: `http(s)://host[:port]` in place of the Region's own endpoint (`DYNAMODB_ENDPOINT_URL`).
        table_prefix: goes before every table's name (`DYNAMODB_TABLE_PREFIX`).
        environment: dev, staging, prod or test (`ENVIRONMENT`).
        user_timezone: an IANA name; datetimes that are read are shown in it, else in UTC; storage is
            always UTC (`DYNAMODB_USER_TIMEZONE`).
        max_pool_connections: connections kept to the endpoint, 1 to 10,000.
        retries: attempts in all, the first one counted, 1 to 100; 4 is the AWS SDKs' standard mode for
            DynamoDB (AWS SDKs and Tools Reference Guide, "Retry behavior").
        timeout_seconds: for a whole operation with its retries, up to 3600.
        connect_timeout_seconds: for one connection, up to 3600.
        debug_logging: log each call (`DYNAMODB_DEBUG_LOGGING`).
        cursor_secret: the key that signs paging tokens; processes that hand tokens to each other share it;
            never shown (`DYNAMODB_CURSOR_SECRET`).
        allow_scan: whether a query for which no index serves may read the whole table without being told so
            by its step `allow_scan()` (`DYNAMODB_ALLOW_SCAN`).
        plugins: used by every client and API that is made from these settings, the first one outermost.
        regions: where the tables have replicas, the nearest first: names, or `Region(name, endpoint_url)`.
            Reads that need not be consistent go to the first one that answers; all else to the home Region,
            which is `region_name`. See docs/regions.md.
        write_failover: let writes go to another Region too while the home Region does not answer.
        failover_seconds: how long a Region may take to answer before the next one is asked, up to 3600.

    Raises:
        ValidationError: a setting is wrong; `errors` has it by field, and the message names what is allowed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    aws_access_key_id: str | None = None
    aws_secret_access_key: SecretStr | None = None
    aws_session_token: SecretStr | None = None
    profile_name: str | None = None
    region_name: Annotated[str, AfterValidator(_region)] = "us-east-1"
    endpoint_url: Annotated[str, AfterValidator(_endpoint)] | None = None
    table_prefix: str = Field(default="", max_length=200, pattern=r"^[A-Za-z0-9_.-]*$")
    environment: Environment = "dev"
    user_timezone: Annotated[str, AfterValidator(_timezone)] | None = None
    max_pool_connections: int = Field(default=50, ge=1, le=10_000)
    retries: int = Field(default=4, ge=1, le=100)
    timeout_seconds: float = Field(default=30.0, gt=0, le=3600)
    connect_timeout_seconds: float = Field(default=5.0, gt=0, le=3600)
    debug_logging: bool = False
    cursor_secret: SecretStr | None = None
    allow_scan: bool = False
    plugins: Annotated[tuple[object, ...], BeforeValidator(_several)] = ()
    regions: Annotated[
        tuple[Annotated[Region, BeforeValidator(_replica)], ...], AfterValidator(_replicas)
    ] = ()
    write_failover: bool = False
    failover_seconds: float = Field(default=1.0, gt=0, le=3600)

    def __init__(self, **settings: Unpack[Settings]) -> None:
        refuse_half("DynamoDBConfig", settings, _CREDENTIALS[:2])
        values = _from_environment(settings) | settings
        try:
            super().__init__(**values)  # pyright: ignore[reportCallIssue] - takes the fields of this class
        except PydanticError as error:
            raise _explained(error, values) from None

    @classmethod
    def from_env(cls, **defaults: Unpack[Settings]) -> Self:
        """Settings of the environment and `.env`; what is passed holds only where those say nothing."""
        found = _from_environment({})
        if "aws_access_key_id" in found:
            defaults.pop("aws_session_token", None)
        return cls(**(defaults | found))

    @classmethod
    def for_local_development(cls, **settings: Unpack[Settings]) -> Self:
        """An engine on this machine: `http://localhost:8000` unless `DYNAMODB_ENDPOINT_URL` says another.

        The credentials are made up (alphanumeric, as every local engine accepts them), whatever the
        environment holds, so that real ones are never sent to an endpoint without TLS.
        """
        local: Settings = {
            "aws_access_key_id": "local",
            "aws_secret_access_key": "local",
            "aws_session_token": None,
            "profile_name": None,
            "environment": "dev",
        }
        if "endpoint_url" not in _from_environment({}):
            local["endpoint_url"] = "http://localhost:8000"
        return cls(**(local | settings))

    @classmethod
    def for_pyspark(cls, spark_conf: SparkSettings | None = None, **settings: Unpack[Settings]) -> Self:
        """Settings for a Spark driver or executor: 100 connections, 60 seconds, 5 attempts.

        Parameters:
            spark_conf: a `SparkConf`, the `conf` of a session, or a dict. The first key that is set counts:
                credentials, all from one place, from `spark.dynamodb.{access.key,secret.key,session.token}`,
                the EMR connector's keys
                `spark.hadoop.dynamodb.{awsAccessKeyId,awsSecretAccessKey,awsSessionToken}`, or
                `spark.hadoop.fs.s3a.{access.key,secret.key,session.token}`; the Region from
                `spark.dynamodb.region`, `spark.hadoop.dynamodb.region` or
                `spark.hadoop.fs.s3a.endpoint.region`; the endpoint from `spark.dynamodb.endpoint` or
                `spark.hadoop.dynamodb.endpoint`; and `spark.dynamodb.` with `table.prefix`, `environment`
                or `user.timezone`. They win over the environment.
            settings: win over all of these.
        """
        patient: Settings = {"max_pool_connections": 100, "timeout_seconds": 60.0, "retries": 5}
        return cls(**(patient | _from_spark(spark_conf) | settings))

    @classmethod
    def with_timezone(cls, name: str, **settings: Unpack[Settings]) -> Self:
        """Settings that show datetimes in the zone of that IANA name."""
        return cls(**(settings | {"user_timezone": name}))

    def replace(self, **changes: Unpack[Settings]) -> Self:
        """These settings with some changed, validated again; the environment is not asked."""
        return type(self)(**(self._settings() | changes))

    def in_region(self, region: Region) -> Self:
        """These settings for one Region alone."""
        return self.replace(
            region_name=region.name, endpoint_url=region.endpoint_url, regions=(), write_failover=False
        )

    def get_table_name(self, base: str) -> str:
        """The full name of a table: the prefix and the base name."""
        return self.table_prefix + base

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As pydantic's, but the changed settings are validated."""
        return self.replace(**dict(update)) if update else super().model_copy(deep=deep)

    def _settings(self) -> Settings:
        return {name: getattr(self, name) for name in type(self).model_fields}  # type: ignore[return-value]


def _from_environment(explicit: Mapping[str, object]) -> Settings:
    """What the environment and `.env` say of settings that belong with the explicit ones."""
    found: dict[str, str] = {}
    for source in (os.environ, _dotenv()):
        named = {setting: text for setting, (text, _) in _named_in(source).items()}
        if explicit.get("profile_name"):
            for credential in _CREDENTIALS:
                named.pop(credential, None)
        if explicit.get("aws_access_key_id") or "aws_access_key_id" in found:
            named.pop("aws_session_token", None)
        found = named | found
    return found  # type: ignore[return-value]


def _named_in(source: Mapping[str, str | None]) -> dict[str, tuple[str, str]]:
    """The settings that a source names, each with its text and variable; an empty variable says nothing."""
    return {
        setting: (text, variable)
        for setting, variables in _VARIABLES.items()
        for variable in reversed(variables)
        if (text := source.get(variable))
    }


def _dotenv() -> Mapping[str, str | None]:
    try:
        status = os.stat(".env")
    except OSError:
        return {}
    if not stat.S_ISREG(status.st_mode):
        return {}
    return _read_dotenv(os.path.abspath(".env"), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=8)
def _read_dotenv(path: str, _modified: int, _size: int) -> Mapping[str, str | None]:
    from dotenv import dotenv_values

    try:
        return dotenv_values(path)
    except (OSError, ValueError) as error:
        raise ValidationError(
            f"the settings file {path} cannot be read: {error}; mend or remove it", error
        ) from error


def _from_spark(conf: SparkSettings | None) -> Settings:
    if conf is None:
        return {}
    found = {
        setting: text
        for setting, keys in _SPARK_KEYS.items()
        for key in reversed(keys)
        if (text := conf.get(key, None))
    }
    for keys in _SPARK_CREDENTIALS:
        if conf.get(keys[0], None):
            found |= {setting: conf.get(key, None) for setting, key in zip(_CREDENTIALS, keys, strict=True)}
            break
    return found  # type: ignore[return-value]


def _explained(error: PydanticError, values: Mapping[str, Any]) -> ValidationError:
    """The error with, for a setting that came from the environment, the variable to mend."""
    explained = from_pydantic(error, "DynamoDBConfig", DynamoDBConfig.model_fields)
    origins = _named_in(_dotenv()) | _named_in(os.environ)
    return invalid(
        "DynamoDBConfig",
        {
            field: [f"{text} (from the variable {origins[field][1]})" for text in texts]
            if field in origins and values.get(field) == origins[field][0]
            else texts
            for field, texts in explained.errors.items()
        },
    )
