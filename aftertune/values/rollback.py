"""Traffic back to a release that is known to be good, and the proof that it happened."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from aftertune.values.value import Value


class RollbackState(StrEnum):
    """requested → intended → switched → completed, partial (some router is unproven) or failed."""

    REQUESTED = "requested"
    INTENDED = "intended"
    SWITCHED = "switched"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"

    @property
    def final(self) -> bool:
        return self in (RollbackState.COMPLETED, RollbackState.PARTIAL, RollbackState.FAILED)


class RouterProof(Value):
    """What one router showed after the switch."""

    router: str
    generation: int | None
    releases: tuple[str, ...] = Field(description="release header of each probe")
    fingerprint_matches: int = Field(ge=0)
    probes: int = Field(ge=0)
    ok: bool
    reason: str = ""


class Rollback(Value):
    id: str
    deployment: str
    actor: str
    automatic: bool
    reason: str
    state: RollbackState
    from_release: str = ""
    to_release: str = ""
    generation: int | None = Field(default=None, description="the generation that the switch made")
    rollout: str | None = None
    first_bad_at: datetime | None = None
    requested_at: datetime
    switched_at: datetime | None = None
    finished_at: datetime | None = None
    proofs: tuple[RouterProof, ...] = ()
    outcome: str = ""
