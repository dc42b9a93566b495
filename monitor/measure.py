"""What the judge is given, read from the store; judged again only when there is something new to judge."""

from datetime import datetime
from typing import NamedTuple

from aftertune.store import Transaction
from aftertune.store.exchanges import ScoredAnswer
from aftertune.values.deployment import Deployment
from aftertune.values.evaluation import RunState, Trigger, before_promotion_run
from aftertune.values.exchange import ExchangeRole
from aftertune.values.pair import Pair
from aftertune.values.rollout import Rollout
from aftertune.values.verdict import Verdict
from monitor.decide import Candidate, Suite
from monitor.judge import judge


class Measured(NamedTuple):
    """A verdict with what was seen when it was made."""

    rollout: Rollout
    deployment: Deployment
    candidate: Candidate
    verdict: Verdict
    answers: tuple[ScoredAnswer, ...]


def candidate_of(tx: Transaction, rollout: Rollout) -> Candidate:
    engine = tx.releases.engine(rollout.candidate)
    return Candidate(
        quarantine=tx.releases.quarantined().get(rollout.candidate),
        engine=engine.state if engine else None,
        suites=tuple(_suite(tx, rollout, name) for name in rollout.plan.evaluations),
    )


def _suite(tx: Transaction, rollout: Rollout, name: str) -> Suite:
    """The rollout's own run. Where that could not be measured, one that somebody asked for later stands in for it."""
    run = tx.evaluations.find(before_promotion_run(rollout.id, name))
    if run is not None and run.state is RunState.ERROR:
        by_hand = tx.evaluations.latest(
            release=rollout.candidate, suite=name, trigger=Trigger.BY_HAND, limit=1
        )
        run = next((later for later in by_hand if later.requested_at > run.requested_at), run)
    return Suite(name, run.state, run.reason) if run else Suite(name, None, "")


class Measuring:
    """Remembers the last measurement of each rollout and its pairs: an idle tick reads none, another only new ones."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[object, Measured]] = {}
        self._pairs: dict[str, dict[str, Pair]] = {}

    def measure(self, tx: Transaction, rollout: Rollout, at: datetime) -> Measured:
        deployment, candidate = tx.deployments.get(rollout.deployment), candidate_of(tx, rollout)
        seen = (rollout, tx.pairs.count(deployment.name), tx.exchanges.count(deployment.name))
        known = self._last.get(rollout.id)
        if known is not None and known[0] == seen:
            return known[1]._replace(deployment=deployment, candidate=candidate)
        pairs = tx.pairs.between(
            deployment.name,
            rollout.baseline,
            rollout.candidate,
            rollout.created_at,
            known=self._pairs.get(rollout.id, {}),
        )
        self._pairs[rollout.id] = {pair.pair_id: pair for pair in pairs}
        answers = tx.exchanges.answers(
            deployment.name, rollout.candidate, (ExchangeRole.CANARY,), rollout.created_at
        )
        verdict = judge(rollout.plan, rollout, pairs, answers, at)
        measured = Measured(rollout, deployment, candidate, verdict, tuple(answers))
        self._last[rollout.id] = (seen, measured)
        return measured

    def forget_all_but(self, open_rollouts: frozenset[str]) -> None:
        self._last = {rollout: last for rollout, last in self._last.items() if rollout in open_rollouts}
        self._pairs = {rollout: pairs for rollout, pairs in self._pairs.items() if rollout in open_rollouts}
