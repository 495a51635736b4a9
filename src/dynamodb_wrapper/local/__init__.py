"""Real engines on this machine for development and tests: dynoxide, Amazon DynamoDB Local, moto's server.

    from dynamodb_wrapper.local import start

    with start() as engine:
        config = DynamoDBConfig.for_local_development(endpoint_url=engine.endpoint_url)

dynoxide takes access keys of letters and digits only. dynoxide and moto listen on the loopback address only;
DynamoDB Local has no option for that and listens on every address of the machine.
"""

from __future__ import annotations

from dynamodb_wrapper.local.engines import ENGINES, Engine, EngineName
from dynamodb_wrapper.local.errors import EngineError
from dynamodb_wrapper.local.running import RunningEngine, attach, start

__all__ = ["ENGINES", "Engine", "EngineError", "EngineName", "RunningEngine", "attach", "start"]
