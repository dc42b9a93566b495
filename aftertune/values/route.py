"""The routing table: all that a router needs to serve. Pushed by the controller, polled as a fallback."""

from enum import StrEnum

from pydantic import Field, model_validator

from aftertune.values.exchange import CapturePolicy
from aftertune.values.value import Value


class Mode(StrEnum):
    """What happens to a candidate: nothing, answers discarded, or a share of users."""

    NONE = "none"
    SHADOW = "shadow"
    CANARY = "canary"


class Target(Value):
    """One release behind one engine URL (without `/v1`)."""

    release: str
    url: str
    served_name: str = Field(description="what the engine calls the model")
    accepts: tuple[str, ...] | None = Field(
        default=None,
        description="request fields the engine takes; None means all (it ignores what it does not know)",
    )


class Route(Value):
    """How one deployment's requests travel. `generation` only rises; a router refuses an older one."""

    deployment: str
    generation: int = Field(ge=1)
    stable: Target
    candidate: Target | None = None
    mode: Mode = Mode.NONE
    share: float = Field(
        default=0.0, ge=0, le=1, description="share of users that the candidate answers (canary)"
    )
    mirror: float = Field(
        default=0.0, ge=0, le=1, description="share of requests copied to the other release"
    )
    capture: CapturePolicy = CapturePolicy.FULL

    @model_validator(mode="after")
    def _candidate_fits_mode(self) -> "Route":
        if (self.candidate is None) != (self.mode is Mode.NONE):
            raise ValueError(f"mode {self.mode} with candidate {self.candidate}")
        if self.share and self.mode is not Mode.CANARY:
            raise ValueError(f"a share of {self.share} needs mode canary, not {self.mode}")
        return self


class RoutingTable(Value):
    """`revision` orders tables; `keys` maps the SHA-256 of each credential that may chat to its holder's name."""

    revision: int = Field(ge=0)
    routes: tuple[Route, ...] = ()
    keys: dict[str, str] = Field(default_factory=dict)

    def route(self, deployment: str) -> Route | None:
        return next((route for route in self.routes if route.deployment == deployment), None)


class RouterLease(Value):
    """What a router says of itself each time it polls; the poll renews its lease."""

    router: str
    admin_url: str
    revision: int
    generations: dict[str, int]
