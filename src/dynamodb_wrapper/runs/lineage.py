"""Runs told as OpenLineage events, for catalogs such as Marquez, DataHub or OpenMetadata.

Knows the events of https://openlineage.io/spec/2-0-2/OpenLineage.json. Must not know how they are sent, nor
Spark. The events are plain JSON, so that no further package is needed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, UUID, uuid5

from dynamodb_wrapper.models import RunStatus
from dynamodb_wrapper.redaction import HIDDEN
from dynamodb_wrapper.runs.delivery import Delivery, to_file, to_server
from dynamodb_wrapper.runs.outcome import Outcome
from dynamodb_wrapper.runs.stage import Stage
from dynamodb_wrapper.runs.watcher import RunWatcher, WatchedRun
from dynamodb_wrapper.timezones import utcnow

PRODUCER = f"pkg:pypi/dynamodb-wrapper@{version('dynamodb-wrapper')}"
SPEC = "https://openlineage.io/spec"
EVENT_SCHEMA = f"{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
TIMEOUT_SECONDS = 5.0
PATIENCE_SECONDS = 10.0

_VERSIONS = {
    "ParentRunFacet": "1-2-0",
    "ErrorMessageRunFacet": "1-0-1",
    "InputStatisticsInputDatasetFacet": "1-0-0",
    "OutputStatisticsOutputDatasetFacet": "1-0-2",
}
_ENDS = {
    RunStatus.SUCCESS: "COMPLETE",
    RunStatus.FAILED: "FAIL",
    RunStatus.CANCELLED: "ABORT",
}

log = logging.getLogger("dynamodb_wrapper.runs")


class OpenLineage(RunWatcher):
    """Tells of runs as OpenLineage events: `pipeline_run(..., watchers=[OpenLineage("lineage.jsonl")])`.

    A run gives START, RUNNING after each stage, and COMPLETE, FAIL or ABORT, with the tables noted so far and
    their rows; a run that someone else closed gives ABORT. Each stage is a job of its own,
    "pipeline.stage", whose parent is the run. The pipeline never waits for an event to be sent, and never
    fails because of one: the first failure is logged.

    Parameters:
        to: a file, which gets a line of JSON for each event, or the URL that events are sent to, such as
            "http://localhost:5000/api/v1/lineage".
        namespace: the namespace of the jobs.
        dataset_namespace: that of the tables whose names are no URLs; as `namespace` where it is None.
        headers: sent with each event, such as {"Authorization": "Bearer ..."}.
        timeout_seconds: how long one attempt to send an event may take.
        patience_seconds: for how long the last events are tried again; so much, and one attempt, the end of
            the program may wait for a server that is not there.
    """

    def __init__(
        self,
        to: str | Path,
        *,
        namespace: str = "dynamodb-wrapper",
        dataset_namespace: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        if isinstance(to, str) and to.startswith(("http://", "https://")):
            send = to_server(to, headers or {}, timeout_seconds)
        else:
            send = to_file(Path(to))
        self._delivery = Delivery(send, patience_seconds)
        self._namespace = namespace
        self._datasets = dataset_namespace or namespace
        self._lost: set[str] = set()

    def flush(self, timeout_seconds: float = PATIENCE_SECONDS) -> bool:
        """Wait until all events are sent, or given up; False when the time is over before that."""
        return self._delivery.flush(timeout_seconds)

    def run_started(self, run: WatchedRun) -> None:
        """Tell START."""
        self._tell_of_run(run, "START")

    def stage_started(self, run: WatchedRun, stage: Stage) -> None:
        """Tell START of the stage."""
        try:
            self._tell_of_stage(run, stage, "START")
        except Exception:
            log.exception("run %s: the lineage of stage %r was not told", run.run_id, stage.name)

    def stage_ended(self, run: WatchedRun, stage: Stage) -> None:
        """Tell the end of the stage, and RUNNING with the tables of the run."""
        ended = stage.info()
        self._tell_of_stage(run, stage, _ENDS[ended.status], _error(ended.error_message))
        self._tell_of_run(run, "RUNNING")

    def run_lost(self, run: WatchedRun) -> None:
        """Remember that the run is someone else's."""
        self._lost.add(run.run_id)

    def run_ended(self, run: WatchedRun, outcome: Outcome) -> None:
        """Tell COMPLETE, FAIL or ABORT."""
        kind = "ABORT" if run.run_id in self._lost else _ENDS[outcome.status]
        self._lost.discard(run.run_id)
        self._tell_of_run(run, kind, _error(outcome.message, outcome.trace))

    def _tell_of_run(self, run: WatchedRun, kind: str, facets: Mapping[str, Any] | None = None) -> None:
        self._put(
            kind,
            {"runId": str(lineage_id(run)), "facets": facets or {}},
            run.pipeline_id,
            inputs=[
                self._dataset(table, rows, "inputFacets", "inputStatistics")
                for table, rows in run.inputs.items()
            ],
            outputs=[
                self._dataset(table, rows, "outputFacets", "outputStatistics")
                for table, rows in run.outputs.items()
            ],
        )

    def _tell_of_stage(
        self, run: WatchedRun, stage: Stage, kind: str, facets: Mapping[str, Any] | None = None
    ) -> None:
        parent = _facet(
            "ParentRunFacet",
            run={"runId": str(lineage_id(run))},
            job={"namespace": self._namespace, "name": run.pipeline_id},
        )
        stage_id = uuid5(lineage_id(run), f"{stage.name}/{stage.info().start_time}")
        self._put(
            kind,
            {"runId": str(stage_id), "facets": {"parent": parent, **(facets or {})}},
            f"{run.pipeline_id}.{stage.name}",
            inputs=[],
            outputs=[],
        )

    def _put(self, kind: str, run: Mapping[str, Any], job: str, **datasets: list[dict[str, Any]]) -> None:
        event = {
            "eventType": kind,
            "eventTime": _moment(utcnow()),
            "run": run,
            "job": {"namespace": self._namespace, "name": job},
            **datasets,
            "producer": PRODUCER,
            "schemaURL": EVENT_SCHEMA,
        }
        self._delivery.put(event)

    def _dataset(self, table: str, rows: int | None, side: str, facet: str) -> dict[str, Any]:
        namespace, name = dataset_name(table, self._datasets)
        found: dict[str, Any] = {"namespace": namespace, "name": name}
        if rows is not None:
            title = "Input" if side == "inputFacets" else "Output"
            found[side] = {facet: _facet(f"{title}Statistics{title}DatasetFacet", rowCount=rows)}
        return found


