"""The figures as Prometheus reads them.

Knows prometheus_client. Must not know what is counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf
from typing import Final

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.plugins.metrics.figures import Distribution, Family, Sum

try:
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
    from prometheus_client.metrics_core import Metric
    from prometheus_client.registry import Collector
except ModuleNotFoundError as error:
    raise ValidationError(
        "Metrics for Prometheus need prometheus_client: pip install 'dynamodb-wrapper[metrics]'. "
        "MetricsPlugin.snapshot() does without",
        error,
    ) from error

__all__ = ["CollectorRegistry", "Figured", "generate_latest"]

PREFIX: Final = "dynamodb_"

_OTHER: Final = re.compile(r"\W", re.ASCII)  # what a name of Prometheus cannot have


class Figured(Collector):
    """A collector that turns families into metrics at the moment when they are read.

    Parameters:
        families: gives the families as they are now.
    """

    def __init__(self, families: Callable[[], Sequence[Family]]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """Every family with its figures."""
        for family in self._families():
            yield _metric(family)

    def describe(self) -> Iterable[Metric]:
        """The families, by which a registry finds that two collectors have the same names."""
        return self.collect()


def _metric(family: Family) -> Metric:
    name, text = _OTHER.sub("_", PREFIX + family.name), family.text
    labels = [_OTHER.sub("_", label) for label in family.labels]
    if family.kind == "distribution":
        spread = HistogramMetricFamily(name, text, labels=labels)
        for values, figure in family.series.items():
            if isinstance(figure, Distribution):
                buckets = [(_bound(bound), float(count)) for bound, count in figure.cumulated()]
                spread.add_metric(values, buckets, figure.sum)
        return spread
    plain = (GaugeMetricFamily if family.kind == "state" else CounterMetricFamily)(name, text, labels=labels)
    for values, figure in family.series.items():
        if isinstance(figure, Sum):
            plain.add_metric(values, figure.value)
    return plain


def _bound(bound: float) -> str:
    return "+Inf" if bound == inf else str(bound)
