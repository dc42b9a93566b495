"""A served name and where its traffic goes."""

from enum import StrEnum

from pydantic import Field

from aftertune.values.exchange import CapturePolicy
from aftertune.values.route import MirrorBudget, Mode
from aftertune.values.value import Value

__all__ = ["Act", "Deployment"]


class Act(StrEnum):
    """Everything that can happen to a deployment; the audit log names it so."""

    CREATE = "create"
    START_SHADOW = "start_shadow"
    START_CANARY = "start_canary"
    PROMOTE = "promote"
    ABORT = "abort"
    ROLL_BACK = "roll_back"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    CONFIGURE = "configure"
    FALL_BACK = "fall_back"
    RETURN = "return"


class ShadowRule(Value):
    """A release that gets copies besides a rollout's candidate, for as long as its rule stands."""

    release: str
    share: float = Field(default=1.0, gt=0, le=1)
    budget: MirrorBudget = MirrorBudget()


class Deployment(Value):
    """`generation` rises with every act. `previous_good` is where a rollback of the stable release goes first."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    generation: int = Field(ge=1)
    stable: str
    previous_good: str | None = None
    candidate: str | None = None
    mode: Mode = Mode.NONE
    share: float = Field(default=0.0, ge=0, le=1)
    mirror: float = Field(default=0.0, ge=0, le=1)
    rollout: str | None = None
    frozen: str = Field(default="", description="why promotion is blocked; empty when it is not")
    capture: CapturePolicy = CapturePolicy.FULL
    rename: bool = Field(default=False, description="answers name the deployment as their model")
    stored_responses: bool = Field(
        default=False,
        description="keys may read, cancel and continue responses that the engine remembers: any key, any response",
    )
    budget: MirrorBudget = Field(default=MirrorBudget(), description="of a rollout's copies")
    shadows: tuple[ShadowRule, ...] = ()
    fall_back: bool = Field(
        default=False,
        description="previous good answers while every engine of stable is down, as its plan says",
    )
