"""From deployments and engines to the table that routers serve by."""

from collections.abc import Mapping, Sequence

from aftertune.capabilities import ACCEPTED_FIELDS
from aftertune.values.deployment import Deployment
from aftertune.values.release import EngineState, EngineStatus, Release
from aftertune.values.route import KeyGrant, Mode, Route, RoutingTable, Target


def routing_table(
    deployments: Sequence[Deployment],
    engines: Mapping[str, EngineStatus],
    releases: Mapping[str, Release],
    keys: Mapping[str, KeyGrant],
) -> RoutingTable:
    """The table, not yet numbered (revision 0), its routes ordered by name.

    A deployment whose stable engine never had an address is left out. Stable keeps its last address while its
    engine is away (clients then hear that it is unreachable); a candidate takes part only while its engine is ready.
    """
    found = (_route(deployment, engines, releases) for deployment in deployments)
    routes = sorted((route for route in found if route is not None), key=lambda route: route.deployment)
    return RoutingTable(revision=0, routes=tuple(routes), keys=dict(sorted(keys.items())))


def _route(
    deployment: Deployment, engines: Mapping[str, EngineStatus], releases: Mapping[str, Release]
) -> Route | None:
    stable = _target(deployment.stable, engines, releases)
    if stable is None:
        return None
    plain = Route(
        deployment=deployment.name,
        generation=deployment.generation,
        stable=stable,
        capture=deployment.capture,
    )
    engine = engines.get(deployment.candidate or "")
    if engine is None or engine.state is not EngineState.READY or deployment.mode is Mode.NONE:
        return plain
    candidate = _target(engine.release, engines, releases)
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


def _target(
    release: str, engines: Mapping[str, EngineStatus], releases: Mapping[str, Release]
) -> Target | None:
    engine, record = engines.get(release), releases.get(release)
    if engine is None or record is None or not engine.url:
        return None
    return Target(
        release=release,
        url=engine.url,
        served_name=record.served_name or release,
        accepts=ACCEPTED_FIELDS[record.engine],
    )
