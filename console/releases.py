"""Releases: registering, looking at and pardoning them, waiving a suite."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from aftertune.errors import BadInput, Conflict, UnknownName
from aftertune.identity import Permission
from aftertune.settings import Settings
from aftertune.store import Transaction
from aftertune.values.deployment import Deployment
from aftertune.values.evaluation import EvaluationRun
from aftertune.values.release import EngineKind, EngineStatus, Release, ReleaseState
from aftertune.values.value import Value
from console.access import Caller, CallerOf, ContextOf, guarded_router, needs
from console.acting import Acting, ActingOf, Reason
from console.concealment import engine_for, release_for, run_for, standing_for
from console.names import NewName, PathName
from console.release_source import external_url, folder_below
from console.suites import Standing, SuiteStanding, require_known_suites, standings

router = guarded_router("releases")


class NewRelease(Value):
    """Either a base, with or without an adapter (folders below a release root), or engine `external` with its URL
    and served name; `replicas` are further URLs of the same engine. `suites` must be passed, or waived, before the
    release may meet users.
    """

    id: NewName
    engine: EngineKind | None = None
    base: str = ""
    adapter: str = ""
    url: str = ""
    replicas: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    served_name: str = ""
    suites: tuple[str, ...] = ()


class Use(Value):
    """What a release is to a deployment now."""

    deployment: str
    part: Literal["stable", "candidate", "previous_good", "shadow"]


class ReleaseView(Value):
    """The passport and what became of the release. Paths and URLs are empty for callers who may not register any.

    `evaluations` holds the newest run of each suite, whatever opened it; `standings` say what the gate makes of them.
    """

    release: Release
    engine: EngineStatus | None
    quarantine: str | None
    uses: tuple[Use, ...]
    evaluations: dict[str, EvaluationRun]
    standings: tuple[SuiteStanding, ...]


class Pardon(Value):
    reason: Reason


class SuiteWaiver(Value):
    suite: str
    reason: Reason


@router.get("/v1/releases", dependencies=[needs(Permission.READ)])
def list_releases(context: ContextOf, caller: CallerOf) -> list[ReleaseView]:
    """Oldest first."""
    with context.store.read() as tx:
        return release_views(tx, caller)


@router.post("/v1/releases", status_code=201, dependencies=[needs(Permission.REGISTER_RELEASE)])
def register_release(body: NewRelease, acting: ActingOf, caller: CallerOf) -> ReleaseView:
    """The engine supervisor merges it, proves it and starts its engine; poll it until it is ready or rejected."""
    release = _release(body, acting)
    with acting.transaction() as tx:
        if acting.first_time(tx, "register_release", body.id, body):
            require_known_suites(tx, body.suites)
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


@router.post("/v1/releases/{release}/waivers", status_code=201, dependencies=[needs(Permission.WAIVE_SUITE)])
def waive_suite(release: PathName, body: SuiteWaiver, acting: ActingOf, caller: CallerOf) -> ReleaseView:
    """Let the release meet users though this suite is not passed. Who registered it cannot."""
    return waive(acting, caller, release, body)


def waive(acting: Acting, caller: Caller, release: str, body: SuiteWaiver) -> ReleaseView:
    """Raises NotFound, UnknownName, or Conflict when there is nothing to waive or the actor registered it."""
    with acting.transaction() as tx:
        if acting.first_time(tx, "waive_suite", release, body):
            found = tx.releases.get(release)
            standing = _waivable(found, standings(tx, found), body.suite, acting.actor)
            tx.releases.save(found.model_copy(update={"waived_suites": (*found.waived_suites, body.suite)}))
            evidence = {
                "suite": body.suite,
                "reason": body.reason,
                "stood": standing.said,
                "run": standing.run,
            }
            tx.audit.append(acting.at, acting.actor, "waive_suite", release, evidence)
        return release_view(tx, caller, release)


def release_view(tx: Transaction, caller: Caller, release: str) -> ReleaseView:
    engine, quarantine = tx.releases.engine(release), tx.releases.quarantined().get(release)
    return _view(tx, caller, tx.releases.get(release), engine, quarantine, tx.deployments.all())


def release_views(tx: Transaction, caller: Caller) -> list[ReleaseView]:
    """Of all releases, oldest first."""
    engines, quarantined, deployments = (
        tx.releases.engines(),
        tx.releases.quarantined(),
        tx.deployments.all(),
    )
    return [
        _view(tx, caller, release, engines.get(release.id), quarantined.get(release.id), deployments)
        for release in tx.releases.all()
    ]


def _view(
    tx: Transaction,
    caller: Caller,
    release: Release,
    engine: EngineStatus | None,
    quarantine: str | None,
    deployments: Sequence[Deployment],
) -> ReleaseView:
    newest: dict[str, EvaluationRun] = {}
    for run in tx.evaluations.latest(release=release.id):
        newest.setdefault(run.suite, run_for(caller, run))
    return ReleaseView(
        release=release_for(caller, release),
        engine=engine_for(caller, engine) if engine else None,
        quarantine=quarantine,
        uses=tuple(use for each in deployments for use in _uses(each, release.id)),
        evaluations=dict(sorted(newest.items())),
        standings=tuple(standing_for(caller, each) for each in standings(tx, release)),
    )


def _uses(deployment: Deployment, release: str) -> Iterator[Use]:
    for part in ("stable", "candidate", "previous_good"):
        if getattr(deployment, part) == release:
            yield Use(deployment=deployment.name, part=part)
    if release in (rule.release for rule in deployment.shadows):
        yield Use(deployment=deployment.name, part="shadow")


def _waivable(release: Release, stand: tuple[SuiteStanding, ...], suite: str, actor: str) -> SuiteStanding:
    """Raises UnknownName, or Conflict when there is nothing to waive or `actor` registered the release."""
    found = next((each for each in stand if each.suite == suite), None)
    if found is None:
        raise UnknownName("required suite", suite, release.suites)
    if found.standing is Standing.WAIVED:
        raise Conflict(f"{suite} is waived for {release.id} already.")
    if found.standing is Standing.SUCCESSFUL:
        raise Conflict(f"{suite} is successful on {release.id}: there is nothing to waive.")
    if release.created_by == actor:
        raise Conflict(
            f"{actor} registered {release.id} and cannot waive its suites.", "Ask another approver."
        )
    return found


def _release(body: NewRelease, acting: Acting) -> Release:
    settings = acting.context.settings
    kind = body.engine or settings.engines.kind
    source = _external(body) if kind is EngineKind.EXTERNAL else _folders(body, settings)
    return Release(
        id=body.id,
        engine=kind,
        state=ReleaseState.REGISTERED,
        suites=body.suites,
        created_by=acting.actor,
        created_at=acting.at,
        **source,
    )


def _external(body: NewRelease) -> dict[str, Any]:
    if body.base or body.adapter or not body.url or not body.served_name:
        raise BadInput(
            "A release on an external engine has a url and a served_name, and neither base nor adapter.",
            "Send {id, engine: external, url, served_name}, and replicas where there are several.",
        )
    urls = [external_url(given) for given in (body.url, *body.replicas)]
    if len(set(urls)) < len(urls):
        raise BadInput("One URL of the external engine is given twice.", "Give each replica once.")
    return {"url": urls[0], "replicas": tuple(urls[1:]), "served_name": body.served_name}


def _folders(body: NewRelease, settings: Settings) -> dict[str, Any]:
    if body.url or body.replicas or body.served_name or not body.base:
        raise BadInput(
            "A release that we run has a base, with or without an adapter, and no url, replicas or served_name.",
            "Send {id, base, adapter}, {id, base}, or engine external with url and served_name.",
        )
    # What a training job of ours wrote is trusted like a release root.
    roots = (*settings.engines.release_roots, settings.training_folder)
    adapter = str(folder_below(roots, "adapter", body.adapter)) if body.adapter else ""
    return {"base_path": str(folder_below(roots, "base", body.base)), "adapter_path": adapter}
