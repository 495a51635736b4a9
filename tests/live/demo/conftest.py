"""A month that keeps all rules and one that does not, small enough to run at every turn of a test."""

from __future__ import annotations

import calendar
import zipfile
from pathlib import Path

import pytest

from dynamodb_wrapper.demo.flights import SCHEMAS, FlightFiles

GOOD, BAD = 4, 2
ROWS = {
    "airlines": ["DL,Delta Air Lines Inc."],
    "airports": ["ATL,Hartsfield Jackson Atlanta Intl,33.6,-84.4,1026,-5,A,America/New_York"],
    "planes": ["N1,1999,Fixed wing multi engine,BOEING,757-232,2,178,NA,Turbo-fan"],
    "weather": ["JFK,2013,4,1,6,30,20,60,10,10.5,NA,0.1,1012,2.5,2013-04-01T10:00:00Z"],
}


def flight(month: int, day: int, delay: int | None) -> str:
    left = "" if delay is None else "600"
    late = "" if delay is None else str(delay)
    hour = f"2013-{month:02}-{day:02}T10:00:00Z"
    return f"2013,{month},{day},{left},600,{late},900,900,{late},DL,{day},N1,JFK,ATL,100,760,6,0,{hour}"


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> FlightFiles:
    folder: Path = tmp_path_factory.mktemp("flights")
    days = {month: range(1, calendar.monthrange(2013, month)[1] + 1) for month in (GOOD, BAD)}
    ROWS["flights"] = [flight(GOOD, day, day) for day in days[GOOD]]
    ROWS["flights"] += [flight(BAD, day, None if day in (8, 9) else day) for day in days[BAD]]
    for name, schema in SCHEMAS.items():
        text = "\n".join([",".join(schema.columns), *ROWS[name], ""])
        if schema.file.endswith(".zip"):
            with zipfile.ZipFile(folder / schema.file, "w") as archive:
                archive.writestr("flights.csv", text)
        else:
            (folder / schema.file).write_text(text, encoding="utf-8")
    return FlightFiles(folder)
