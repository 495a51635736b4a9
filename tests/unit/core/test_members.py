from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from dynamodb_wrapper.core.members import MEMBERS, refuse_unknown
from dynamodb_wrapper.exceptions import ValidationError


@pytest.mark.usefixtures("botocore_data")
@pytest.mark.parametrize("action", MEMBERS)
def test_the_members_are_those_that_botocore_knows(action: str) -> None:
    model = botocore.session.get_session().get_service_model("dynamodb")
    is_operation = action in model.operation_names
    shape: Any = model.operation_model(action).input_shape if is_operation else model.shape_for(action)
    assert set(MEMBERS[action]) == set(shape.members)


def test_a_known_member_passes() -> None:
    refuse_unknown("Scan", ["TableName", "FilterExpression"])


def test_a_misspelt_member_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(
        ValidationError, match=r"'FilterExpresion', 'xyz'; did you mean 'FilterExpression'"
    ) as refused:
        refuse_unknown("Scan", ["TableName", "FilterExpresion", "xyz"])
    assert set(refused.value.errors) == {"FilterExpresion", "xyz"}


def test_an_action_that_no_transaction_has_is_refused() -> None:
    with pytest.raises(ValidationError, match="Put, Update, Delete, ConditionCheck or Get"):
        refuse_unknown("Insert", [])
