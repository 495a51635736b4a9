from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, Field

from dynamodb_wrapper.expressions import Params
from dynamodb_wrapper.operations.expiry import (
    FIVE_YEARS_SECONDS,
    all_unexpired,
    is_expired,
    not_expired,
    unexpired,
)
from dynamodb_wrapper.schema import schema_of


class Plain(BaseModel):
    id: str

    class Meta:
        table_name = "plain"
        partition_key = "id"


class Counted(Plain):
    ends: Decimal | int | None = Field(default=None, alias="expires_at")

    class Meta:
        table_name = "leases"
        partition_key = "id"
        ttl = "expires_at"


NOW = 2_000_000_000


@pytest.mark.parametrize(
    ("ends", "expired"),
    [
        (None, False),
        (NOW + 1, False),
        (NOW, True),
        (Decimal(NOW) - Decimal("0.5"), True),
        (NOW - FIVE_YEARS_SECONDS, True),
        (NOW - FIVE_YEARS_SECONDS - 1, False),
        (0, False),
    ],
)
def test_an_item_is_expired_for_five_years(ends: Any, expired: bool) -> None:
    assert is_expired(Counted(id="a", expires_at=ends), NOW) is expired


def test_a_datetime_counts_as_its_seconds() -> None:
    class Dated(Plain):
        ends: datetime

        class Meta:
            table_name = "dated"
            partition_key = "id"
            ttl = "ends"

    assert is_expired(Dated(id="a", ends=datetime.fromtimestamp(NOW, UTC)), NOW)
    assert not is_expired(Dated(id="a", ends=datetime.fromtimestamp(NOW + 1, UTC)), NOW)


def test_without_ttl_nothing_expires() -> None:
    assert not_expired(schema_of(Plain)) is None
    assert not is_expired(Plain(id="a"))


def test_the_condition() -> None:
    condition = not_expired(schema_of(Counted), NOW)
    assert condition is not None
    assert condition.encode(Params()) == "(NOT #0 BETWEEN :0 AND :1)"


def test_expired_ones_leave_their_slots() -> None:
    items = [Counted(id="a", expires_at=1_700_000_000), None, Counted(id="b")]
    assert all_unexpired(items) == [None, None, items[2]]
    assert unexpired(None) is None
