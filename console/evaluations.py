"""Suites, their runs on releases, and what was answered in them."""

from typing import Annotated

from fastapi import Query

from aftertune.errors import Conflict
from aftertune.identity import Permission
from aftertune.store import Transaction
from aftertune.values.evaluation import EvaluationRun, RunState, SampleResult, SuiteCard, Trigger
from aftertune.values.release import ReleaseState
from aftertune.values.value import Value
from console.access import CallerOf, ContextOf, guarded_router, needs
from console.acting import Acting, ActingOf
from console.concealment import run_for
from console.names import PathName
from console.suites import require_known_suites

router = guarded_router("evaluations")

Name = Annotated[str | None, Query(max_length=128)]


class NewRun(Value):
    """`deployment` says for whose sake, if for any. `fresh`: no answer of an earlier run stands for a new one."""

    release: str
    suite: str
    deployment: str | None = None
    fresh: bool = False


@router.get("/v1/suites", dependencies=[needs(Permission.READ)])
def list_suites(context: ContextOf) -> list[SuiteCard]:
    """What the evaluation room offers; empty before it has started for the first time."""
    with context.store.read() as tx:
        return tx.evaluations.suites()


@router.post("/v1/evaluations", status_code=201, dependencies=[needs(Permission.RUN_EVALUATION)])
def run_evaluation(body: NewRun, acting: ActingOf) -> EvaluationRun:
    """Queue a run by hand; poll it until it is successful, failed or error."""
    return order_run(acting, body)


@router.get("/v1/evaluations", dependencies=[needs(Permission.READ)])
def list_runs(
    context: ContextOf,
    caller: CallerOf,
    release: Name = None,
    suite: Name = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[EvaluationRun]:
    """Newest first."""
    with context.store.read() as tx:
        runs = tx.evaluations.latest(release=release, suite=suite, limit=limit)
        return [run_for(caller, run) for run in runs]


@router.get("/v1/evaluations/{run}", dependencies=[needs(Permission.READ)])
def get_run(run: PathName, context: ContextOf, caller: CallerOf) -> EvaluationRun:
    with context.store.read() as tx:
        return run_for(caller, tx.evaluations.get(run))


@router.get("/v1/evaluations/{run}/samples", dependencies=[needs(Permission.READ_PAYLOAD)])
def list_samples(run: PathName, context: ContextOf, caller: CallerOf) -> list[SampleResult]:
    """Every answer with its scores, by release and sample. Who read them is written into the audit log."""
    with context.store.write() as tx:
        results = tx.evaluations.results(tx.evaluations.get(run).id)
        tx.audit.append(context.clock.now(), caller.name, "read_payload", run)
        return results


def order_run(acting: Acting, body: NewRun) -> EvaluationRun:
    """Raises NotFound, UnknownName, or Conflict when the release is not ready or the same run is under way."""
    run_id = acting.new_id("ev")
    with acting.transaction() as tx:
        if acting.first_time(tx, "run_evaluation", body.release, body):
            _require_possible(tx, body)
            (card,) = (card for card in tx.evaluations.suites() if card.name == body.suite)
            run = EvaluationRun(
                id=run_id,
                suite=body.suite,
                release=body.release,
                deployment=body.deployment,
                trigger=Trigger.BY_HAND,
                state=RunState.QUEUED,
                requested_by=acting.actor,
                requested_at=acting.at,
                samples=card.samples,
                fresh=body.fresh,
            )
            tx.evaluations.add(run)
            evidence = {"run": run_id, "suite": body.suite, "deployment": body.deployment}
            tx.audit.append(acting.at, acting.actor, "run_evaluation", body.release, evidence)
        return tx.evaluations.get(run_id)


def _require_possible(tx: Transaction, body: NewRun) -> None:
    require_known_suites(tx, (body.suite,))
    if body.deployment is not None:
        tx.deployments.get(body.deployment)
    release = tx.releases.get(body.release)
    if release.state is not ReleaseState.READY:
        raise Conflict(
            f"The release {release.id!r} is {release.state}, not ready.",
            f"Wait until GET /v1/releases/{release.id} says ready.",
        )
    for run in tx.evaluations.open():
        if (run.release, run.suite) == (body.release, body.suite):
            raise Conflict(
                f"{body.suite} is {run.state} on {body.release} already.",
                f"Follow it: /v1/evaluations/{run.id}.",
            )
