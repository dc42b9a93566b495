"""How a release stands with the suites that it must pass before it may meet users."""

from collections.abc import Iterable
from enum import StrEnum

from aftertune.errors import BadInput, Conflict, UnknownName
from aftertune.store import Transaction
from aftertune.values.evaluation import EvaluationRun, RunState, Trigger
from aftertune.values.release import Release
from aftertune.values.value import Value

COUNTING = (Trigger.REGISTRATION, Trigger.BY_HAND)
"""Runs that open the gate. A nightly run watches a release that users have already."""


class Standing(StrEnum):
    """What a required suite says of a release; only the first two let it meet users."""

    SUCCESSFUL = "successful"
    WAIVED = "waived"
    NOT_RUN = "not_run"
    RUNNING = "running"
    FAILED = "failed"
    ERROR = "error"


class SuiteStanding(Value):
    """One required suite; `run` is the id of the run that counts, `said` its state in words, `remedy` what to do."""

    suite: str
    standing: Standing
    run: str | None
    said: str
    remedy: str = ""

    @property
    def open(self) -> bool:
        return self.standing in (Standing.SUCCESSFUL, Standing.WAIVED)


def standings(tx: Transaction, release: Release) -> tuple[SuiteStanding, ...]:
    """One for each suite that the release must pass, in its order."""
    return tuple(_standing(release, suite, counting_run(tx, release.id, suite)) for suite in release.suites)


def require_suites(tx: Transaction, release: Release) -> None:
    """Raises Conflict while a required suite is neither passed nor waived, and says of each what to do."""
    closed = [each for each in standings(tx, release) if not each.open]
    if closed:
        raise Conflict(
            f"The release {release.id!r} may not meet users yet: {'; '.join(each.said for each in closed)}.",
            " ".join(dict.fromkeys(each.remedy for each in closed)),
        )


def require_known_suites(tx: Transaction, names: Iterable[str]) -> None:
    """Raises UnknownName for a suite that the evaluation room does not offer, BadInput for one that comes twice."""
    known = [card.name for card in tx.evaluations.suites()]
    seen: set[str] = set()
    for name in names:
        if name not in known:
            raise UnknownName("suite", name, known)
        if name in seen:
            raise BadInput(f"The suite {name!r} is listed twice.", "List each suite once.")
        seen.add(name)


def counting_run(tx: Transaction, release: str, suite: str) -> EvaluationRun | None:
    """The newest of those that open the gate."""
    found = [
        run
        for trigger in COUNTING
        for run in tx.evaluations.latest(release=release, suite=suite, trigger=trigger, limit=1)
    ]
    return max(found, key=lambda run: run.requested_at, default=None)


def _standing(release: Release, suite: str, run: EvaluationRun | None) -> SuiteStanding:
    standing, said, remedy = _judged(release.id, suite, run)
    if suite in release.waived_suites and standing is not Standing.SUCCESSFUL:
        standing, said, remedy = Standing.WAIVED, f"{said}, and is waived", ""
    return SuiteStanding(
        suite=suite, standing=standing, run=run.id if run else None, said=said, remedy=remedy
    )


def _judged(release: str, suite: str, run: EvaluationRun | None) -> tuple[Standing, str, str]:
    again = f"POST /v1/evaluations with release {release} and suite {suite}"
    waive = f"ask an approver to waive it with a reason: POST /v1/releases/{release}/waivers"
    if run is None:
        return (
            Standing.NOT_RUN,
            f"{suite} has not run",
            f"It runs once the engine of {release} is ready; otherwise {again}.",
        )
    if not run.state.final:
        progress = f"{run.done} of {run.samples} samples" if run.samples else "not started"
        return (
            Standing.RUNNING,
            f"{suite} is {run.state} ({progress})",
            f"Wait until GET /v1/evaluations/{run.id} says successful.",
        )
    if run.state is RunState.SUCCESSFUL:
        return Standing.SUCCESSFUL, f"{suite} is successful", ""
    if run.state is RunState.FAILED:
        return (
            Standing.FAILED,
            _because(f"{suite} failed", run),
            f"Register a better release under a new id, or {waive}.",
        )
    return (
        Standing.ERROR,
        _because(f"{suite} could not be measured", run),
        f"Mend what {run.id} says and run it again: {again}; or {waive}.",
    )


def _because(said: str, run: EvaluationRun) -> str:
    why = run.reason or "; ".join(gate.reason for gate in run.gates if not gate.passed)
    return f"{said}: {why.rstrip('.')}" if why else said
