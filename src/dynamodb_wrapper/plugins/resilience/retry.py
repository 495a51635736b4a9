"""Retries by policy: attempts, deadline and waits for some actions and tables, and a budget for all.

Knows how policies are chosen and shared. The rules of repeating itself are those of `engine.retry`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from dynamodb_wrapper.engine.plugins import Plugin
from dynamodb_wrapper.engine.retry import BUCKET_TOKENS, Retry, RetryPolicy, TokenBucket
from dynamodb_wrapper.plugins.options import (
    Problem,
    instance,
    names,
    positive,
    refuse_wrong,
    unset_or,
    whole,
)

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
        refuse_wrong(type(self).__name__, budget=whole(budget))
        for policy in policies:
            _check(policy)
        self._policies = policies
        self._bucket = TokenBucket(budget)

    def bound(self, config: DynamoDBConfig) -> Plugin:
        """See `Plugin.bound`."""
        plugin = Plugin()
        plugin.retry = Retry(config.retries, config.timeout_seconds, self._bucket, policies=self._policies)
        return plugin


def _check(policy: RetryPolicy) -> None:
    mend = "give policies, such as RetryPolicy(attempts=5)"
    refuse_wrong("RetryPlugin", policies=instance(policy, RetryPolicy, mend))
    refuse_wrong(
        "RetryPolicy",
        attempts=unset_or(whole, policy.attempts),
        timeout_seconds=unset_or(positive, policy.timeout_seconds),
        base_seconds=positive(policy.base_seconds),
        throttle_base_seconds=positive(policy.throttle_base_seconds),
        longest_wait_seconds=positive(policy.longest_wait_seconds),
        actions=names(policy.actions) or _misspelt(policy.actions),
        tables=names(policy.tables),
    )


def _misspelt(actions: Collection[str]) -> Problem:
    wrong = next((action for action in actions if not action[:1].isupper()), None)
    if wrong is None:
        return None
    return f"has {wrong!r}; give the service's names of operations, such as 'GetItem' or 'Query'"
