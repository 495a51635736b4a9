"""Times as callers give them: points in time, and spans up to now of so many hours or days."""

from __future__ import annotations

from datetime import datetime, timedelta

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.timezones import to_utc, utcnow
from dynamodb_wrapper.validation import NAIVE_DATETIME

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONGEST = 36_500 * DAY


def moment(parameter: str, given: object) -> datetime:
    """That point in time, in UTC.

    Parameters:
        parameter: the name of the parameter that it came in, for the error.

    Raises:
        ValidationError: it is no datetime (text and numbers are not read), or one without a time zone.
    """
    if not isinstance(given, datetime):
        mend = "an aware datetime, such as datetime.now(timezone.utc)"
        raise ValidationError(f"{parameter} is {given!r}: give {mend}", errors={parameter: [f"give {mend}"]})
    if given.utcoffset() is None:
        raise ValidationError(
            f"{parameter} is {given.isoformat()}: {NAIVE_DATETIME}", errors={parameter: [NAIVE_DATETIME]}
        )
    return to_utc(given)


def span(parameter: str, number: float, unit: timedelta) -> timedelta:
    """That many of a unit.

    Parameters:
        parameter: the name of the parameter that the number came in, for the error.
        number: 0 to a hundred years.
        unit: `HOUR` or `DAY`.

    Raises:
        ValidationError: it is no such number; a negative one would mean a time to come.
    """
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    most = LONGEST / unit
    if not is_number or not 0 <= number <= most:
        mend = f"a number of {'days' if unit == DAY else 'hours'} from 0 to {most:,.0f}"
        raise ValidationError(f"{parameter} is {number!r}: give {mend}", errors={parameter: [mend]})
    return number * unit


def days_ago(days: float, parameter: str) -> datetime:
    """The moment that many days before now, in UTC; parameters and errors as for `span`."""
    return utcnow() - span(parameter, days, DAY)
