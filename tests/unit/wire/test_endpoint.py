from __future__ import annotations

from typing import Any

import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.session import Session

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.wire.endpoint import Endpoint, parse, resolve, target

PARTITIONS = ("aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-f", "aws-eusc")


@pytest.mark.usefixtures("botocore_data")
@pytest.mark.parametrize(("service", "streams"), [("dynamodb", False), ("dynamodbstreams", True)])
def test_the_public_endpoints_are_those_that_botocore_uses(
    settings: Any, service: str, streams: bool
) -> None:
    session = Session()
    regions = [name for each in PARTITIONS for name in session.get_available_regions("dynamodb", each)]
    assert len(regions) > 25
    data = session.get_component("data_loader")
    rules = EndpointProvider(
        data.load_service_model(service, "endpoint-rule-set-1"), data.load_data("partitions")
    )
    botocores = {
        region: rules.resolve_endpoint(Region=region, UseDualStack=False, UseFIPS=False).url
        for region in regions
    }
    found = {region: resolve(settings(region_name=region), streams=streams) for region in regions}
    assert {region: endpoint.url for region, endpoint in found.items()} == botocores
    assert {(each.scheme, each.port) for each in found.values()} == {("https", 443)}
    assert [endpoint.region for endpoint in found.values()] == regions


def test_the_region_of_local_engines_needs_an_endpoint(settings: Any) -> None:
    with pytest.raises(ValidationError, match="endpoint_url") as caught:
        resolve(settings(region_name="local"))
    assert list(caught.value.errors) == ["region_name"]


def test_a_custom_endpoint_serves_tables_and_streams(settings: Any) -> None:
    config = settings(endpoint_url="http://127.0.0.1:8000", region_name="eu-west-1")
    assert (
        resolve(config) == resolve(config, streams=True) == Endpoint("http", "127.0.0.1", 8000, "eu-west-1")
    )


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("http://localhost:8000", "localhost:8000", "/"),
        ("http://localhost", "localhost", "/"),
        ("http://localhost:80", "localhost", "/"),
        ("https://LocalHost:443/", "localhost", "/"),
        ("http://[::1]:8000", "[::1]:8000", "/"),
        ("https://[2001:db8::1]", "[2001:db8::1]", "/"),
        ("https://gate.example/table service/", "gate.example", "/table%20service/"),
    ],
)
def test_how_a_url_is_read(url: str, authority: str, path: str) -> None:
    endpoint = parse(url, "us-east-1")
    assert (endpoint.authority, endpoint.path) == (authority, path)
    assert parse(endpoint.url, "us-east-1") == endpoint


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("127.0.0.1:8000", "must begin with http:// or https://"),
        ("ftp://127.0.0.1", "must begin with http:// or https://, not 'ftp'"),
        ("http://", "names no host"),
        ("http://:8000", "names no host"),
        ("http://a b", "names no host"),
        ("http://127.0.0.1:eight", "is no URL"),
        ("http://127.0.0.1:99999", "is no URL"),
        ("http://[::1", "is no URL"),
        ("http://key:hidden@127.0.0.1", "must not contain credentials"),
        ("http://127.0.0.1/?a=b", "must not have a query"),
        ("http://127.0.0.1/#a", "must not have a query or a fragment"),
    ],
)
def test_what_is_no_endpoint_is_refused_by_its_field(url: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why) as caught:
        parse(url, "us-east-1")
    assert list(caught.value.errors) == ["endpoint_url"]
    assert "hidden" not in str(caught.value)


def test_the_target_names_the_service_of_the_action() -> None:
    session = Session()
    for service in ("dynamodb", "dynamodbstreams"):
        model = session.get_service_model(service)
        for action in model.operation_names:
            assert target(action) == f"{model.metadata['targetPrefix']}.{action}"
