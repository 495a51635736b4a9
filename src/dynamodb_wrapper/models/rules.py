"""The business rules of the three domains, as small pure functions.

Knows what is allowed and how to say that it is not; must not know which classes obey which rule. A field's
own rules are validators of that field's type; a rule over several fields is a `Rule`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from msgspec import Struct

from dynamodb_wrapper.models.enums import RunStatus
from dynamodb_wrapper.validation import did_you_mean, problem

__all__ = [
    "ARCHIVED_BEFORE_RETENTION_ENDS",
    "DATA_TYPES",
    "ENDS_AFTER_START",
    "ENOUGH_MEMORY",
    "ENVIRONMENTS",
    "FAILED_IS_EXPLAINED",
    "FAILED_WITHIN_PROCESSED",
    "LOCATION_PREFIXES",
    "STORAGE_LEVELS",
    "TRIGGER_TYPES",
    "Rule",
    "breaches",
    "cron_expression",
    "one_of",
    "storage_location",
]

ENVIRONMENTS = ("dev", "staging", "prod", "test")
DATA_TYPES = ("s3", "database", "api", "warehouse", "kafka", "file", "stream")
TRIGGER_TYPES = ("manual", "schedule", "event", "dependency", "api", "retry", "spark")
LOCATION_PREFIXES = ("s3://", "s3a://", "hdfs://", "file://", "gs://", "abfss://", "wasbs://", "/")
STORAGE_LEVELS = (  # of pyspark.StorageLevel and org.apache.spark.storage.StorageLevel
    *("NONE", "DISK_ONLY", "DISK_ONLY_2", "DISK_ONLY_3", "OFF_HEAP"),
    *("MEMORY_ONLY", "MEMORY_ONLY_2", "MEMORY_ONLY_SER", "MEMORY_ONLY_SER_2"),
    *("MEMORY_AND_DISK", "MEMORY_AND_DISK_2", "MEMORY_AND_DISK_SER", "MEMORY_AND_DISK_SER_2"),
    "MEMORY_AND_DISK_DESER",
)
GIGABYTES_PER_CORE = Decimal("0.5")


class Rule(Struct, frozen=True):
    """A rule over several fields.

    Parameters:
        fields: the fields it looks at; a breach is reported under the first.
        breach: gets their values in that order (None where there is none) and returns what is wrong, or None.
    """

    fields: tuple[str, ...]
    breach: Callable[..., str | None]


def breaches(
    rules: Sequence[Rule], values: Mapping[str, Any], among: Collection[str] | None = None
) -> dict[str, list[str]]:
    """What is wrong, by field.

    Parameters:
        values: the fields' values; a missing one counts as None.
        among: if given, only rules that look at one of these fields are asked.
    """
    found: dict[str, list[str]] = {}
    for rule in rules:
        if among is None or not set(among).isdisjoint(rule.fields):
            text = rule.breach(*(values.get(field) for field in rule.fields))
            if text:
                found.setdefault(rule.fields[0], []).append(text)
    return found


def one_of(allowed: Sequence[str]) -> Callable[[str], str]:
    """A validator that lets only these texts pass."""

    def check(text: str) -> str:
        if text not in allowed:
            raise problem(f"{text!r} is not one of {', '.join(allowed)}{did_you_mean(text, allowed)}")
        return text

    return check


def storage_location(text: str) -> str:
    """Let only locations pass that Spark can read and write."""
    if not text.startswith(LOCATION_PREFIXES):
        raise problem(f"a location starts with one of {', '.join(LOCATION_PREFIXES)}")
    return text


def cron_expression(text: str) -> str:
    """Let only cron expressions of 5 fields, or 6 with the seconds last, pass."""
    from croniter import CroniterError, croniter  # type: ignore[import-untyped]

    fields = text.split()
    if len(fields) not in (5, 6):
        needed = "minute, hour, day, month, weekday and perhaps second"
        raise problem(f"{text!r} is not a cron expression: its fields are {needed}, such as '0 6 * * 1-5'")
    if any(field[0] in "hHrR" for field in fields):  # croniter's own, which mean another time on each reading
        raise problem(f"{text!r} is not a cron expression: H and R are not supported")
    try:
        croniter.expand(text)
    except CroniterError as error:
        raise problem(f"{text!r} is not a cron expression: {error}") from None
    return text


def _enough_memory(memory_gb: Decimal | None, cpu_cores: int | None) -> str | None:
    if memory_gb is None or cpu_cores is None or memory_gb >= (needed := GIGABYTES_PER_CORE * cpu_cores):
        return None
    return f"at least {GIGABYTES_PER_CORE} GB per core is needed: {needed} GB for {cpu_cores} cores"


def _archived_before_retention_ends(archive_days: int | None, retention_days: int | None) -> str | None:
    if archive_days is None or retention_days is None or archive_days < retention_days:
        return None
    return f"must be less than retention_days ({retention_days})"


def _ends_after_start(end_time: datetime | None, start_time: datetime | None) -> str | None:
    if end_time is None or start_time is None or end_time >= start_time:
        return None
    return f"must not be before start_time ({start_time.isoformat()})"


def _failed_is_explained(error_message: str | None, status: Enum | str | None) -> str | None:
    if status != RunStatus.FAILED or (error_message and error_message.strip()):
        return None
    return "is required when the status is failed"


def _failed_within_processed(failed: int | None, processed: int | None) -> str | None:
    if failed is None or processed is None or failed <= processed:
        return None
    return f"must not be more than total_records_processed ({processed})"


ENOUGH_MEMORY = Rule(("memory_gb", "cpu_cores"), _enough_memory)
ARCHIVED_BEFORE_RETENTION_ENDS = Rule(
    ("archive_after_days", "retention_days"), _archived_before_retention_ends
)
ENDS_AFTER_START = Rule(("end_time", "start_time"), _ends_after_start)
FAILED_IS_EXPLAINED = Rule(("error_message", "status"), _failed_is_explained)
FAILED_WITHIN_PROCESSED = Rule(("total_records_failed", "total_records_processed"), _failed_within_processed)
