from __future__ import annotations

import pytest

from dynamodb_wrapper.expressions import Compare, Params, Path
from dynamodb_wrapper.expressions.projections import project

PATHS = (Path(("name",)), Path(("limits", 0, "name")))


def test_a_projection_names_each_attribute_once() -> None:
    params = Params()
    assert project(PATHS, params) == "#0, #1[0].#0"
    assert params.into({}) == {"ExpressionAttributeNames": {"#0": "name", "#1": "limits"}}


def test_what_follows_shares_its_names_and_adds_its_own() -> None:
    params = Params()
    project(PATHS, params)
    assert Compare(Path(("name",)), "=", Path(("other",))).encode(params) == "#0 = #2"


def test_requests_of_one_projection_do_not_see_each_others_names() -> None:
    first, second = Params(), Params()
    project(PATHS, first)
    first.name("other")
    project(PATHS, second)
    assert second.into({}) == {"ExpressionAttributeNames": {"#0": "name", "#1": "limits"}}


def test_a_projection_comes_first_because_its_placeholders_are_fixed() -> None:
    params = Params()
    params.name("other")
    with pytest.raises(AssertionError):
        project(PATHS, params)
