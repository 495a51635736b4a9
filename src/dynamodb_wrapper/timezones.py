"""Points in time: UTC for storage, a user's zone for display.

Knows zones and text forms of datetimes; must not know settings, models or the service. Storage is always UTC.
A naive datetime is never assumed to be in some zone: only `ensure_timezone_aware` and `parse_iso` give it
one, the one that they are told.

Times are shown in the zone that the call names, else that of the settings (`DynamoDBConfig.user_timezone`),
else that of `set_global_timezone`, else UTC; `display_zone` is that rule.

When summer time begins, a clock skips some times; when it ends, it shows some twice. A wall-clock time that
was skipped is refused, and of one that is shown twice the first is meant, or the second if its `fold` is 1
(PEP 495). `skipped` and `ambiguous` choose otherwise. From UTC to a zone nothing is ever ambiguous.
"""

from __future__ import annotations

from contextvars import ContextVar
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo, available_timezones

from dynamodb_wrapper.exceptions import ValidationError
from dynamodb_wrapper.validation import NAIVE_DATETIME, did_you_mean

__all__ = [
    "Ambiguous",
    "Skipped",
    "TimezoneManager",
    "convert_utc_to_user_tz",
    "display_zone",
    "ensure_timezone_aware",
    "format_iso",
    "get_timezone_manager",
    "now_in_tz",
    "parse_iso",
    "set_global_timezone",
    "to_user_timezone",
    "to_utc",
    "utcnow",
    "validate_timezone_string",
]

Ambiguous: TypeAlias = Literal["fold", "earlier", "later", "refuse"]
"""Which of the two times that a clock shows alike is meant: as the datetime's `fold` says, the one before
summer time ends, the one after, or none."""

Skipped: TypeAlias = Literal["refuse", "earlier", "later"]
"""What a time that a clock skipped means: nothing, or as long before or after the gap as it lies in it (02:30
of a gap from 02:00 to 03:00 is 01:30 or 03:30)."""


def utcnow() -> datetime:
    """Now, in UTC and aware of it."""
    return datetime.now(UTC)


def now_in_tz(name: str | None = None) -> datetime:
    """Now, in the zone of that IANA name; without one in the zone of `set_global_timezone`, else UTC."""
    return datetime.now(display_zone(name))


def to_utc(dt: datetime) -> datetime:
    """The same point in time in UTC.

    Raises:
        ValidationError: `dt` is naive, or in UTC outside the years 1 to 9999.
    """
    return _moved(dt, UTC)


def to_user_timezone(dt: datetime, user_tz: str | None = None) -> datetime:
    """The same point in time as a user reads it.

    Parameters:
        dt: an aware datetime.
        user_tz: an IANA name; without one the zone of `set_global_timezone` holds, else UTC.

    Raises:
        ValidationError: `dt` is naive, there is no such zone, or it would be outside the years 1 to 9999.
    """
    return _moved(dt, display_zone(user_tz))


def convert_utc_to_user_tz(dt: datetime, name: str) -> datetime:
    """`to_user_timezone` with the zone always named."""
    return to_user_timezone(dt, name)


def display_zone(*names: str | None) -> tzinfo:
    """The zone to show times in: the first name that is given, else `set_global_timezone`'s, else UTC.

    Parameters:
        names: IANA names by precedence, such as that of the call and that of the settings; None is not given.

    Raises:
        ValidationError: the name that counts is no zone.
    """
    return _named(next((name for name in names if name is not None), _manager.timezone))


