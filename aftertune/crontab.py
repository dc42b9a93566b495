"""Cron expressions as crontab means them."""

import re

_NUMBERED = re.compile(r"(?P<first>[0-7])(?:-(?P<last>[0-7]))?(?:/(?P<step>[1-7]))?")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def with_named_days(fields: str) -> str:
    """APScheduler counts weekdays from Monday and crontab from Sunday: names mean the same to both."""
    *others, weekday = fields.split() or [""]
    return " ".join((*others, ",".join(map(_named, weekday.split(",")))))


def _named(days: str) -> str:
    numbers = _NUMBERED.fullmatch("0-6" + days[1:] if days.startswith("*/") else days)
    if numbers is None:
        return days
    first, step = int(numbers["first"]), int(numbers["step"] or 1)
    # As in crontab, a step without a range goes on to the end of the week.
    last = int(numbers["last"] or (6 if numbers["step"] else first))
    return ",".join(_DAYS[day % 7] for day in range(first, last + 1, step)) or days
