"""Scheduled work: which slots have come. Any number of schedulers agree on them; the slot ledger lets one act.

A slot is the time that the schedule names, in UTC. Jitter delays it by a share that job and slot decide, so every
process waits equally long. Of slots that came while nobody looked only the last one counts, and only for so long.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]

from aftertune.crontab import with_named_days
from aftertune.errors import BadInput
from aftertune.values.schedule import Schedule

_LOOK_BACK = tuple(timedelta(days=days) for days in (1 / 24, 1, 8, 32, 367, 5 * 366))


class Rhythm(Protocol):
    """When something comes, by the clock."""

    def last(self, now: datetime) -> datetime | None:
        """The last time that is not after `now`, in UTC; None when there was none in five years."""
        ...

    def next(self, now: datetime) -> datetime | None:
        """The first time after `now`, in UTC."""
        ...


class Cron:
    """Five fields, in a time zone. Raises BadInput when they are none, or never come.

    Weekdays by number are crontab's: 0 and 7 are Sunday. A day and a weekday must both hold, as in APScheduler.
    """

    def __init__(self, fields: str, zone: ZoneInfo) -> None:
        try:
            self._trigger = CronTrigger.from_crontab(with_named_days(fields), zone)
        except ValueError as error:
            raise BadInput(
                f"{fields!r} is no cron expression ({error}).",
                "Five fields: minute, hour, day, month, weekday; such as '0 2 * * *'.",
            ) from None
        if self.next(datetime.now(UTC)) is None:
            raise BadInput(f"{fields!r} never comes.")

    def last(self, now: datetime) -> datetime | None:
        for back in _LOOK_BACK:
            found: datetime | None = None
            while (fires := self._trigger.get_next_fire_time(found, found or now - back)) is not None:
                if fires > now:
                    break
                found = fires
            if found is not None:
                return found.astimezone(UTC)
        return None

    def next(self, now: datetime) -> datetime | None:
        fires: datetime | None = self._trigger.get_next_fire_time(None, now + timedelta(microseconds=1))
        return fires.astimezone(UTC) if fires else None


class Interval:
    """Every so many seconds since midnight of 1 January 2000 in the time zone."""

    def __init__(self, every_s: float, zone: ZoneInfo) -> None:
        self._every = timedelta(seconds=every_s)
        self._start = datetime(2000, 1, 1, tzinfo=zone).astimezone(UTC)

    def last(self, now: datetime) -> datetime | None:
        return self._start + (now - self._start) // self._every * self._every

    def next(self, now: datetime) -> datetime | None:
        return self._start + ((now - self._start) // self._every + 1) * self._every


class Job(NamedTuple):
    """What comes when. `suites` and `deployments`: only these; empty: those of each release, and every deployment."""

    name: str
    rhythm: Rhythm
    jitter_s: float
    misfire_s: float
    suites: tuple[str, ...] = ()
    deployments: tuple[str, ...] = ()

    def delay(self, slot: datetime) -> timedelta:
        """In [0, jitter_s): the same for every process."""
        digest = hashlib.sha256(f"{self.name} {slot.isoformat()}".encode()).digest()
        return timedelta(seconds=self.jitter_s * int.from_bytes(digest[:8]) / 2**64)


class Slot(NamedTuple):
    """A time that has come. `missed`: so long ago that nothing is to be done any more but to say so."""

    job: Job
    at: datetime
    missed: bool


class Timetable:
    """Looks at the clock; `since` is when the first look of all was taken, before which nothing was promised."""

    def __init__(self, jobs: Iterable[Job], since: datetime) -> None:
        self.jobs = tuple(jobs)
        self._since = since
        self._quiet: dict[str, tuple[datetime, datetime]] = {}

    def due(self, now: datetime, settled: Mapping[str, datetime]) -> list[Slot]:
        """Slots that are to be settled now; `settled` has the last one of each job that was."""
        found = (self._due(job, now, settled.get(job.name, self._since)) for job in self.jobs)
        return [slot for slot in found if slot is not None]

    def _due(self, job: Job, now: datetime, after: datetime) -> Slot | None:
        looked, until = self._quiet.get(job.name, (now, now))
        if looked <= now < until:
            return None
        slot = job.rhythm.last(now)
        if slot is None or slot <= after:
            self._quiet[job.name] = (now, job.rhythm.next(now) or now)
            return None
        if now < slot + job.delay(slot):
            return None
        return Slot(job, slot, missed=now - slot - job.delay(slot) > timedelta(seconds=job.misfire_s))


def timetable(schedules: Sequence[Schedule], time_zone: str, since: datetime) -> Timetable:
    """Raises BadInput that names the schedule."""
    names = [schedule.name for schedule in schedules]
    if twice := {name for name in names if names.count(name) > 1}:
        raise BadInput(f"The setting 'evals__schedules' has {min(twice)!r} twice.", "Names are unique.")
    return Timetable((_job(schedule, time_zone) for schedule in schedules), since)


def _job(schedule: Schedule, time_zone: str) -> Job:
    try:
        zone = _zone(schedule.time_zone or time_zone)
        rhythm: Rhythm = Cron(schedule.cron, zone) if schedule.cron else Interval(schedule.every_s, zone)
    except BadInput as error:
        raise BadInput(
            f"The schedule {schedule.name!r} of the setting 'evals__schedules' is wrong: {error.what}",
            error.remedy,
        ) from None
    return Job(
        schedule.name, rhythm, schedule.jitter_s, schedule.misfire_s, schedule.suites, schedule.deployments
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        raise BadInput(
            f"there is no time zone {name!r}.", "Take a name of the IANA database, such as Europe/Berlin."
        ) from None
