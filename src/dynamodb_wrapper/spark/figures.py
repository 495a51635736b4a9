"""What Spark's status store knows of jobs and their stages.

Knows the members of Spark's data. Must not know runs. Spark forgets old jobs and stages when there are many.
"""

from __future__ import annotations

import logging
from typing import Any

log = logging.getLogger("dynamodb_wrapper.runs")

_FIGURES = {
    "input_records": "inputRecords",
    "input_bytes": "inputBytes",
    "output_records": "outputRecords",
    "output_bytes": "outputBytes",
    "shuffle_read_bytes": "shuffleReadBytes",
    "shuffle_write_bytes": "shuffleWriteBytes",
    "spilled_memory_bytes": "memoryBytesSpilled",
    "spilled_disk_bytes": "diskBytesSpilled",
    "executor_milliseconds": "executorRunTime",
    "tasks": "numCompleteTasks",
    "failed_tasks": "numFailedTasks",
}
"""The figures of a stage of the log, and the members of Spark's `StageData` that they add up."""

_LISTENER_MILLISECONDS = 5000

_REMEMBERED = 0.9
"""The share of `spark.ui.retainedJobs` that Spark keeps when it forgets old ones (`AppStatusListener`)."""


def stage_figures(context: Any, tag: str) -> dict[str, int]:
    """What Spark knows of the jobs with a tag: see `_FIGURES`; and how many jobs there were."""
    jobs, stages = _stages_of(context, tag)
    figures = {"jobs": jobs, **dict.fromkeys(_FIGURES, 0)}
    for stage in stages:
        if stage is not None:
            for name, member in _FIGURES.items():
                figures[name] += getattr(stage, member)()
    return figures


def _stages_of(context: Any, tag: str) -> tuple[int, list[Any]]:
    """How many jobs have a tag, and the data of their stages; None for one that is forgotten by now."""
    scala = context._jsc.sc()
    await_listeners(context)
    store = scala.statusStore()
    job_ids = list(scala.statusTracker().getJobIdsForTag(tag))
    jobs = [found for job_id in job_ids if (found := _known(store.job, job_id)) is not None]
    stage_ids = {ids.apply(place) for job in jobs if (ids := job.stageIds()) for place in range(ids.size())}
    return len(job_ids), [_known(store.lastStageAttempt, stage_id) for stage_id in stage_ids]


def sizes(context: Any, tag: str, jobs_before: int) -> tuple[int, int] | None:
    """The bytes that the jobs with a tag have read and written, as far as their sources and sinks tell Spark.

    Parameters:
        jobs_before: what `jobs_begun` told before the first of them.

    Returns:
        None where Spark has forgotten some of them.
    """
    stages = _stages_of(context, tag)[1]
    most = _REMEMBERED * int(context.getConf().get("spark.ui.retainedJobs", "1000"))
    if None in stages or jobs_begun(context) - jobs_before > most:
        return None
    return sum(stage.inputBytes() for stage in stages), sum(stage.outputBytes() for stage in stages)


def jobs_begun(context: Any) -> int:
    """How many jobs the application has begun."""
    return int(context._jsc.sc().dagScheduler().numTotalJobs())


def await_listeners(context: Any) -> None:
    """Let Spark's listeners hear of what has happened so far; on a busy machine, of most of it."""
    from py4j.protocol import Py4JJavaError

    try:
        context._jsc.sc().listenerBus().waitUntilEmpty(_LISTENER_MILLISECONDS)
    except Py4JJavaError as error:
        log.warning("Spark's figures may be incomplete: %s", error.java_exception)


def _known(ask: Any, number: int) -> Any:
    """What the store has of a job or a stage; None for what was skipped or is forgotten by now."""
    from py4j.protocol import Py4JJavaError

    try:
        return ask(number)
    except Py4JJavaError:
        return None
