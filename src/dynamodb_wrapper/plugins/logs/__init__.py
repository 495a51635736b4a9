"""Logging: what a client does as structured records, and secrets kept out of every log."""

from dynamodb_wrapper.plugins.logs.plugin import LoggingPlugin
from dynamodb_wrapper.plugins.logs.redaction import RedactSecrets, redact_secrets
from dynamodb_wrapper.plugins.logs.sinks import Sink, StandardSink, StructlogSink

__all__ = ["LoggingPlugin", "RedactSecrets", "Sink", "StandardSink", "StructlogSink", "redact_secrets"]
