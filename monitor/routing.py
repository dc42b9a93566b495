"""From deployments and engines to the table that routers serve by."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from aftertune.capabilities import ACCEPTED_FIELDS
from aftertune.values.deployment import Deployment
from aftertune.values.release import EngineState, EngineStatus, Release
from aftertune.values.route import KeyGrant, Mode, Route, RoutingTable, Shadow, Target


class Known(NamedTuple):
    """What the store says about releases."""

    engines: Mapping[str, EngineStatus]
    releases: Mapping[str, Release]
    quarantined: Collection[str] = frozenset()


def routing_table(
    deployments: Sequence[Deployment], known: Known, keys: Mapping[str, KeyGrant]
) -> RoutingTable:
    """The table, not yet numbered (revision 0), its routes ordered by name.

    A deployment whose stable engine never had an address is left out. Stable and the release that may stand in for
    it keep their last address while their engines are away: the router sees for itself who answers. A candidate and
    shadows take part only while their engines are ready; neither a shadow nor a fallback is ever in quarantine.
    """
    found = (_route(deployment, known) for deployment in deployments)
    routes = sorted((route for route in found if route is not None), key=lambda route: route.deployment)
    return RoutingTable(revision=0, routes=tuple(routes), keys=dict(sorted(keys.items())))


def _route(deployment: Deployment, known: Known) -> Route | None:
    stable = _target(deployment.stable, known)
    if stable is None:
        return None
    plain = Route(
        deployment=deployment.name,
        generation=deployment.generation,
        stable=stable,
        budget=deployment.budget,
        shadows=_shadows(deployment, known),
        fallback=_fallback(deployment, known),
        rename=deployment.rename,
        stored_responses=deployment.stored_responses,
        capture=deployment.capture,
    )
    if deployment.mode is Mode.NONE:
        return plain
    candidate = _ready_target(deployment.candidate, known)
    if candidate is None:
        return plain
    return plain.model_copy(
        update={
            "candidate": candidate,
            "mode": deployment.mode,
            "share": deployment.share,
            "mirror": deployment.mirror,
        }
    )


def _shadows(deployment: Deployment, known: Known) -> tuple[Shadow, ...]:
    return tuple(
        Shadow(target=target, share=rule.share, budget=rule.budget)
        for rule in deployment.shadows
        if rule.release not in known.quarantined and (target := _ready_target(rule.release, known))
    )


def _fallback(deployment: Deployment, known: Known) -> Target | None:
    release = deployment.previous_good
    if not deployment.fall_back or release is None or release in known.quarantined:
        return None
    return _target(release, known)


def _ready_target(release: str | None, known: Known) -> Target | None:
    engine = known.engines.get(release or "")
    return _target(engine.release, known) if engine and engine.state is EngineState.READY else None


def _target(release: str, known: Known) -> Target | None:
    engine, record = known.engines.get(release), known.releases.get(release)
    if engine is None or record is None or not engine.url:
        return None
    return Target(
        release=release,
        url=engine.url,
        replicas=tuple(url for url in record.replicas if url != engine.url),
        served_name=record.served_name or release,
        accepts=ACCEPTED_FIELDS[record.engine],
    )
