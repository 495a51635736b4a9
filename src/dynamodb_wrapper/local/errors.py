"""The error of the local engines. A leaf: it knows the error tree's root and nothing else."""

from __future__ import annotations

from dynamodb_wrapper.exceptions import DynamoDBWrapperError

__all__ = ["EngineError"]


class EngineError(DynamoDBWrapperError):
    """A local engine could not be fetched, started or stopped; the message says what to install or do."""

    code = "engine_unavailable"
    status_code = 503
