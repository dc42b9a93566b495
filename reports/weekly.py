"""The weekly report: the schedule says when one is due, the ledger of slots lets one be asked for."""

import logging
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped]

from aftertune.clock import Clock
from aftertune.crontab import with_named_days
from aftertune.errors import BadInput
from aftertune.store import Store, Transaction
from aftertune.values.report import Report, ReportState
from aftertune.week import Week, week_before, zone_named

JOB, ACTOR = "weekly_report", "reports"
BACK = timedelta(days=35)
"""How far back a report that was missed (the room was down, the clock jumped) is still made."""

log = logging.getLogger(__name__)


class Weekly:
    """Looks at the clock, keeps nothing: a clock that jumps, either way, makes no report twice and misses none."""

    def __init__(self, store: Store, clock: Clock, cron: str, time_zone: str, holder: str) -> None:
        self._store, self._clock, self._time_zone, self._holder = store, clock, time_zone, holder
        self._trigger = trigger_of(cron, time_zone)

    def step(self) -> list[Report]:
        """Ask for every report that is due and was not asked for."""
        now = self._clock.now()
        due = list(due_weeks(self._trigger, now, self._time_zone))
        with self._store.read() as tx:
            claimed = tx.slots.claimed(JOB)
            first = tx.audit.first()
        missing = [week for week in due if week.name not in claimed and first and first.at < week.until]
        return [report for week in missing if (report := self._request(week, now))]

    def _request(self, week: Week, now: datetime) -> Report | None:
        with self._store.write() as tx:
            if not tx.slots.claim(JOB, week.name, self._holder, now):
                return None
            report = _requested(tx, week.name, now)
        log.info("The weekly report of %s is due: %s.", week.name, report.id)
        return report


def due_weeks(trigger: CronTrigger, now: datetime, time_zone: str) -> Iterator[Week]:
    """The week before each scheduled time of the last 35 days, oldest first; each week once."""
    seen: set[str] = set()
    at = trigger.get_next_fire_time(None, now - BACK)
    while at is not None and at <= now:
        week = week_before(at, time_zone)
        if week.name not in seen:
            seen.add(week.name)
            yield week
        at = trigger.get_next_fire_time(at, at)


def trigger_of(cron: str, time_zone: str) -> CronTrigger:
    """Raises BadInput for a schedule that is none."""
    try:
        return CronTrigger.from_crontab(with_named_days(cron), timezone=zone_named(time_zone))
    except ValueError as error:
        raise BadInput(
            f"The schedule {cron!r} cannot be read: {error}.",
            "Set AFTERTUNE_REPORTS__WEEKLY, as '0 6 * * mon'.",
        ) from None


def _requested(tx: Transaction, week: str, now: datetime) -> Report:
    report = Report(
        id=f"rp-{uuid.uuid4().hex[:12]}",
        week=week,
        revision=tx.reports.next_revision(week),
        preliminary=False,
        state=ReportState.REQUESTED,
        requested_by=ACTOR,
        requested_at=now,
    )
    tx.reports.add(report)
    body = {"report": report.id, "revision": report.revision, "preliminary": False, "job": JOB}
    tx.audit.append(now, ACTOR, "request_report", week, body)
    return report
