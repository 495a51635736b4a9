"""Where calls go: the default endpoint of a Region, a custom `endpoint_url`, and the target of an action.

Knows names and URLs. Must not know sockets or credentials; botocore is asked only about unusual partitions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from msgspec import Struct

from dynamodb_wrapper.exceptions import ValidationError

if TYPE_CHECKING:
    from dynamodb_wrapper.config import DynamoDBConfig

STREAMS_ACTIONS: Final = frozenset({"DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"})

_DATABASE_PREFIX: Final = "DynamoDB_20120810."
_STREAMS_PREFIX: Final = "DynamoDBStreams_20120810."
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_USUAL_REGION: Final = re.compile(r"(af|ap|ca|eu|il|me|mx|sa|us|us-gov)-[a-z]+-\d+")
_CHINESE_REGION: Final = re.compile(r"cn-[a-z]+-\d+")


class Endpoint(Struct, frozen=True):
    """One address that answers DynamoDB's protocol.

    Parameters:
        scheme: "http" or "https".
        host: a name or an IP address, without the brackets of IPv6.
        port: the TCP port.
        region: the Region that requests are signed for.
        path: the path of every request, percent-encoded.
    """

    scheme: str
    host: str
    port: int
    region: str
    path: str = "/"

    @property
    def authority(self) -> str:
        """The value of the Host header: IPv6 in brackets, the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address as a URL."""
        return f"{self.scheme}://{self.authority}{self.path if self.path != '/' else ''}"


def target(action: str) -> str:
    """The X-Amz-Target of an action; the actions of DynamoDB Streams have a service prefix of their own."""
    return (_STREAMS_PREFIX if action in STREAMS_ACTIONS else _DATABASE_PREFIX) + action


def resolve(config: DynamoDBConfig, *, streams: bool = False) -> Endpoint:
    """The endpoint that a configuration means.

    Parameters:
        config: `endpoint_url` wins, else the public endpoint of `region_name`.
        streams: whether the endpoint of DynamoDB Streams is asked for; on AWS it is another host.

    Raises:
        ValidationError: `endpoint_url` is no URL of an endpoint, or the Region has no endpoint.
    """
    if config.endpoint_url:
        return parse(str(config.endpoint_url), config.region_name)
    return Endpoint("https", _public_host(config.region_name, streams), 443, config.region_name)


def parse(url: str, region: str) -> Endpoint:
    """Read an endpoint's URL; anything but scheme, host, port and path is refused."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _bad_url(f"is no URL ({error})") from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise _bad_url(f"must begin with http:// or https://, not {parts.scheme or 'no scheme'!r}")
    if not parts.hostname or not re.fullmatch(r"[^\s/\\@]+", parts.hostname):
        raise _bad_url("names no host")
    if "@" in parts.netloc:
        raise _bad_url("must not contain credentials: use aws_access_key_id and aws_secret_access_key")
    if parts.query or parts.fragment:
        raise _bad_url("must not have a query or a fragment")
    path = quote(parts.path, safe="/~-._%") or "/"
    return Endpoint(parts.scheme, parts.hostname, port or _DEFAULT_PORTS[parts.scheme], region, path)


def _public_host(region: str, streams: bool) -> str:
    prefix = "streams.dynamodb" if streams else "dynamodb"
    if _USUAL_REGION.fullmatch(region):
        return f"{prefix}.{region}.amazonaws.com"
    if _CHINESE_REGION.fullmatch(region):
        return f"{prefix}.{region}.amazonaws.com.cn"
    return _host_by_botocore(region, prefix)


def _host_by_botocore(region: str, prefix: str) -> str:
    from botocore.loaders import create_loader
    from botocore.regions import EndpointResolver

    known = EndpointResolver(create_loader().load_data("endpoints")).construct_endpoint(prefix, region)
    if not known or not known["hostname"].startswith(prefix):
        text = f"{region!r} is no Region with DynamoDB: check the name, or give endpoint_url"
        raise ValidationError(f"region_name: {text}", errors={"region_name": [text]})
    return str(known["hostname"])


def _bad_url(what: str) -> ValidationError:
    text = f"{what}; an endpoint looks like http://127.0.0.1:8000 or https://dynamodb.eu-west-1.amazonaws.com"
    return ValidationError(f"endpoint_url {text}", errors={"endpoint_url": [text]})
