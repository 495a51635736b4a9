"""How many tasks of an application can run at the same time, by what it was started with.

Knows Spark's settings. Must not know tables or units. Where the settings leave it open, nothing is guessed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOCAL: Final = re.compile(r"local(?:\[\s*(\d+|\*)\s*(?:,.*)?\])?")
_LOCAL_CLUSTER: Final = re.compile(r"local-cluster\[\s*(\d+)\s*,\s*(\d+)\s*,.*\]")
_OWN_SIZES: Final = "spark.yarn.heterogeneousExecutors.enabled"  # of Amazon EMR
Setting: TypeAlias = Callable[[str], str | None]


def slots_of(spark: SparkSession) -> int | None:
    """How many tasks the executors of a session have room for, or None where nobody knows.

    A session's own conf is not asked: `SparkSession.builder` writes into that of a session that is there
    already, where it changes no executor. Under Spark Connect there is no other.
    """
    context: Any = getattr(spark, "sparkContext", None)
    return None if context is None else slots(context.getConf().get)


def slots(setting: Setting) -> int | None:
    """The same by the settings of an application.

    Parameters:
        setting: gives a setting, or None. See Spark's documentation, "Configuration", and "Submitting
            Applications" for the forms of `spark.master`.
    """
    cores = _cores(setting)
    if cores is None:
        return None
    executors, of_each = cores
    return max(1, executors * int(of_each / float(setting("spark.task.cpus") or 1)))


def _cores(setting: Setting) -> tuple[int, int] | None:
    """How many executors there are at most, and how many cores each has."""
    master = setting("spark.master") or ""
    if found := _LOCAL.fullmatch(master):
        told = found[1] or "1"
        return 1, (os.cpu_count() or 1) if told == "*" else int(told)
    if found := _LOCAL_CLUSTER.fullmatch(master):
        return int(found[1]), int(found[2])
    if master.startswith("spark://"):
        most = setting("spark.cores.max")
        return None if most is None else (1, int(most))
    if not master.startswith(("yarn", "k8s://")) or setting(_OWN_SIZES) == "true":
        return None
    first = setting("spark.executor.instances")
    most = setting("spark.dynamicAllocation.maxExecutors")
    changing = setting("spark.dynamicAllocation.enabled") == "true"
    if (most if changing else first) is None:
        return None
    started = setting("spark.dynamicAllocation.initialExecutors") if changing else None
    executors = max(int(text) for text in (first, most if changing else None, started) if text is not None)
    return executors, int(setting("spark.executor.cores") or 1)
