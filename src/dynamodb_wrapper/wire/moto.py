"""moto's `mock_aws`, honoured: while it is active, calls are answered by moto and not by the network.

Knows how botocore lets others answer a request: the event `before-send`. Must not know the transports. This
module is imported only where moto is loaded already, and botocore with it.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from dynamodb_wrapper.wire import failures

if TYPE_CHECKING:
    from dynamodb_wrapper.engine.flow import Call
    from dynamodb_wrapper.wire.endpoint import Endpoint

_PUBLIC = (".amazonaws.com", ".amazonaws.com.cn")


def answer(call: Call, endpoint: Endpoint, request: bytes) -> tuple[int, dict[bytes, bytes], bytes] | None:
    """Status, headers and body that moto gives; None if no mock is active or it does not know the endpoint.

    Parameters:
        call: what is asked.
        endpoint: where it would go.
        request: the whole signed request.

    Raises:
        ConnectionError: the mock runs in a server, but the call would go to AWS.
    """
    core = sys.modules.get("moto.core.models")
    if core is None:
        return None
    if not core.botocore_stubber.enabled:
        if core.ServerModeMockAWS._mocks_active and endpoint.host.endswith(_PUBLIC):
            raise failures.unusable(
                call,
                "moto's mock_aws is active in server mode: set endpoint_url to the address of moto's server",
            )
        return None
    from botocore.awsrequest import AWSRequest

    head, _, body = request.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:])
    url = f"{endpoint.scheme}://{endpoint.authority}{endpoint.path}"
    prepared = AWSRequest("POST", url, headers=headers, data=body).prepare()
    _, reply = _events().emit_until_response(f"before-send.dynamodb.{call.action}", request=prepared)
    if reply is None:
        return None
    named = {
        name.lower().encode("latin-1"): str(text).encode("latin-1") for name, text in reply.headers.items()
    }
    return reply.status_code, named, reply.content


@cache
def _events() -> Any:
    """botocore's emitter with the handlers that moto (and others) add to every new client."""
    from botocore.handlers import BUILTIN_HANDLERS
    from botocore.hooks import HierarchicalEmitter

    emitter = HierarchicalEmitter()
    for name, handler, *_ in BUILTIN_HANDLERS:
        if name.startswith("before-send"):
            emitter.register(name, handler)
    return emitter
