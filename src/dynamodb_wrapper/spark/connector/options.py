"""The options of `format("dynamodb")`, read and checked once.

Knows their names and forms. Must not know Spark, tables or how anything is read or written. Spark does not
keep the case of an option's name, so it does not count here either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from msgspec import Struct, structs

from dynamodb_wrapper.exceptions import ValidationError

if TYPE_CHECKING:
    from dynamodb_wrapper.config import DynamoDBConfig, SparkSettings

Operation: TypeAlias = Literal["put", "insert", "update", "delete"]
OPERATIONS: Final[tuple[Operation, ...]] = ("put", "insert", "update", "delete")
Given: TypeAlias = "DynamoDBConfig | Mapping[str, str] | None"
"""What a source was registered with: a config, or what a session's conf says."""
Value: TypeAlias = str | float | bool | None
"""An option's value, as Spark's own `option` takes it."""
Use: TypeAlias = Literal["reading a table", "writing", "streaming"]
REJECTS: Final = ("fail", "count")
_CREDENTIALS = ("accesskey", "secretkey", "sessiontoken", "awsaccesskeyid", "awssecretaccesskey")


class _Noting:
    """A session's conf that notes what it was asked for and knew."""

    def __init__(self, conf: SparkSettings) -> None:
        self._conf = conf
        self.found: dict[str, str] = {}

    def get(self, key: str, default: None, /) -> Any:
        """See `SparkSettings`."""
        text = self._conf.get(key, default)
        if text is not None:
            self.found[key] = text
        return text


def settings_in(conf: SparkSettings) -> Mapping[str, str]:
    """What a session's conf says that `DynamoDBConfig.for_pyspark` reads.

    Raises:
        ValidationError: it is none.
    """
    from dynamodb_wrapper.config import DynamoDBConfig

    noting = _Noting(conf)
    DynamoDBConfig.for_pyspark(noting)
    return noting.found


class Options(Struct, frozen=True, kw_only=True):
    """What was asked for; an option's name is the field's in camelCase.

    Parameters:
        table: the table's name before the prefix; by the model's Meta where there is a model.
        model: "package.module:Class" of a model with a Meta, importable by driver and executors.
        region: an AWS Region.
        endpoint: `http(s)://host[:port]` in place of the Region's own.
        prefix: goes before the table's name.
        filter: conditions as JSON; see `conditions`.
        index: the only index to read.
        segments: how many tasks a scan has; by the table's size where it is None.
        consistent: read the latest writes at twice the cost.
        max_items: read at most so many items, in one task.
        include_expired: also items whose time is over.
        ttl: the attribute with the expiry time, where no model's Meta tells it.
        sample_size: how many items the schema is inferred from.
        read_units: read units a second of all tasks together.
        write_units: write units a second of all tasks together.
        tasks: how many tasks run at the same time, to share the units; None where nobody knows.
        operation: what writing does with each row.
        on_reject: "fail" or "count" rows that cannot be written.
        sets: the columns that are stored as sets, where no model tells it.
        report: the file on the driver's machine that gets the counts of a write, as JSON.
        stream: whether the columns are those of changes; see `changes`.
        max_records: how many records a micro-batch of a stream has at most.
    """

    table: str | None = None
    model: str | None = None
    region: str | None = None
    endpoint: str | None = None
    prefix: str | None = None
    filter: str | None = None
    index: str | None = None
    segments: int | None = None
    consistent: bool = False
    max_items: int | None = None
    include_expired: bool = False
    ttl: str | None = None
    sample_size: int = 1000
    read_units: float | None = None
    write_units: float | None = None
    tasks: int | None = None
    operation: Operation = "put"
    on_reject: str = "fail"
    sets: tuple[str, ...] = ()
    report: str | None = None
    stream: bool = False
    max_records: int = 10_000

    def config(self, given: Given) -> DynamoDBConfig:
        """The settings: the options, then what was given, then this process's environment."""
        from dynamodb_wrapper.config import DynamoDBConfig

        named = {"region_name": self.region, "endpoint_url": self.endpoint, "table_prefix": self.prefix}
        settings: Any = {name: text for name, text in named.items() if text is not None}
        if isinstance(given, DynamoDBConfig):
            return given.replace(**settings)
        return DynamoDBConfig.for_pyspark(given, **settings)

    def check_for(self, use: Use) -> None:
        """Refuse what would be passed over although it says which rows are meant.

        Raises:
            ValidationError: there is such an option.
        """
        given = [name for name in _NOT_FOR[use] if getattr(self, name) not in (None, False)]
        if given:
            errors = {_NAMES[name]: [f"is not for {use}: leave it out"] for name in given}
            told = "; ".join(f"{name} {text}" for name, (text,) in errors.items())
            raise ValidationError(f"options that cannot be kept: {told}", errors=errors)

    def share(self, units: float | None, partitions: int) -> float | None:
        """What one of so many tasks may use of all units a second."""
        return None if units is None else units / min(partitions, self.tasks or partitions)


