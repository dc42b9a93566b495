"""ISO weeks in a time zone."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aftertune.errors import BadInput
from aftertune.values.report import WEEK


class Week(NamedTuple):
    """[since, until) in UTC, from Monday's midnight to the next in `time_zone`."""

    name: str
    time_zone: str
    since: datetime
    until: datetime

    def over(self, at: datetime) -> bool:
        return at >= self.until


def week_named(name: str, time_zone: str) -> Week:
    """Raises BadInput for what is no week, 2027-W53 included."""
    unknown = BadInput(f"There is no ISO week {name!r}.", "Write it as 2026-W47.")
    if not re.match(WEEK, name):
        raise unknown
    try:
        monday = date.fromisocalendar(int(name[:4]), int(name[6:]), 1)
    except ValueError:
        raise unknown from None
    zone = zone_named(time_zone)

    def midnight(day: date) -> datetime:
        return datetime.combine(day, time(), zone).astimezone(UTC)

    return Week(name, time_zone, midnight(monday), midnight(monday + timedelta(days=7)))


def week_before(at: datetime, time_zone: str) -> Week:
    """The last week that was over at `at`."""
    return week_named(week_of(at - timedelta(days=7), time_zone), time_zone)


def week_of(at: datetime, time_zone: str) -> str:
    """The name of the week that holds the moment."""
    year, number, _day = at.astimezone(zone_named(time_zone)).isocalendar()
    return f"{year:04d}-W{number:02d}"


def zone_named(time_zone: str) -> ZoneInfo:
    try:
        return ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput(
            f"Unknown time zone {time_zone!r}.",
            "Set AFTERTUNE_EVALS__TIME_ZONE to an IANA name, such as UTC.",
        ) from None
