"""The stored nights of a deployment's suite, for the nightly watch."""

from collections.abc import Iterator, Mapping

from aftertune.store import Transaction
from aftertune.values.evaluation import EvaluationRun, Trigger
from aftertune.values.watch import Reading
from evals.conclusion.watch import Watched, gated, look
from evals.nights import Nights, read_night
from evals.suite.suite import Suite

NIGHTS = 400
"""At most, of one release: a year and a month. After that the oldest are forgotten, and the watch begins with a later one."""


def watched(
    tx: Transaction, suites: Mapping[str, Suite], run: EvaluationRun, nights: Nights
) -> Reading | None:
    """What the nightly runs up to this one, which has ended, say of it; None for a run that nobody watches."""
    suite = suites.get(run.suite)
    if run.trigger is not Trigger.NIGHTLY or run.deployment is None or suite is None:
        return None
    cuts = gated(suite)
    if not cuts:
        return None
    before = [nights.night(tx, each, cuts) for each in _before(tx, run)]
    # The run's own end is not stored yet: until it is, it may be measured again.
    return look([*before, read_night(tx, run, cuts)], [Watched.of(cut) for cut in cuts])


def _before(tx: Transaction, run: EvaluationRun) -> Iterator[EvaluationRun]:
    """The earliest first: the registration's run of the same release, which is the reference, and its nights since."""
    found: list[EvaluationRun] = tx.evaluations.latest(
        release=run.release, suite=run.suite, trigger=Trigger.REGISTRATION, limit=1
    )
    nightly = tx.evaluations.latest(
        release=run.release, suite=run.suite, trigger=Trigger.NIGHTLY, limit=NIGHTS
    )
    found += [each for each in nightly if each.deployment == run.deployment]
    for each in sorted(found, key=lambda each: (each.requested_at, each.id)):
        if each.state.final and each.id != run.id and each.requested_at <= run.requested_at:
            yield each
