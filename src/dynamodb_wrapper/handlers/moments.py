"""Points in the past that a caller names by how long ago they were."""

from __future__ import annotations

from datetime import datetime, timedelta

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.timezones import utcnow

MOST_DAYS = 36_500


def days_ago(days: float, parameter: str) -> datetime:
    """The moment that many days before now, in UTC.

    Parameters:
        days: 0 to 36,500.
        parameter: the name of the parameter that it came in, for the error.

    Raises:
        ValidationError: it is no such number; a negative one would mean a moment to come.
    """
    if isinstance(days, bool) or not isinstance(days, int | float) or not 0 <= days <= MOST_DAYS:
        mend = f"a number of days from 0 to {MOST_DAYS}"
        raise ValidationError(f"{parameter} is {days!r}: give {mend}", errors={parameter: [mend]})
    return utcnow() - timedelta(days=days)
