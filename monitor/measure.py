"""What the judge is given, read from the store; judged again only when there is something new to judge."""

from datetime import datetime
from typing import NamedTuple

from aftertune.store import Transaction
from aftertune.store.exchanges import ScoredAnswer
from aftertune.values.deployment import Deployment
from aftertune.values.exchange import ExchangeRole
from aftertune.values.rollout import Rollout
from aftertune.values.verdict import Verdict
from monitor.judge import judge


class Measured(NamedTuple):
    """A verdict with what was seen when it was made."""

    rollout: Rollout
    deployment: Deployment
    verdict: Verdict
    answers: tuple[ScoredAnswer, ...]


class Measuring:
    """Remembers the last measurement of each rollout, so that an idle tick costs two counts."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[object, Measured]] = {}

    def measure(self, tx: Transaction, rollout: Rollout, at: datetime) -> Measured:
        deployment = tx.deployments.get(rollout.deployment)
        seen = (rollout, tx.pairs.count(deployment.name), tx.exchanges.count(deployment.name))
        known = self._last.get(rollout.id)
        if known is not None and known[0] == seen:
            return known[1]._replace(deployment=deployment)
        pairs = tx.pairs.between(deployment.name, rollout.baseline, rollout.candidate, rollout.created_at)
        answers = tx.exchanges.answers(
            deployment.name, rollout.candidate, (ExchangeRole.CANARY,), rollout.created_at
        )
        verdict = judge(rollout.plan, rollout, pairs, answers, at)
        measured = Measured(rollout, deployment, verdict, tuple(answers))
        self._last[rollout.id] = (seen, measured)
        return measured

    def forget_all_but(self, open_rollouts: frozenset[str]) -> None:
        self._last = {rollout: last for rollout, last in self._last.items() if rollout in open_rollouts}
