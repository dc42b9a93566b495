"""Deployments: making them, looking at them, freezing them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated

from fastapi import Query

from aftertune.deployments import commit, created, frozen, unfrozen
from aftertune.identity import Permission
from aftertune.store import Transaction
from aftertune.values.deployment import Act, Deployment
from aftertune.values.drift import DriftReading
from aftertune.values.exchange import CapturePolicy, ExchangeRole
from aftertune.values.pair import Pair
from aftertune.values.release import EngineStatus
from aftertune.values.rollback import Rollback
from aftertune.values.route import RouterLease
from aftertune.values.value import Value
from aftertune.values.verdict import Verdict
from console.access import Caller, CallerOf, ContextOf, guarded_router, needs
from console.acting import Acting, ActingOf, Reason
from console.concealment import engine_for
from console.fitness import require_fit
from console.names import NewName, PathName
from console.rollouts import RolloutView, rollout_view

router = guarded_router("deployments")


class NewDeployment(Value):
    name: NewName
    stable: str
    capture: CapturePolicy = CapturePolicy.FULL


class Why(Value):
    reason: Reason


class PromotionView(Value):
    release: str
    generation: int
    at: datetime


class RouterView(Value):
    """`generation` is the one that the router follows, None before its first; a silent router is not `live`.

    `pinned` is the release on which a pin file on its host holds the deployment.
    """

    router: str
    generation: int | None
    live: bool
    lease_until: datetime
    pinned: str | None


class StandIn(Value):
    """A release that answers because every engine of stable is down, as these routers say now.

    `since` is what the audit log says; None until the monitor has written it down.
    """

    release: str
    routers: tuple[str, ...]
    since: datetime | None


class DeploymentView(Value):
    """Everything about a deployment now; promotions are newest first.

    `rollout` is the open one (the deployment names it), else the one that ended last; `verdict` is its newest. `drift` is the newest reading.
    """

    deployment: Deployment
    engines: tuple[EngineStatus, ...]
    quarantined: dict[str, str]
    promotions: tuple[PromotionView, ...]
    rollout: RolloutView | None
    verdict: Verdict | None
    exchanges: dict[ExchangeRole, int]
    pairs: int
    routers: tuple[RouterView, ...]
    last_rollback: Rollback | None
    drift: DriftReading | None
    stand_in: StandIn | None

    def engine(self, release: str) -> EngineStatus | None:
        return next((engine for engine in self.engines if engine.release == release), None)

    @property
    def live_routers(self) -> tuple[RouterView, ...]:
        return tuple(router for router in self.routers if router.live)

    @property
    def pinned_by(self) -> tuple[RouterView, ...]:
        """Routers that go by a pin file; a silent one's last word stands."""
        return tuple(router for router in self.routers if router.pinned is not None)

    @property
    def followers(self) -> int:
        """Live routers that follow the present generation."""
        return sum(router.generation == self.deployment.generation for router in self.live_routers)


@router.get("/v1/deployments", dependencies=[needs(Permission.READ)])
def list_deployments(context: ContextOf) -> list[Deployment]:
    with context.store.read() as tx:
        return tx.deployments.all()


@router.post("/v1/deployments", status_code=201, dependencies=[needs(Permission.RUN_ROLLOUT)])
def create_deployment(body: NewDeployment, acting: ActingOf, caller: CallerOf) -> DeploymentView:
    """Users of `name` get the stable release at once; its engine must be ready.

    Rollouts need payloads: capture `redacted` or `full`.
    """
    with acting.transaction() as tx:
        if acting.first_time(tx, Act.CREATE, body.name, body):
            require_fit(tx, body.stable)
            deployment = created(body.name, body.stable, body.capture)
            commit(tx, Act.CREATE, None, deployment, actor=acting.actor, at=acting.at)
        return deployment_view(tx, caller, body.name, acting.at)


@router.get("/v1/deployments/{name}", dependencies=[needs(Permission.READ)])
def get_deployment(name: PathName, context: ContextOf, caller: CallerOf) -> DeploymentView:
    with context.store.read() as tx:
        return deployment_view(tx, caller, name, context.clock.now())


@router.get("/v1/deployments/{name}/pairs", dependencies=[needs(Permission.READ)])
def list_pairs(
    name: PathName, context: ContextOf, limit: Annotated[int, Query(ge=1, le=1000)] = 50
) -> list[Pair]:
    """Scores only, newest first."""
    with context.store.read() as tx:
        return tx.pairs.latest(tx.deployments.get(name).name, limit)


@router.post("/v1/deployments/{name}/freeze", dependencies=[needs(Permission.ROLL_BACK)])
def freeze(name: PathName, body: Why, acting: ActingOf, caller: CallerOf) -> DeploymentView:
    """No canary and no promotion until somebody unfreezes; rollbacks go on."""
    return _change(acting, caller, name, Act.FREEZE, body, lambda before: frozen(before, body.reason))


@router.post("/v1/deployments/{name}/unfreeze", dependencies=[needs(Permission.ROLL_BACK)])
def unfreeze(name: PathName, body: Why, acting: ActingOf, caller: CallerOf) -> DeploymentView:
    return _change(acting, caller, name, Act.UNFREEZE, body, unfrozen)


def deployment_view(tx: Transaction, caller: Caller, name: str, now: datetime) -> DeploymentView:
    deployment = tx.deployments.get(name)
    shadows = (rule.release for rule in deployment.shadows)
    used = [deployment.stable, deployment.candidate, deployment.previous_good, *shadows]
    engines = tx.releases.engines()
    latest = deployment.rollout or next((rollout.id for rollout in tx.rollouts.of(name)), None)
    rollout = rollout_view(tx, latest) if latest else None
    rollbacks, routers = tx.rollbacks.of(name), tx.routing.routers()
    return DeploymentView(
        deployment=deployment,
        engines=tuple(engine_for(caller, engines[r]) for r in used if r is not None and r in engines),
        quarantined=tx.releases.quarantined(),
        promotions=tuple(PromotionView(**p._asdict()) for p in tx.deployments.promotions(name)),
        rollout=rollout,
        verdict=rollout.verdict if rollout else None,
        exchanges=tx.exchanges.count(name),
        pairs=tx.pairs.count(name),
        routers=tuple(
            RouterView(
                router=known.lease.router,
                generation=known.lease.generations.get(name),
                live=known.until > now,
                lease_until=known.until,
                pinned=known.lease.pinned.get(name),
            )
            for known in routers
        ),
        last_rollback=rollbacks[0] if rollbacks else None,
        drift=tx.drift.reading(name),
        stand_in=_stand_in(tx, name, [known.lease for known in routers if known.until > now]),
    )


def _stand_in(tx: Transaction, name: str, live: Sequence[RouterLease]) -> StandIn | None:
    saying = [lease for lease in live if name in lease.fallen_back]
    if not saying:
        return None
    entry = tx.audit.newest((Act.FALL_BACK, Act.RETURN), name)
    return StandIn(
        release=saying[0].fallen_back[name],
        routers=tuple(lease.router for lease in saying),
        since=entry.at if entry and entry.action == Act.FALL_BACK else None,
    )


def _change(
    acting: Acting, caller: Caller, name: str, act: Act, why: Why, change: Callable[[Deployment], Deployment]
) -> DeploymentView:
    with acting.transaction() as tx:
        if acting.first_time(tx, act, name, why):
            before = tx.deployments.get(name)
            evidence = {"reason": why.reason}
            commit(tx, act, before, change(before), actor=acting.actor, at=acting.at, body=evidence)
        return deployment_view(tx, caller, name, acting.at)
