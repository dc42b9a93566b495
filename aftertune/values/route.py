"""The routing table: all that a router needs to serve. Pushed by the controller, polled as a fallback."""

from datetime import datetime, time
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
    """One release and where its engines listen (without `/v1`)."""

    release: str
    url: str
    replicas: tuple[str, ...] = Field(
        default=(), description="further engines of the release; requests are spread over them and `url`"
    )
    served_name: str = Field(description="what the engine calls the model")
    accepts: tuple[str, ...] | None = Field(
        default=None,
        description="request fields the engine takes; None means all (it ignores what it does not know)",
    )


class Window(Value):
    """A part of every day, in UTC; it may cross midnight. From a time to the same time is the whole day."""

    since: time
    until: time


class MirrorBudget(Value):
    """What copies to one release may cost; what does not fit is dropped and counted by its reason. None: no limit.

    A rate holds for each router process.
    """

    per_s: float | None = Field(default=None, gt=0, allow_inf_nan=False, description="copies a second")
    tokens_a_day: int | None = Field(
        default=None, ge=0, description="prompt and completion tokens a UTC day, as the engine counts them"
    )
    concurrency: int | None = Field(default=None, ge=1, description="copies under way at once")
    windows: tuple[Window, ...] = Field(default=(), description="when copies are sent; empty: always")


class Shadow(Value):
    """A release that gets copies besides the rollout's candidate; nobody sees its answers."""

    target: Target
    share: float = Field(ge=0, le=1, description="share of requests that are copied, by a hash of their id")
    budget: MirrorBudget = MirrorBudget()


class KeyGrant(Value):
    """What one credential may do on the data port. None: no limit. A limit holds for each router process."""

    name: str = Field(description="the holder's name: a user's, or a key's; it stands in every exchange")
    deployments: tuple[str, ...] | None = Field(default=None, description="None: every deployment")
    requests_a_minute: int | None = Field(default=None, ge=1)
    tokens_a_minute: int | None = Field(default=None, ge=1)
    concurrency: int | None = Field(default=None, ge=1)
    expires_at: datetime | None = Field(
        default=None, description="every router ends it by its own clock; None: never"
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
    budget: MirrorBudget = Field(default=MirrorBudget(), description="of the copies that `mirror` makes")
    shadows: tuple[Shadow, ...] = ()
    fallback: Target | None = Field(
        default=None, description="previous good: answers while every engine of stable is down"
    )
    rename: bool = Field(
        default=False,
        description="answers name the deployment as their model; else their bytes are the engine's",
    )
    stored_responses: bool = Field(
        default=False,
        description="keys may read, cancel and continue responses that the engine remembers: any key, any response",
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
    """`revision` orders tables; `keys` maps the SHA-256 of each credential that may chat to what it may do."""

    revision: int = Field(ge=0)
    routes: tuple[Route, ...] = ()
    keys: dict[str, KeyGrant] = Field(default_factory=dict)

    def route(self, deployment: str) -> Route | None:
        return next((route for route in self.routes if route.deployment == deployment), None)


class RouterLease(Value):
    """What a router says of itself each time it polls; the poll renews its lease."""

    router: str
    admin_url: str
    revision: int
    generations: dict[str, int]
    fallen_back: dict[str, str] = Field(
        default_factory=dict,
        description="deployment → release that answers because every engine of stable is down",
    )
    pinned: dict[str, str] = Field(
        default_factory=dict,
        description="deployment → release on which a pin file on the router's host holds it",
    )
