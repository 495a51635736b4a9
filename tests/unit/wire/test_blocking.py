from __future__ import annotations

import gc
import os
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.support import faults
from tests.support.faults import FaultServer

from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.exceptions import ConnectionError, DeadlineExceededError
from dynamodb_wrapper.wire.blocking import BlockingTransport

GET = Call("GetItem", {"TableName": "t", "Key": {"pk": {"S": "a"}}}, "t")
ADD = Call("UpdateItem", {"TableName": "t"}, "t", repeatable=False)


def test_a(settings: Any, soon: Any) -> None:
    with FaultServer() as server:
        transport = BlockingTransport(settings(endpoint_url=server.url))
        assert transport(GET, soon()) == b"{}"
        assert transport(GET, soon()) == b"{}"
        assert server.connections == 1
        assert server.requests[0].action == "GetItem"
