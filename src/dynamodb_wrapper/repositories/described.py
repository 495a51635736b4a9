"""New items of a domain from what was given by name: valid by the rules of its DTO, as through its write API.

Knows commands and DTOs. Must not know a particular domain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dynamodb_wrapper.engine.flow import Flow
from dynamodb_wrapper.handlers.items import D, ItemCommands, M
from dynamodb_wrapper.handlers.views import refuse_unknown_zone
from dynamodb_wrapper.repositories.zones import placed

__all__ = ["described"]


def described(commands: ItemCommands[M, D], given: Mapping[str, Any], zone: str | None) -> Flow[M]:
    """Store a new item and return it.

    Parameters:
        given: values by field; what only the model has, such as a statistic, is checked by the model.
        zone: the IANA zone of naive datetimes; None refuses them.

    Raises:
        ValidationError: a field is unknown, or breaks a rule; nothing was written.
        ConflictError: an item with this key exists; carries it as `current_item`.
    """
    refuse_unknown_zone(zone, "current_timezone")
    values = placed(dict(given), zone)
    only_stored = commands.model.model_fields.keys() - commands.dto.model_fields.keys()
    dto = commands.dto(**{name: value for name, value in values.items() if name not in only_stored})
    more = {name: value for name, value in values.items() if name in only_stored}
    return commands._create(commands._new(dto, **more))
