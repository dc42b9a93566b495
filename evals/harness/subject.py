"""What a run is about: its suite, its release and those it is compared with, each with a ready engine."""

from collections.abc import Mapping
from typing import NamedTuple

from aftertune.errors import BadInput, Unavailable, UnknownName
from aftertune.store import Transaction
from aftertune.values.evaluation import EvaluationRun
from aftertune.values.release import EngineState, EngineStatus, Release, ReleaseState, base_of
from evals.suite.card import Role
from evals.suite.suite import Suite


class Served(NamedTuple):
    release: Release
    engine: EngineStatus


class Subject(NamedTuple):
    """`baselines`: by role. A release that nobody had before has no last good one."""

    suite: Suite
    tested: Served
    baselines: Mapping[Role, Served]

    @property
    def served(self) -> tuple[Served, ...]:
        """The one under test first; a release that has two roles once."""
        found = {each.release.id: each for each in (self.tested, *self.baselines.values())}
        return tuple(found.values())

    @property
    def releases(self) -> tuple[str, ...]:
        return tuple(each.release.id for each in self.served)

    @property
    def roles(self) -> dict[Role, str]:
        return {role: each.release.id for role, each in self.baselines.items()}


def find_subject(tx: Transaction, suites: Mapping[str, Suite], run: EvaluationRun) -> Subject:
    """Raises Unavailable while an engine is not ready, BadInput when the run can never be measured."""
    if run.suite not in suites:
        raise UnknownName("suite", run.suite, suites)
    suite, release = suites[run.suite], tx.releases.get(run.release)
    if release.state is ReleaseState.REJECTED:
        raise BadInput(f"Release {release.id} was rejected: {release.reason}")
    baselines: dict[Role, Release] = {}
    if Role.BASE in suite.card.baselines:
        baselines[Role.BASE] = _base(tx, release, run.suite)
    if Role.LAST_GOOD in suite.card.baselines and (good := _last_good(tx, release, run.deployment)):
        baselines[Role.LAST_GOOD] = good
    return Subject(
        suite, _ready(tx, release), {role: _ready(tx, baseline) for role, baseline in baselines.items()}
    )


def _base(tx: Transaction, release: Release, suite: str) -> Release:
    found = base_of(release, tx.releases.all())
    if found is None:
        raise BadInput(
            f"No release is the base of {release.id} as it is, and the suite {suite} compares with one.",
            f"Register it, without an adapter: aftertune release register base --base {release.base_path or 'FOLDER'}",
        )
    if found.id == release.id:
        raise BadInput(f"{release.id} is the base itself: the suite {suite} has nothing to compare it with.")
    return found


def _last_good(tx: Transaction, release: Release, deployment: str | None) -> Release | None:
    """What the deployment's users have, or had before the release became it; without a deployment, those of any.

    Only a release whose engine answers counts: the one before the last may have been stopped long ago.
    """
    deployments = tx.deployments.all() if deployment is None else [tx.deployments.get(deployment)]
    for each in deployments:
        for name in (each.stable, each.previous_good):
            if name is None or name == release.id:
                continue
            status = tx.releases.engine(name)
            if status is not None and status.state is EngineState.READY:
                return tx.releases.get(name)
    return None


def _ready(tx: Transaction, release: Release) -> Served:
    status = tx.releases.engine(release.id)
    if status is None or status.state is not EngineState.READY:
        state = status.state if status else "not running"
        reason = f" ({status.reason})" if status and status.reason else ""
        raise Unavailable(f"The engine of {release.id} is {state}{reason}.")
    return Served(release, status)
