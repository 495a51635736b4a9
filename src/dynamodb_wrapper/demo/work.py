"""The work of a run's stages on the files, in this process; a write API loads the days.

Knows the files, the functions of `pipeline` and the write API. Must not know other months, nor Spark.
"""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from time import process_time

from dynamodb_wrapper.demo import pipeline
from dynamodb_wrapper.demo.domain import DailyDelay, DailyDelaysWriteApi, DailyDelayUpsert
from dynamodb_wrapper.demo.flights import Flight, FlightFiles
from dynamodb_wrapper.demo.run import Work
from dynamodb_wrapper.runs import Run


class FileWork(Work):
    """What the stages of one run do.

    Parameters:
        files: the flights and what they are joined with.
        api: where the days are loaded.
        run: is told bytes read, rows written and processor time.
        month: 1-12.
    """

    def __init__(self, files: FlightFiles, api: DailyDelaysWriteApi, run: Run, month: int) -> None:
        self._files, self._api, self._run, self._month = files, api, run, month
        self._began = process_time()
        self._flights: list[Flight] = []
        self._joined: list[pipeline.JoinedFlight] = []
        self._days: list[pipeline.DayAtOrigin] = []

    def extract(self) -> int:
        """Parse the month's lines."""
        extract = self._files.extract(self._month)
        self._flights = extract.flights
        self._run.note(input_data_size_bytes=extract.size_bytes)
        return len(self._flights)

    def join(self) -> int:
        """Look up each flight's airline, destination, plane and weather."""
        self._joined = pipeline.join(self._flights, self._files.lookups)
        return len(self._joined)

    def aggregate(self) -> int:
        """Add up each day at each airport."""
        self._days = pipeline.aggregate(self._joined)
        return len(self._days)

    def figures(self) -> pipeline.Figures:
        """Count flights and days."""
        return pipeline.figures(self._joined, self._days)

    def load(self) -> int:
        """Write the days, each with the run that did so."""
        self._api.upsert_many(
            [DailyDelayUpsert(**asdict(day), run_id=self._run.run_id) for day in self._days]
        )
        self._run.output(DailyDelay.Meta.table_name, rows=len(self._days))
        return len(self._days)

    def close(self) -> None:
        """Note the processor time of this process since the run began."""
        seconds = process_time() - self._began
        self._run.note(cpu_hours=Decimal(f"{seconds / 3600:.9f}"))
