from __future__ import annotations

import pytest

from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.wire.regional import Regional


class Transport:
    def __init__(self, name: str) -> None:
        self.name = name
        self.closed = False

    def __call__(self, call: Call, deadline: float) -> str:
        return f"{call.action} in {self.name} before {deadline}"

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(("region", "name"), [("", "home"), ("eu-west-1", "replica")])
def test_a_call_goes_to_the_transport_of_its_region(region: str, name: str) -> None:
    regional = Regional({"": Transport("home"), "eu-west-1": Transport("replica")})
    assert regional(Call("GetItem", {}, region=region), 7.0) == f"GetItem in {name} before 7.0"


def test_closing_closes_all() -> None:
    transports = {"": Transport("home"), "eu-west-1": Transport("replica")}
    Regional(transports).close()
    assert [transport.closed for transport in transports.values()] == [True, True]
