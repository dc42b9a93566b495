"""Whether a release can take traffic now."""

from aftertune.errors import Conflict
from aftertune.store import Transaction
from aftertune.values.release import EngineState, Release, ReleaseState
from console.suites import require_suites


def require_sound(tx: Transaction, release: str) -> Release:
    """The release. Raises NotFound, or Conflict when it is not ready or is in quarantine."""
    found = tx.releases.get(release)
    if found.state is not ReleaseState.READY:
        remedy = (
            "Register a repaired one under a new id."
            if found.state is ReleaseState.REJECTED
            else f"Wait until GET /v1/releases/{release} says ready."
        )
        raise Conflict(f"The release {release!r} is {found.state}, not ready.", remedy)
    if reason := tx.releases.quarantined().get(release):
        raise Conflict(
            f"The release {release!r} is in quarantine: {reason}.", "Ask an approver to lift the quarantine."
        )
    return found


def require_fit(tx: Transaction, release: str) -> None:
    """Raises NotFound, or Conflict when the release is not sound, has no ready engine or owes a suite."""
    found = require_sound(tx, release)
    engine = tx.releases.engine(release)
    if engine is None or engine.state is not EngineState.READY:
        said = "none" if engine is None else f"{engine.state} {engine.reason}".strip()
        raise Conflict(
            f"The engine of release {release!r} is not ready: {said}.",
            "Wait until it is; if it failed, see the engine supervisor's log.",
        )
    require_suites(tx, found)
