"""Figures of a pipeline's runs, computed from what was read of each.

Knows arithmetic. Must not know how runs are read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from dynamodb_wrapper.models import RunStatus
from dynamodb_wrapper.models.base import Instant, View

MICROSECOND = Decimal("0.000001")


class RunFigures(View):
    """What statistics need of a run."""

    status: RunStatus
    start_time: Instant
    duration_seconds: Decimal | None = None


@dataclass(frozen=True, slots=True)
class PipelineRunStatistics:
    """How the runs of a pipeline went.

    Parameters:
        pipeline_id: the pipeline.
        since: the runs that started then or later are counted.
        total_runs: how many there are.
        success_rate: of the runs that succeeded or failed, the share that succeeded, from 0 to 1; None where
            there is no such run.
        average_duration_seconds: the mean, to the microsecond, over the runs whose duration is known; None
            where there are none, as for the next two.
        p50_duration_seconds: the median by the nearest-rank method: the least duration that at least half
            of the runs did not exceed. It is always the duration of some run.
        p95_duration_seconds: likewise the least that at least 95 % of the runs did not exceed.
        counts_by_status: how many runs have each status; every status is there.
        counts_by_day: how many runs started on each day that has any, earliest first; a day is a calendar day
            in the zone of the datetimes given.
    """

    pipeline_id: str
    since: datetime
    total_runs: int
    success_rate: float | None
    average_duration_seconds: Decimal | None
    p50_duration_seconds: Decimal | None
    p95_duration_seconds: Decimal | None
    counts_by_status: Mapping[RunStatus, int]
    counts_by_day: Mapping[date, int]


def statistics_of(pipeline_id: str, since: datetime, runs: Iterable[RunFigures]) -> PipelineRunStatistics:
    """The figures of these runs."""
    statuses: Counter[RunStatus] = Counter()
    days: Counter[date] = Counter()
    durations: list[Decimal] = []
    for run in runs:
        statuses[run.status] += 1
        days[run.start_time.date()] += 1
        if run.duration_seconds is not None:
            durations.append(run.duration_seconds)
    durations.sort()
    succeeded = statuses[RunStatus.SUCCESS]
    judged = succeeded + statuses[RunStatus.FAILED]
    return PipelineRunStatistics(
        pipeline_id=pipeline_id,
        since=since,
        total_runs=statuses.total(),
        success_rate=succeeded / judged if judged else None,
        average_duration_seconds=_mean(durations),
        p50_duration_seconds=nearest_rank(durations, 50),
        p95_duration_seconds=nearest_rank(durations, 95),
        counts_by_status={status: statuses[status] for status in RunStatus},
        counts_by_day=dict(sorted(days.items())),
    )


def nearest_rank(ordered: Sequence[Decimal], percent: int) -> Decimal | None:
    """The least of the ordered values that at least `percent` % of them do not exceed; None of none."""
    rank = -(-len(ordered) * percent // 100)  # rounded up
    return ordered[max(rank, 1) - 1] if ordered else None


def _mean(values: Sequence[Decimal]) -> Decimal | None:
    return (sum(values, Decimal()) / len(values)).quantize(MICROSECOND) if values else None
