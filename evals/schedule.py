"""The nightly schedule: APScheduler says when, the slot ledger says once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.schedulers.background import BackgroundScheduler  # type: ignore[import-untyped]
from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]

from aftertune.clock import Clock
from aftertune.errors import BadInput

_LOOK_BACK = tuple(timedelta(days=days) for days in (1 / 24, 1, 8, 32, 367, 5 * 366))


def nightly_trigger(cron: str, time_zone: str) -> CronTrigger:
    """Raises BadInput that names the setting."""
    try:
        zone = ZoneInfo(time_zone)
    except (ValueError, KeyError, OSError):
        raise BadInput(
            f"The setting 'evals__time_zone' is wrong: there is no time zone {time_zone!r}.",
            "Take a name of the IANA database, such as Europe/Berlin.",
        ) from None
    try:
        trigger = CronTrigger.from_crontab(cron, zone)
    except ValueError as error:
        raise BadInput(
            f"The setting 'evals__nightly' is wrong: {cron!r} is no cron expression ({error}).",
            "Five fields: minute, hour, day, month, weekday; such as '0 2 * * *'.",
        ) from None
    if trigger.get_next_fire_time(None, datetime.now(UTC)) is None:
        raise BadInput(f"The setting 'evals__nightly' is wrong: {cron!r} never comes.")
    return trigger


def last_slot(trigger: CronTrigger, now: datetime) -> datetime | None:
    """The last scheduled time that is not after `now`, in UTC; None when there was none in five years."""
    for back in _LOOK_BACK:
        found: datetime | None = None
        while (fires := trigger.get_next_fire_time(found, found or now - back)) is not None and fires <= now:
            found = fires
        if found is not None:
            return found.astimezone(UTC)
    return None


class Nightly:
    """Collects the slots that came due; the room opens them when the database is there.

    A slot that the clock jumped over, or that came while the process was asleep, comes once, late.
    """

    def __init__(self, trigger: CronTrigger, clock: Clock) -> None:
        self._trigger = trigger
        self._clock = clock
        self._came: list[datetime] = []
        self._lock = threading.Lock()
        self._scheduler = BackgroundScheduler(timezone=trigger.timezone)
        self._job = self._scheduler.add_job(
            self.note, trigger, coalesce=True, misfire_grace_time=None, max_instances=1
        )

    @contextmanager
    def running(self) -> Iterator["Nightly"]:
        self._scheduler.start()
        try:
            yield self
        finally:
            self._scheduler.shutdown()

    def note(self) -> None:
        """The scheduler's job: the slot that is due now."""
        slot = last_slot(self._trigger, self._clock.now())
        with self._lock:
            if slot is not None and slot not in self._came:
                self._came.append(slot)

    def note_missed(self, settled: str) -> None:
        """The last slot, when it came after `settled`, the ISO time of the one that was opened last."""
        slot = last_slot(self._trigger, self._clock.now())
        if slot is not None and slot > datetime.fromisoformat(settled):
            self.note()

    def due(self) -> list[datetime]:
        """Slots that came and were not settled yet, oldest first. The scheduler is made to look at the clock again."""
        if self._scheduler.running:
            self._scheduler.wakeup()
        with self._lock:
            return list(self._came)

    def settled(self, slot: datetime) -> None:
        with self._lock:
            self._came.remove(slot)