def read_options(given: Mapping[str, Value], slots: int | None = None) -> Options:
    """The options as Spark gives them.

    Parameters:
        given: values by name; `path` (what `load` and `save` were given) stands for `table`.
        slots: how many tasks can run at the same time, where that is known: so many share the units if no
            option says otherwise.

    Raises:
        ValidationError: an option is not known, or its value is none that it takes.
    """
    found: dict[str, Any] = {}
    for name, text in _texts(given):
        plain = name.lower()
        field = _FIELDS.get("table" if plain == "path" else plain)
        if field is None:
            raise _unknown(name)
        try:
            found[field] = _READERS[field](text)
        except ValueError as error:
            raise ValidationError(
                f"the option {name} is {text!r}: {error}", errors={name: [str(error)]}
            ) from None
    if "table" not in found and "model" not in found:
        text = 'give the option "table", or "model" as "package.module:Class"'
        raise ValidationError(f"no table was named: {text}", errors={"table": [text]})
    if slots is not None:
        found.setdefault("tasks", slots)
    if "write_units" in found and "tasks" not in found:
        text = 'say with the option "tasks" how many tasks write at the same time: they share the units'
        raise ValidationError(f"writeUnits: {text}", errors={"tasks": [text]})
    return Options(**found)


def _texts(given: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    """What Spark makes of options; those that are None are left out."""
    for name, value in given.items():
        if value is not None:
            yield name, str(value).lower() if isinstance(value, bool) else str(value)


def _unknown(name: str) -> ValidationError:
    if name.lower().replace(".", "").replace("_", "").endswith(_CREDENTIALS):
        text = (
            "credentials are no option, because Spark shows those: leave them to the environment of driver "
            "and executors, or give a config to dynamodb_wrapper.spark.connector.register"
        )
    else:
        from dynamodb_wrapper.validation import did_you_mean

        known = sorted(_NAMES.values())
        text = f"is not known{did_you_mean(name, known)}; known are {', '.join(known)}"
    return ValidationError(f"the option {name}: {text}", errors={name: [text]})


def _text(text: str) -> str:
    if not text:
        raise ValueError("it is empty")
    return text


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("true or false is needed")
    return text.lower() == "true"


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not int(text):
        raise ValueError("a whole number from 1 on is needed")
    return int(text)


def _units(text: str) -> float:
    units = float(text)
    if not 0 < units < float("inf"):
        raise ValueError("a number above 0 is needed")
    return units


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in allowed:
            raise ValueError(f"one of {', '.join(allowed)} is needed")
        return text.lower()

    return read


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for part in text.split(",") if (name := part.strip()))


def _camel(field: str) -> str:
    first, *rest = field.split("_")
    return first + "".join(part.capitalize() for part in rest)


_NAMES: Final = {field.name: _camel(field.name) for field in structs.fields(Options)}
_NOT_FOR: Final[Mapping[Use, tuple[str, ...]]] = {
    "reading a table": ("stream",),
    "writing": ("filter", "index", "max_items", "stream"),
    "streaming": ("filter", "index", "max_items"),
}
_FIELDS: Final = {camel.lower(): field for field, camel in _NAMES.items()}
_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    **dict.fromkeys(_NAMES, _text),
    **dict.fromkeys(("consistent", "include_expired", "stream"), _flag),
    **dict.fromkeys(("segments", "max_items", "sample_size", "tasks", "max_records"), _count),
    **dict.fromkeys(("read_units", "write_units"), _units),
    "prefix": str,
    "sets": _names,
    "operation": _one_of(*OPERATIONS),
    "on_reject": _one_of(*REJECTS),
}
