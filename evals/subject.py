"""What a run is about: its suite, its release and, where the suite compares, the base, each with a ready engine."""

from collections.abc import Mapping
from typing import NamedTuple

from aftertune.errors import BadInput, Unavailable, UnknownName
from aftertune.store import Transaction
from aftertune.values.evaluation import EvaluationRun
from aftertune.values.release import EngineState, EngineStatus, Release, ReleaseState, base_of
from evals.suite import Suite


class Subject(NamedTuple):
    suite: Suite
    release: Release
    engine: EngineStatus
    base: tuple[Release, EngineStatus] | None

    @property
    def releases(self) -> tuple[str, ...]:
        """The one under test first."""
        return (self.release.id, self.base[0].id) if self.base else (self.release.id,)


def find_subject(tx: Transaction, suites: Mapping[str, Suite], run: EvaluationRun) -> Subject:
    """Raises Unavailable while an engine is not ready, BadInput when the run can never be measured."""
    if run.suite not in suites:
        raise UnknownName("suite", run.suite, suites)
    suite, release = suites[run.suite], tx.releases.get(run.release)
    if release.state is ReleaseState.REJECTED:
        raise BadInput(f"Release {release.id} was rejected: {release.reason}")
    base = None
    if suite.card.compares_with_base:
        found = base_of(release, tx.releases.all())
        if found is None:
            raise BadInput(
                f"No release is the base of {release.id} as it is, and the suite {run.suite} compares with one.",
                f"Register it, without an adapter: aftertune release register base --base {release.base_path or 'FOLDER'}",
            )
        if found.id == release.id:
            raise BadInput(
                f"{release.id} is the base itself: the suite {run.suite} has nothing to compare it with."
            )
        base = (found, _ready(tx, found))
    return Subject(suite, release, _ready(tx, release), base)


def _ready(tx: Transaction, release: Release) -> EngineStatus:
    status = tx.releases.engine(release.id)
    if status is None or status.state is not EngineState.READY:
        state = status.state if status else "not running"
        reason = f" ({status.reason})" if status and status.reason else ""
        raise Unavailable(f"The engine of {release.id} is {state}{reason}.")
    return status