def ensure_timezone_aware(
    dt: datetime,
    default_tz: str = "UTC",
    *,
    ambiguous: Ambiguous = "fold",
    skipped: Skipped = "refuse",
) -> datetime:
    """`dt` itself if it has a zone, else `dt` as the wall clock of `default_tz`.

    Parameters:
        ambiguous: which one of a time that the clock shows twice; see `Ambiguous`.
        skipped: what a time that the clock skipped means; see `Skipped`.

    Raises:
        ValidationError: there is no such zone, or its clock skipped that time, or shows it twice where that
            is to be refused; or a choice is none of those that there are.
    """
    _refuse_other("ambiguous", ambiguous, get_args(Ambiguous))
    _refuse_other("skipped", skipped, get_args(Skipped))
    if _is_aware(dt):
        return dt
    first, second = (_on_clock(dt, default_tz, fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    chosen = {"fold": "later" if dt.fold else "earlier"}.get(ambiguous, ambiguous)
    told = f"is shown twice by the clock of {default_tz}: say which is meant with fold, or give a UTC offset"
    if is_skipped := _settled(first).replace(tzinfo=None) != first.replace(tzinfo=None):
        # the offset before the gap, which fold 0 has, leads behind it
        chosen, first, second = skipped, _settled(second), _settled(first)
        told = (
            f"does not exist in {default_tz}: the clock was put forward past it; "
            "give a time before or after the gap, or one with a UTC offset"
        )
    if chosen == "refuse":
        why = f"{'skipped' if is_skipped else 'shown twice'} by the clock of {default_tz}"
        raise ValidationError(f"{dt.isoformat()} {told}", errors={"dt": [why]})
    return first if chosen == "earlier" else second


def validate_timezone_string(name: str) -> str:
    """That same name, if it is an IANA zone.

    Raises:
        ValidationError: it is not; the message suggests the zone that was perhaps meant.
    """
    _named(name)
    return name


def format_iso(dt: datetime) -> str:
    """The form in which datetimes are stored: UTC and of fixed width, so that the texts sort as the times do.

    Returns:
        Text such as `2026-01-31T12:00:00.000000+00:00`.

    Raises:
        ValidationError: `dt` is naive.
    """
    return to_utc(dt).isoformat(timespec="microseconds")


def parse_iso(
    text: str,
    default_tz: str | None = None,
    *,
    ambiguous: Ambiguous = "fold",
    skipped: Skipped = "refuse",
) -> datetime:
    """The point in time that an ISO 8601 text names, in UTC.

    Parameters:
        text: with `Z` or any offset, with or without fractions of a second.
        default_tz: the zone that a text without an offset is in; such a text is refused if this is left out.
        ambiguous: as for `ensure_timezone_aware`, as is the next.

    Raises:
        ValidationError: the text is not ISO 8601, or names no offset and `default_tz` is left out or has no
            such time.
    """
    try:
        dt = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        mend = "an ISO 8601 date and time with an offset is needed, such as 2026-01-31T12:00:00Z"
        raise ValidationError(f"{text!r} is not a point in time: {mend}", errors={"text": [mend]}) from None
    if default_tz is not None:
        dt = ensure_timezone_aware(dt, default_tz, ambiguous=ambiguous, skipped=skipped)
    return to_utc(dt)


def _is_aware(dt: datetime) -> bool:
    return dt.tzinfo is not None and dt.utcoffset() is not None


def _moved(dt: datetime, zone: tzinfo) -> datetime:
    if not _is_aware(dt):
        raise ValidationError(f"{dt.isoformat()}: {NAIVE_DATETIME}", errors={"dt": [NAIVE_DATETIME]})
    try:
        return dt.astimezone(zone)
    except OverflowError as error:
        text = f"in {zone} it is outside the years 1 to 9999"
        raise ValidationError(f"{dt.isoformat()}: {text}", error, errors={"dt": [text]}) from None


def _on_clock(dt: datetime, name: str, fold: int) -> datetime:
    return dt.replace(tzinfo=_named(name), fold=fold)


def _settled(dt: datetime) -> datetime:
    """The same point in time, as the clock of its zone shows it."""
    return _moved(_moved(dt, UTC), dt.tzinfo or UTC)


def _refuse_other(parameter: str, given: str, choices: tuple[str, ...]) -> None:
    if given not in choices:
        mend = f"give one of {', '.join(choices)}"
        raise ValidationError(f"{parameter} is {given!r}: {mend}", errors={parameter: [mend]})


_NO_NAMES = ("posix/", "right/")
"""Folders of some systems' zone data: copies, and zones that count leap seconds, which UTC here does not."""


def _named(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        if name.startswith(_NO_NAMES):
            raise ValueError
        return ZoneInfo(name)
    except (AttributeError, KeyError, ValueError, TypeError, OSError):  # OSError: a folder, such as "America"
        text = f"{name!r} is not an IANA time zone such as 'Europe/Oslo' or 'UTC'{_suggestion(str(name))}"
        raise ValidationError(text, errors={"timezone": [text]}) from None


def _suggestion(name: str) -> str:
    wanted = name.strip().replace(" ", "_")
    by_city = {zone.rpartition("/")[2].casefold(): zone for zone in sorted(_zone_names(), reverse=True)}
    if found := by_city.get(wanted.casefold()):
        return f"; did you mean {found!r}?"
    return did_you_mean(wanted, _zone_names(), cutoff=0.75)


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


class TimezoneManager:
    """The zone in which datetimes are shown when neither the call nor the settings name one.

    The zone chosen with `set_timezone` holds for this manager in the current context (the thread, or the
    asyncio task and those that it starts afterwards), so that two requests served at once do not disturb each
    other. A manager is made once and kept, as the one that `get_timezone_manager` gives.

    Parameters:
        default: the IANA name that holds where none was chosen.
    """

    def __init__(self, default: str = "UTC") -> None:
        self.default = validate_timezone_string(default)
        self._chosen: ContextVar[str | None] = ContextVar("dynamodb_wrapper_timezone", default=None)

    @property
    def timezone(self) -> str:
        """The IANA name of the zone that holds in the current context."""
        return self._chosen.get() or self.default

    def set_timezone(self, name: str | None) -> None:
        """Choose the zone of the current context; None goes back to the default."""
        self._chosen.set(None if name is None else validate_timezone_string(name))

    def now(self, name: str | None = None) -> datetime:
        """Now, in the zone of that name or else in the one that holds here."""
        return datetime.now(self._zone(name))

    def to_user(self, dt: datetime, name: str | None = None) -> datetime:
        """The same point in time, in the zone of that name or else in the one that holds here."""
        return _moved(dt, self._zone(name))

    def to_utc(self, dt: datetime) -> datetime:
        """The same point in time in UTC; a naive datetime is refused."""
        return to_utc(dt)

    def format(self, dt: datetime, name: str | None = None) -> str:
        """ISO 8601 text with the offset of the zone of that name, or else of the one that holds here."""
        return self.to_user(dt, name).isoformat()

    def parse(
        self,
        text: str,
        name: str | None = None,
        *,
        ambiguous: Ambiguous = "fold",
        skipped: Skipped = "refuse",
    ) -> datetime:
        """`parse_iso`, where a text without an offset is in the zone of that name, or else in this one's."""
        zone = self.timezone if name is None else name
        return parse_iso(text, zone, ambiguous=ambiguous, skipped=skipped)

    def _zone(self, name: str | None) -> tzinfo:
        return _named(self.timezone if name is None else name)


_manager = TimezoneManager()


def get_timezone_manager() -> TimezoneManager:
    """The manager that `set_global_timezone` sets and the functions of this module ask."""
    return _manager


def set_global_timezone(name: str | None) -> None:
    """Choose the zone for display where a call names none, in the current context; None goes back to UTC.

    It stands below `DynamoDBConfig.user_timezone`: settings that name a zone are not changed by it. A thread
    starts without the choice of the one that started it.
    """
    _manager.set_timezone(name)
