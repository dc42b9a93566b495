"""A rollback, step by step: intended → switched → proven.

Each step reads the stored state, does its work and stores the next state in one transaction, so a crash anywhere
is answered by doing the step again. Traffic is switched by compare-and-swap, once.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from aftertune.clock import Clock
from aftertune.deployments import commit, rolled_back
from aftertune.errors import StaleGeneration
from aftertune.store import Store, Transaction
from aftertune.values.deployment import Act, Deployment
from aftertune.values.rollback import Rollback, RollbackState, RouterProof
from aftertune.values.rollout import RolloutState
from monitor.admin import Connect
from monitor.metrics import Metrics
from monitor.publish import Publisher
from monitor.target import Choice, HealthCheck, Known, PassedOver, choose, leaving
from monitor.verify import Expected, verify

log = logging.getLogger(__name__)


class Rollbacks:
    """`pause` sleeps between attempts to prove a router (seconds).

    When no known router is live, one is waited for `router_lease_s` after the switch, over many ticks.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        publisher: Publisher,
        connect: Connect,
        unhealthy: HealthCheck,
        metrics: Metrics,
        pause: Callable[[float], None],
        router_lease_s: float,
    ) -> None:
        self._store = store
        self._clock = clock
        self._publisher = publisher
        self._connect = connect
        self._unhealthy = unhealthy
        self._metrics = metrics
        self._pause = pause
        self._patience = timedelta(seconds=router_lease_s)

    def drive(self, rollback_id: str) -> Rollback:
        """Take the rollback as far as it goes now; one that waits for its routers is returned unfinished.

        Raises StaleGeneration (drive it again), Unavailable.
        """
        steps = {
            RollbackState.REQUESTED: self._intend,
            RollbackState.INTENDED: self._switch,
            RollbackState.SWITCHED: self._prove,
        }
        with self._store.read() as tx:
            rollback = tx.rollbacks.get(rollback_id)
        if rollback.state.final:
            return rollback
        while not rollback.state.final:
            following = steps[rollback.state](rollback)
            if following.state is rollback.state:
                return following
            rollback = following
        self._tell(rollback)
        return rollback

    def _tell(self, rollback: Rollback) -> None:
        level = logging.INFO if rollback.state is RollbackState.COMPLETED else logging.ERROR
        log.log(
            level,
            "Rollback %s of %s: %s. %s",
            rollback.id,
            rollback.deployment,
            rollback.state,
            rollback.outcome,
        )
        self._metrics.rollbacks.labels(state=rollback.state).inc()
        if rollback.finished_at is not None:
            seconds = (rollback.finished_at - rollback.requested_at).total_seconds()
            self._metrics.rollback_seconds.observe(seconds)

    def _intend(self, seen: Rollback) -> Rollback:
        with self._store.write() as tx:
            rollback = tx.rollbacks.get(seen.id)
            if rollback.state is not RollbackState.REQUESTED:
                return rollback
            body = {"rollback": rollback.id, "automatic": rollback.automatic, "reason": rollback.reason}
            tx.audit.append(self._clock.now(), rollback.actor, "rollback_intended", rollback.deployment, body)
            return _save(tx, rollback, state=RollbackState.INTENDED)

    def _switch(self, seen: Rollback) -> Rollback:
        with self._store.read() as tx:
            before, known = tx.deployments.get(seen.deployment), _known(tx, seen.deployment)
        bad = leaving(before, seen.from_release, seen.to_release)
        choice = choose(before, known, self._unhealthy, bad, seen.to_release) if bad else Choice(None)
        with self._store.write() as tx:
            rollback = tx.rollbacks.get(seen.id)
            if rollback.state is not RollbackState.INTENDED:
                return rollback
            if other := _answered_by(tx, rollback):
                return self._join(tx, rollback, other)
            if tx.deployments.get(before.name) != before:
                raise StaleGeneration(before.name, before.generation)
            if not bad:
                gone = f"{seen.from_release} has left already; nothing was changed."
                return self._end(tx, rollback, RollbackState.FAILED, gone)
            if choice.target is None:
                return self._end(tx, rollback, RollbackState.FAILED, _no_target(before, choice))
            return self._commit(tx, rollback, before, bad, choice.target, choice.passed_over)

    def _commit(
        self,
        tx: Transaction,
        rollback: Rollback,
        before: Deployment,
        bad: str,
        target: str,
        passed_over: Sequence[PassedOver],
    ) -> Rollback:
        after = rolled_back(before, target)
        now = self._clock.now()
        commit(
            tx,
            Act.ROLL_BACK,
            before,
            after,
            actor=rollback.actor,
            at=now,
            key=f"rollback:{rollback.id}",
            body={
                "rollback": rollback.id,
                "reason": rollback.reason,
                "passed_over": [p._asdict() for p in passed_over],
            },
        )
        tx.releases.quarantine(bad, f"rolled back: {rollback.reason}", now)
        tx.audit.append(now, rollback.actor, "quarantine", bad, {"rollback": rollback.id})
        blamed = before.rollout if bad == before.candidate else None
        if before.rollout is not None:
            ended = {"state": RolloutState.ROLLED_BACK, "reason": rollback.reason}
            if blamed is None:
                reason = f"Its baseline {bad} was rolled back: {rollback.reason}"
                ended = {"state": RolloutState.ABORTED, "reason": reason}
            tx.rollouts.save(tx.rollouts.get(before.rollout).model_copy(update=ended))
        log.warning("%s: all traffic goes to %s, away from %s.", before.name, target, bad)
        return _save(
            tx,
            rollback,
            state=RollbackState.SWITCHED,
            from_release=bad,
            to_release=target,
            generation=after.generation,
            rollout=blamed,
            switched_at=now,
        )

    def _join(self, tx: Transaction, rollback: Rollback, other: Rollback) -> Rollback:
        """Another rollback switched after this one was asked for: it did what was asked, unless a target was named."""
        if rollback.to_release not in ("", other.to_release):
            outcome = f"Rollback {other.id} went to {other.to_release} first. Nothing was changed; ask again."
            return self._end(tx, rollback, RollbackState.FAILED, outcome)
        return _save(
            tx,
            rollback,
            state=RollbackState.SWITCHED,
            from_release=other.from_release,
            to_release=other.to_release,
            generation=other.generation,
            rollout=other.rollout,
            switched_at=other.switched_at,
            outcome=f"Rollback {other.id} made the switch.",
        )

    def _prove(self, seen: Rollback) -> Rollback:
        self._publisher.publish()
        live, silent = self._publisher.live(), self._publisher.silent()
        switched = seen.switched_at or seen.requested_at
        if silent and not live and self._clock.now() < switched + self._patience:
            return seen
        with self._store.read() as tx:
            engine = tx.releases.engine(seen.to_release)
        expected = Expected(
            deployment=seen.deployment,
            release=seen.to_release,
            generation=seen.generation or 0,
            fingerprint=engine.fingerprint if engine else (),
        )
        proofs = verify(live, expected, self._connect, self._clock, self._pause)
        state, outcome = _judged(proofs, silent)
        with self._store.write() as tx:
            rollback = tx.rollbacks.get(seen.id)
            if rollback.state is not RollbackState.SWITCHED:
                return rollback
            proven = rollback.model_copy(update={"proofs": proofs})
            return self._end(tx, proven, state, f"{rollback.outcome} {outcome}".strip())

    def _end(self, tx: Transaction, rollback: Rollback, state: RollbackState, outcome: str) -> Rollback:
        now = self._clock.now()
        tx.audit.append(
            now,
            rollback.actor,
            f"rollback_{state}",
            rollback.deployment,
            {
                "rollback": rollback.id,
                "outcome": outcome,
                "proofs": [proof.model_dump(mode="json") for proof in rollback.proofs],
            },
        )
        return _save(tx, rollback, state=state, finished_at=now, outcome=outcome)


