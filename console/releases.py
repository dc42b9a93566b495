"""Releases: registering, looking at and pardoning them."""

from aftertune.errors import BadInput
from aftertune.identity import Permission
from aftertune.settings import EngineSettings
from aftertune.store import Transaction
from aftertune.values.release import EngineKind, EngineStatus, Release, ReleaseState
from aftertune.values.value import Value
from console.access import Caller, CallerOf, ContextOf, guarded_router, needs
from console.acting import Acting, ActingOf, Reason
from console.concealment import engine_for, release_for
from console.names import NewName, PathName
from console.release_source import external_url, folder_below

router = guarded_router("releases")


class NewRelease(Value):
    """Either base and adapter (folders below a release root), or engine `external` with its URL and served name."""

    id: NewName
    engine: EngineKind | None = None
    base: str = ""
    adapter: str = ""
    url: str = ""
    served_name: str = ""


class ReleaseView(Value):
    """Paths and URLs are empty for callers who may not register releases."""

    release: Release
    engine: EngineStatus | None
    quarantine: str | None


class Pardon(Value):
    reason: Reason


@router.get("/v1/releases", dependencies=[needs(Permission.READ)])
def list_releases(context: ContextOf, caller: CallerOf) -> list[ReleaseView]:
    """Oldest first."""
    with context.store.read() as tx:
        engines, quarantined = tx.releases.engines(), tx.releases.quarantined()
        return [
            _view(caller, release, engines.get(release.id), quarantined.get(release.id))
            for release in tx.releases.all()
        ]


@router.post("/v1/releases", status_code=201, dependencies=[needs(Permission.REGISTER_RELEASE)])
def register_release(body: NewRelease, acting: ActingOf, caller: CallerOf) -> ReleaseView:
    """The engine supervisor merges it, proves it and starts its engine; poll it until it is ready or rejected."""
    release = _release(body, acting)
    with acting.transaction() as tx:
        if acting.first_time(tx, "register_release", body.id, body):
            tx.releases.add(release)
            evidence = {"engine": release.engine, "release": release.digest()}
            tx.audit.append(acting.at, acting.actor, "register_release", release.id, evidence)
        return release_view(tx, caller, release.id)


@router.get("/v1/releases/{release}", dependencies=[needs(Permission.READ)])
def get_release(release: PathName, context: ContextOf, caller: CallerOf) -> ReleaseView:
    with context.store.read() as tx:
        return release_view(tx, caller, release)


@router.post("/v1/releases/{release}/lift-quarantine", dependencies=[needs(Permission.LIFT_QUARANTINE)])
def lift_quarantine(release: PathName, body: Pardon, acting: ActingOf, caller: CallerOf) -> ReleaseView:
    with acting.transaction() as tx:
        if acting.first_time(tx, "lift_quarantine", release, body):
            tx.releases.lift_quarantine(release, acting.actor, acting.at)
            tx.audit.append(acting.at, acting.actor, "lift_quarantine", release, {"reason": body.reason})
        return release_view(tx, caller, release)


def release_view(tx: Transaction, caller: Caller, release: str) -> ReleaseView:
    return _view(
        caller,
        tx.releases.get(release),
        tx.releases.engine(release),
        tx.releases.quarantined().get(release),
    )


def _view(
    caller: Caller, release: Release, engine: EngineStatus | None, quarantine: str | None
) -> ReleaseView:
    return ReleaseView(
        release=release_for(caller, release),
        engine=engine_for(caller, engine) if engine else None,
        quarantine=quarantine,
    )


def _release(body: NewRelease, acting: Acting) -> Release:
    settings = acting.context.settings.engines
    kind = body.engine or settings.kind
    source = _external(body) if kind is EngineKind.EXTERNAL else _folders(body, settings)
    return Release(
        id=body.id,
        engine=kind,
        state=ReleaseState.REGISTERED,
        created_by=acting.actor,
        created_at=acting.at,
        **source,
    )


def _external(body: NewRelease) -> dict[str, str]:
    if body.base or body.adapter or not body.url or not body.served_name:
        raise BadInput(
            "A release on an external engine has a url and a served_name, and neither base nor adapter.",
            "Send {id, engine: external, url, served_name}.",
        )
    return {"url": external_url(body.url), "served_name": body.served_name}


def _folders(body: NewRelease, settings: EngineSettings) -> dict[str, str]:
    if body.url or body.served_name or not body.base or not body.adapter:
        raise BadInput(
            "A release that we run has a base and an adapter, and neither url nor served_name.",
            "Send {id, base, adapter}, or engine external with url and served_name.",
        )
    return {
        "base_path": str(folder_below(settings.release_roots, "base", body.base)),
        "adapter_path": str(folder_below(settings.release_roots, "adapter", body.adapter)),
    }
