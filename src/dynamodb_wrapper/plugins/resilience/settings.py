"""What the numbers that plugins are given must be."""

from __future__ import annotations

from dynamodb_wrapper.validation import invalid


def check_positive(plugin: str, **values: float | None) -> None:
    """Refuse what is no number above 0; None means that a setting is not used.

    Raises:
        ValidationError: names the plugin and the setting.
    """
    errors = {
        name: [f"is {value!r}; give a number above 0"]
        for name, value in values.items()
        if value is not None
        and (isinstance(value, bool) or not isinstance(value, int | float) or not value > 0)
    }
    if errors:
        raise invalid(plugin, errors)