def _save(tx: Transaction, rollback: Rollback, **changes: object) -> Rollback:
    changed = rollback.model_copy(update=changes)
    tx.rollbacks.save(changed)
    return changed


def _known(tx: Transaction, deployment: str) -> Known:
    return Known(
        promotions=tx.deployments.promotions(deployment),
        releases={release.id: release for release in tx.releases.all()},
        engines=tx.releases.engines(),
        quarantined=tx.releases.quarantined(),
    )


def _answered_by(tx: Transaction, rollback: Rollback) -> Rollback | None:
    """The other rollback that switched since this one was asked for, away from the same release."""
    for other in tx.rollbacks.of(rollback.deployment):
        switched = other.switched_at
        same = rollback.from_release in ("", other.from_release)
        if other.id != rollback.id and same and switched is not None and switched >= rollback.requested_at:
            return other
    return None


def _no_target(deployment: Deployment, choice: Choice) -> str:
    reasons = "; ".join(f"{p.release}: {p.reason}" for p in choice.passed_over)
    return (
        f"No release of {deployment.name} can take over ({reasons or 'none was stable before'}). "
        f"{deployment.stable} keeps serving; nothing was changed. Page a person."
    )


def _judged(proofs: Sequence[RouterProof], silent: Sequence[str]) -> tuple[RollbackState, str]:
    gone = f" Not asked, their lease has ended: {', '.join(silent)}." if silent else ""
    if not proofs:
        return RollbackState.PARTIAL, f"No live router could prove the switch.{gone}"
    bad = [proof for proof in proofs if not proof.ok]
    if bad:
        named = " ".join(f"{proof.router}: {proof.reason}" for proof in bad)
        return RollbackState.PARTIAL, f"{len(bad)} of {len(proofs)} routers are unproven. {named}{gone}"
    return RollbackState.COMPLETED, f"Proven through {len(proofs)} router(s).{gone}"
