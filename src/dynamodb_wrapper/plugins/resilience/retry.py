"""Retries by policy: attempts, deadline and waits for some actions and tables, and a budget for all.

Knows how policies are chosen and shared. The rules of repeating itself are those of `engine.retry`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dynamodb_wrapper.engine.plugins import Plugin
from dynamodb_wrapper.engine.retry import BUCKET_TOKENS, Retry, RetryPolicy, TokenBucket
from dynamodb_wrapper.plugins.resilience.settings import check_positive

__all__ = ["RetryPlugin", "RetryPolicy"]

if TYPE_CHECKING:
    from dynamodb_wrapper.config import DynamoDBConfig


class RetryPlugin(Plugin):
    """Repeats calls by policies, in place of the client's own retries.

        db.use(RetryPlugin(
            RetryPolicy(actions=["GetItem", "Query"], attempts=2, timeout_seconds=0.5),
            RetryPolicy(tables=["audit"], attempts=20, timeout_seconds=60),
        ))

    Parameters:
        policies: of those that fit a call the first one holds; where none does, the client's config.
        budget: what all calls of all clients that use this object may spend on retries: 14 for one after a
            transient failure, 5 after a throttle, paid back by successes (AWS SDKs and Tools Reference Guide,
            "Retry behavior").
    """

    name, version = "retry", "1.0"

    def __init__(self, *policies: RetryPolicy, budget: int = BUCKET_TOKENS) -> None:
        check_positive(type(self).__name__, budget=budget)
        for policy in policies:
            check_positive(
                type(policy).__name__,
                attempts=policy.attempts,
                timeout_seconds=policy.timeout_seconds,
                base_seconds=policy.base_seconds,
                throttle_base_seconds=policy.throttle_base_seconds,
                longest_wait_seconds=policy.longest_wait_seconds,
            )
        self._policies = policies
        self._bucket = TokenBucket(budget)

    def bound(self, config: DynamoDBConfig) -> Plugin:
        """See `Plugin.bound`."""
        plugin = Plugin()
        plugin.retry = Retry(config.retries, config.timeout_seconds, self._bucket, policies=self._policies)
        return plugin
