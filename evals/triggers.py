"""Which runs are due, read from the store. The slot ledger decides: however often it is looked, each is opened once."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from aftertune.store import Store, Transaction
from aftertune.values.evaluation import EvaluationRun, RunState, Trigger, before_promotion_run
from aftertune.values.release import EngineState, ReleaseState
from aftertune.values.rollout import Stage

NIGHTLY = "nightly"


class Due(NamedTuple):
    """A run to open for one slot of one job."""

    job: str
    slot: str
    run: EvaluationRun


def open_due(store: Store, holder: str, now: datetime) -> list[EvaluationRun]:
    """Opens what registrations and rollouts ask for; an idle look writes nothing."""
    with store.read() as tx:
        due = [each for each in (*_registered(tx, now), *_in_canary(tx, now)) if _is_new(tx, each)]
    opened = []
    for each in due:
        with store.write() as tx:
            if tx.slots.claim(each.job, each.slot, holder, now):
                tx.evaluations.add(each.run)
                opened.append(each.run)
    return opened


def open_nightly(store: Store, slot: datetime, holder: str, now: datetime) -> list[EvaluationRun]:
    """The suites of every deployment's stable release, for the first claimer of the slot (UTC); nothing for any other."""
    with store.write() as tx:
        if not tx.slots.claim(NIGHTLY, slot.isoformat(), holder, now):
            return []
        runs = [
            _run(
                f"nightly-{slot:%Y%m%dT%H%MZ}-{deployment.name}-{suite}",
                suite,
                deployment.stable,
                Trigger.NIGHTLY,
                now,
                deployment.name,
            )
            for deployment in tx.deployments.all()
            for suite in tx.releases.get(deployment.stable).suites
        ]
        for run in runs:
            tx.evaluations.add(run)
    return runs


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
