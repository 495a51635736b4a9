from __future__ import annotations

from typing import Any

import pytest
from botocore.session import Session

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.wire.endpoint import Endpoint, parse, resolve, target

REGIONS = [
    region
    for partition in ("aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-f", "aws-eusc")
    for region in Session().get_available_regions("dynamodb", partition)
]


@pytest.fixture(scope="module")
def session() -> Session:
    return Session()


@pytest.mark.parametrize("region", REGIONS)
def test_the_public_endpoint_is_the_one_that_botocore_uses(
    settings: Any, session: Session, region: str
) -> None:
    for streams, service in ((False, "dynamodb"), (True, "dynamodbstreams")):
        client = session.create_client(
            service, region_name=region, aws_access_key_id="a", aws_secret_access_key="b"
        )
        endpoint = resolve(settings(region_name=region), streams=streams)
        assert endpoint.url == client.meta.endpoint_url
        assert (endpoint.scheme, endpoint.port, endpoint.region) == ("https", 443, region)
        client.close()


def test_there_are_regions_to_test() -> None:
    assert len(REGIONS) > 25


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
