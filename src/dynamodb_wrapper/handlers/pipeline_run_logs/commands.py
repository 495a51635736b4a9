"""Writing runs, by the names that their users have for it.

Knows what each command changes. The life of a run stands in `status`, its owner's part in `leases`, how
stages are added in `stages`, how an item is validated and written in `handlers.items`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dynamodb_wrapper.engine.faces import method
from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.exceptions import ConflictError
from dynamodb_wrapper.expressions import Compare, Condition, Path
from dynamodb_wrapper.handlers.api import AwaitingApi, BlockingApi
from dynamodb_wrapper.handlers.given import mapping
from dynamodb_wrapper.handlers.moments import days_ago
from dynamodb_wrapper.handlers.pipeline_run_logs.inputs import TERMINAL, required
from dynamodb_wrapper.handlers.pipeline_run_logs.leases import LeaseCommands
from dynamodb_wrapper.handlers.pipeline_run_logs.searches import STATUS_RUNS
from dynamodb_wrapper.handlers.pipeline_run_logs.stages import PutStage
from dynamodb_wrapper.handlers.pipeline_run_logs.status import STATUS
from dynamodb_wrapper.models import PipelineRunLog, PipelineRunLogUpsert, StageInfo
from dynamodb_wrapper.models.updates import validate_update
from dynamodb_wrapper.operations.keys import resource_id
from dynamodb_wrapper.validation import did_you_mean, invalid

RESULTS, PASSED = "data_quality_results", "data_quality_passed"
METRICS = (
    "total_records_processed",
    "total_records_failed",
    "input_data_size_bytes",
    "output_data_size_bytes",
    "cpu_hours",
    "memory_usage_gb",
    RESULTS,
    PASSED,
    "retry_count",
    "spark_application_id",
)


class PipelineRunLogsCommands(LeaseCommands):
    """What can be written of runs; errors that every write raises are told in `Commands`.

    `pipeline_id` may be left out (or None) where `run_id` alone identifies the run, at the cost of one more
    read; where runs of two pipelines have it, leaving it out is a `ValidationError`.
    """

    @method
    def create_run_log(
        self, dto: PipelineRunLogUpsert, condition_expression: object = None
    ) -> Flow[PipelineRunLog]:
        """Store a new run.

        Raises:
            ConflictError: this run exists; carries it as `current_item`.
        """
        return self._create(self._new(dto), condition_expression)

    @method
    def upsert_run_log(self, dto: PipelineRunLogUpsert) -> Flow[PipelineRunLog]:
        """Store a run whether or not it exists; `created_at`, `created_by` and its stages stay as they are.

        A DTO states the run as a whole, so this also corrects the status of a run that is over.
        """
        return self._upsert(dto)

    @method
    def delete_run_log(
        self, run_id: str, pipeline_id: str | None = None, condition_expression: object = None
    ) -> Flow[bool]:
        """Remove a run; False if there was none with that id."""
        key = yield from self._find_key(run_id, pipeline_id)
        return key is not None and (yield from self._delete(key, condition_expression))

    @method
    def add_stage_info(
        self, run_id: str, pipeline_id: str | None = None, stage: StageInfo | None = None
    ) -> Flow[PipelineRunLog]:
        """Add a stage to a run, or replace its stage of that name; it becomes the `current_stage`.

        Atomic: of stages that are added at once none is lost. A run that is over takes stages too, because
        the last ones may be reported late; none of them becomes the current one.

        Returns:
            The run as it is stored now.

        Raises:
            ItemNotFoundError: there is no such run; none was made.
        """
        given = required("stage", stage)
        if not isinstance(given, StageInfo) or not given.stage_name:
            raise invalid("the stage", {"stage": ["a StageInfo with a stage_name is needed"]})
        key = yield from self._key(run_id, pipeline_id)
        put = PutStage(
            schema=self._schema,
            table=self._table,
            key=key,
            stage=given,
            timeout_seconds=self.config.timeout_seconds,
        )
        return (yield from put.flow(self.client.send))

    @method
    def update_run_metrics(
        self,
        run_id: str,
        pipeline_id: str | None = None,
        metrics: Mapping[str, Any] | None = None,
    ) -> Flow[PipelineRunLog]:
        """Set figures of a run, and no other fields.

        Parameters:
            metrics: any of `total_records_processed`, `total_records_failed`, `input_data_size_bytes`,
                `output_data_size_bytes`, `cpu_hours`, `memory_usage_gb`, `data_quality_results`,
                `data_quality_passed` (follows from the results where only they are given), `retry_count` and
                `spark_application_id`.

        Raises:
            ValidationError: a figure is unknown or breaks a rule; nothing was written.
        """
        figures = self._figures(required("metrics", metrics))
        key = yield from self._key(run_id, pipeline_id)
        return (yield from self._update(key, figures))

    @method
    def cleanup_old_run_logs(self, days_old: float = 90) -> Flow[int]:
        """Remove the runs that are over and started longer ago than that; pending and running ones stay.

        The runs to remove are found in the index of the status, so only they are read; each is removed by a
        write of its own that makes sure that the run is still over.

        Returns:
            How many were removed.

        Raises:
            BulkWriteError: some could not be removed; names those that were.
        """
        old = Compare(Path(("start_time",)), "<", days_ago(days_old, "days_old"))
        flows: dict[str, Flow[bool]] = {}
        for status in TERMINAL:
            keys = yield from self._keys({"status": status}, STATUS_RUNS, old, None)
            still = Compare(STATUS, "=", status) & old
            flows |= {resource_id(key): self._remove(key, still) for key in keys}
        removed = yield from self._each(list(flows), list(flows.values()))
        return sum(removed.values())

    def _remove(self, key: Mapping[str, Any], still: Condition) -> Flow[bool]:
        """Remove a run; False if it is gone or has changed."""
        try:
            return (yield from self._delete(key, still))
        except ConflictError:
            return False

    def _figures(self, metrics: Mapping[str, Any]) -> dict[str, Any]:
        """The metrics, if they are some, with what follows from them."""
        metrics = mapping("metrics", metrics, '{"total_records_processed": 10}')
        unknown = {name: did_you_mean(str(name), METRICS) for name in metrics if name not in METRICS}
        errors = {str(name): [f"is no figure of a run{hint}"] for name, hint in unknown.items()}
        if errors or not metrics:
            none = {"metrics": [f"give at least one of {', '.join(METRICS)}"]}
            raise invalid("the metrics of a run", errors or none)
        if RESULTS not in metrics:
            return dict(metrics)
        results = validate_update(self.dto, self.model, {}, {RESULTS: metrics[RESULTS]})[RESULTS]
        return {PASSED: all(result.passed for result in results), **metrics}


class PipelineRunLogsWriteApi(PipelineRunLogsCommands, BlockingApi):
    """Writes runs, blocking."""


class AsyncPipelineRunLogsWriteApi(PipelineRunLogsCommands, AwaitingApi):
    """Writes runs, awaiting."""
