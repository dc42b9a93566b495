"""Which runs are due, read from the store. The slot ledger decides: however often it is looked, each is opened once."""

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from aftertune.store import Store, Transaction
from aftertune.values.drift import DriftState
from aftertune.values.evaluation import EvaluationRun, RunState, Trigger, before_promotion_run
from aftertune.values.release import EngineState, ReleaseState
from aftertune.values.rollout import Stage
from evals.timetable import Job, Slot

_NAMED = {"nightly": Trigger.NIGHTLY, "weekly": Trigger.WEEKLY}

log = logging.getLogger(__name__)


class Due(NamedTuple):
    """A run to open for one slot of one job."""

    job: str
    slot: str
    run: EvaluationRun


def open_due(store: Store, holder: str, now: datetime) -> list[EvaluationRun]:
    """Opens what registrations, rollouts and drift alarms ask for; an idle look writes nothing."""
    with store.read() as tx:
        due = [
            each
            for each in (*_registered(tx, now), *_in_canary(tx, now), *_drifted(tx, now))
            if _is_new(tx, each)
        ]
    opened = []
    for each in due:
        with store.write() as tx:
            if tx.slots.claim(each.job, each.slot, holder, now):
                tx.evaluations.add(each.run)
                opened.append(each.run)
    return opened


def last_settled(tx: Transaction, job: str) -> datetime | None:
    """The last slot of a job that somebody settled, in UTC."""
    slot = tx.slots.last(job)
    return datetime.fromisoformat(slot) if slot else None


def open_slot(store: Store, slot: Slot, holder: str, now: datetime) -> list[EvaluationRun]:
    """The suites of each deployment's stable release, for the first claimer of the slot; nothing for any other.

    What is still under way from an earlier slot is not opened beside itself, and a missed slot opens nothing.
    """
    job = slot.job
    with store.write() as tx:
        if not tx.slots.claim(job.name, slot.at.isoformat(), holder, now):
            return []
        if slot.missed:
            log.warning("Left out %s of %s: it is %s late.", slot.at.isoformat(), job.name, now - slot.at)
            return []
        busy = {(run.suite, run.release) for run in tx.evaluations.open() if run.trigger is _trigger(job)}
        runs = []
        for deployment in tx.deployments.all():
            if job.deployments and deployment.name not in job.deployments:
                continue
            for suite in job.suites or tx.releases.get(deployment.stable).suites:
                if (suite, deployment.stable) in busy:
                    log.warning("%s of %s on %s is still under way.", job.name, suite, deployment.stable)
                    continue
                name = f"{job.name}-{slot.at:%Y%m%dT%H%M%SZ}-{deployment.name}-{suite}"
                runs.append(_run(name, suite, deployment.stable, _trigger(job), now, deployment.name))
        for run in runs:
            tx.evaluations.add(run)
    return runs


def _trigger(job: Job) -> Trigger:
    """Nightly and weekly runs have names of their own."""
    return _NAMED.get(job.name, Trigger.SCHEDULED)


def _is_new(tx: Transaction, due: Due) -> bool:
    return not tx.slots.is_claimed(due.job, due.slot)


def _registered(tx: Transaction, now: datetime) -> Iterable[Due]:
    engines = tx.releases.engines()
    for release in tx.releases.in_state(ReleaseState.READY):
        engine = engines.get(release.id)
        if engine is not None and engine.state is EngineState.READY:
            for suite in release.suites:
                name = f"registration-{release.id}-{suite}"
                run = _run(name, suite, release.id, Trigger.REGISTRATION, now)
                yield Due(f"registration:{suite}", release.id, run)


def _in_canary(tx: Transaction, now: datetime) -> Iterable[Due]:
    for rollout in tx.rollouts.open():
        if rollout.stage is Stage.CANARY:
            for suite in rollout.plan.evaluations:
                name = before_promotion_run(rollout.id, suite)
                run = _run(name, suite, rollout.candidate, Trigger.BEFORE_PROMOTION, now, rollout.deployment)
                yield Due(f"before_promotion:{suite}", rollout.id, run)


def _drifted(tx: Transaction, now: datetime) -> Iterable[Due]:
    """Once for each alarm: a watch that begins anew has another reference."""
    for deployment in tx.deployments.all():
        reading = tx.drift.reading(deployment.name)
        if reading is None or reading.state is not DriftState.ALARM or reading.release != deployment.stable:
            continue
        alarm = f"{deployment.name}-{reading.release}-{reading.reference_digest[:12]}"
        for suite in tx.releases.get(reading.release).suites:
            run = _run(
                f"drift-alarm-{alarm}-{suite}",
                suite,
                reading.release,
                Trigger.DRIFT_ALARM,
                now,
                deployment.name,
            )
            yield Due(f"drift_alarm:{suite}", alarm, run)


def _run(
    name: str, suite: str, release: str, trigger: Trigger, now: datetime, deployment: str | None = None
) -> EvaluationRun:
    return EvaluationRun(
        id=name,
        suite=suite,
        release=release,
        deployment=deployment,
        trigger=trigger,
        state=RunState.QUEUED,
        requested_by="evals",
        requested_at=now,
    )
