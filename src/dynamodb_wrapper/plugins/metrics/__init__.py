"""Metrics: what is counted of a client, as a dict and for Prometheus."""

from dynamodb_wrapper.plugins.metrics.plugin import MetricsPlugin

__all__ = ["MetricsPlugin"]