def lineage_id(run: WatchedRun) -> UUID:
    """The run's id; one made from it and the pipeline's where it is no UUID, as OpenLineage asks for."""
    try:
        return UUID(run.run_id)
    except ValueError:
        return uuid5(NAMESPACE_URL, f"{run.pipeline_id}/{run.run_id}")


def dataset_name(table: str, namespace: str) -> tuple[str, str]:
    """Namespace and name of a table; those of a URL are its beginning, without its user, and its path.

    Source: https://openlineage.io/docs/spec/naming
    """
    parts = urlsplit(table)
    if "://" not in table or not parts.scheme:
        return namespace, table
    if not parts.netloc:
        return parts.scheme, parts.path
    place = parts.netloc.removeprefix(f"{HIDDEN}@")
    return f"{parts.scheme}://{place}", parts.path.strip("/") or "/"


def _error(message: str | None, trace: str | None = None) -> dict[str, Any]:
    if message is None:
        return {}
    told = {"message": message, "programmingLanguage": "PYTHON"}
    return {
        "errorMessage": _facet("ErrorMessageRunFacet", **told, **({"stackTrace": trace} if trace else {}))
    }


def _facet(name: str, **members: Any) -> dict[str, Any]:
    schema = f"{SPEC}/facets/{_VERSIONS[name]}/{name}.json#/$defs/{name}"
    return {"_producer": PRODUCER, "_schemaURL": schema, **members}


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
