from __future__ import annotations

from collections.abc import Callable
from math import inf, nan
from typing import Any

import pytest

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.models import DynamoDBModel
from dynamodb_wrapper.plugins import (
    AwsKms,
    Bulkhead,
    CachePlugin,
    CircuitBreaker,
    Encryption,
    HedgedReads,
    Keyring,
    LoggingPlugin,
    MetricsPlugin,
    RateLimit,
    RedactSecrets,
    RetryPlugin,
    RetryPolicy,
    SafeWrites,
    UnitLimit,
)
from dynamodb_wrapper.plugins.options import (
    instance,
    names,
    not_negative,
    positive,
    refuse_wrong,
    unset_or,
    whole,
)
from dynamodb_wrapper.schema import Encrypted


@pytest.mark.parametrize("value", [-1, True, "5", nan, inf, None, [1]])
@pytest.mark.parametrize("check", [positive, not_negative, whole])
def test_what_is_no_number_in_range_is_refused(check: Callable[[object], str | None], value: object) -> None:
    assert repr(value) in (check(value) or "")


def test_numbers_in_range_are_taken() -> None:
    assert [positive(0.5), not_negative(0), whole(1), unset_or(whole, None)] == [None] * 4
    assert all((positive(0), whole(0), whole(1.5), unset_or(whole, 0)))


def test_a_text_is_no_collection_of_names() -> None:
    assert [names(["a"]), names(()), names({"a"})] == [None] * 3
    assert names("orders") == "is 'orders'; give a list of names, such as ['orders']"
    assert names([1])


def test_an_object_of_another_class_is_refused_without_its_value() -> None:
    assert instance(b"x", bytes, "give bytes") is None
    assert instance("a secret", bytes, "give bytes") == "is of type str; give bytes"


def test_all_problems_are_told_at_once_with_the_plugin_and_the_options() -> None:
    with pytest.raises(ValidationError, match=r"Limit is not valid: b\.c: is -1; give .*; a: is 0") as caught:
        refuse_wrong("Limit", {"b.c": positive(-1)}, a=positive(0), d=positive(1))
    assert caught.value.errors.keys() == {"a", "b.c"}


RING = Keyring({"k": b"k" * 32}, current="k")


class Patient(DynamoDBModel):
    name: str
    secret: Encrypted[str] = ""

    class Meta:
        table_name = "patients"
        partition_key = "name"


WRONG: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (AwsKms, {"key_id": None}),
    (AwsKms, {"key_id": "alias/a", "older": "alias/b"}),
    (Bulkhead, {"concurrency": 2.5}),
    (Bulkhead, {"concurrency": 1, "tables": "orders"}),
    (Bulkhead, {"concurrency": 1, "tables": {"orders": "5"}}),
    (CachePlugin, {"item_seconds": "5"}),
    (CachePlugin, {"item_seconds": inf}),
    (CachePlugin, {"max_entries": 1.5}),
    (CachePlugin, {"redis": 6379}),
    (CachePlugin, {"namespace": None}),
    (CircuitBreaker, {"failures": None}),
    (Encryption, {"keys": b"k" * 32, "models": [Patient]}),
    (Encryption, {"keys": RING, "models": Patient}),
    (Encryption, {"keys": RING, "models": [Patient], "key_seconds": "300"}),
    (Encryption, {"keys": RING, "models": [Patient], "key_uses": 2**33}),
    (Encryption, {"keys": RING, "models": [Patient], "bound_tables": "original"}),
    (HedgedReads, {"quantile": 95}),
    (HedgedReads, {"extra": "5 %"}),
    (Keyring, {"keys": b"k" * 32, "current": "k"}),
    (LoggingPlugin, {"keys": "plain"}),
    (LoggingPlugin, {"salt": "salt"}),
    (LoggingPlugin, {"sink": 5}),
    (MetricsPlugin, {"seconds": "fast"}),
    (MetricsPlugin, {"most_series": 0}),
    (RateLimit, {"read_units": "100"}),
    (RateLimit, {"tables": {"orders": 100}}),
    (RateLimit, {"tables": {"orders": UnitLimit(read=-1)}}),
    (RedactSecrets, {"secrets": "the-secret"}),
    (SafeWrites, {"tables": "orders"}),
]


@pytest.mark.parametrize(("kind", "options"), WRONG)
def test_every_plugin_says_which_of_its_options_is_wrong_and_what_to_give(
    kind: Callable[..., Any], options: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError, match=kind.__name__) as caught:
        kind(**options)
    assert [name for name in caught.value.errors if name.split(".")[0] in options]
    assert "the-secret" not in str(caught.value).replace("['the-secret']", "")


@pytest.mark.parametrize(
    "policy",
    [
        RetryPolicy(attempts=0),
        RetryPolicy(timeout_seconds="5"),  # type: ignore[arg-type]
        RetryPolicy(actions="GetItem"),
        RetryPolicy(actions=["get"]),
        RetryPolicy(tables="orders"),
        "often",
    ],
)
def test_a_retry_policy_that_could_never_hold_is_refused(policy: Any) -> None:
    with pytest.raises(ValidationError, match=r"Retry(Policy|Plugin) is not valid: \w+: (is|has) .*; give"):
        RetryPlugin(policy)


def test_the_cache_of_what_is_no_client_is_refused() -> None:
    with pytest.raises(ValidationError, match="give a DynamoDB or AsyncDynamoDB"):
        CachePlugin().of("db")  # type: ignore[call-overload]
