"""Training jobs: how far, how well, and whether they are still alive."""

from datetime import datetime

from fastapi.responses import HTMLResponse, Response

from aftertune.identity import Permission
from aftertune.values.training import TrainingJob
from console.access import CallerOf, ContextOf, guarded_router, needs
from console.concealment import job_for
from console.context import Context
from console.curve import HEIGHT, WIDTH, curve
from console.names import PathName
from console.pages.page import page
from console.training import heartbeat, silent

router = guarded_router("pages")


@router.get("/training", response_class=HTMLResponse, dependencies=[needs(Permission.READ)])
def list_training(context: ContextOf, caller: CallerOf) -> Response:
    now = context.clock.now()
    with context.store.read() as tx:
        jobs = [(job_for(caller, job), *_life(context, job, now)) for job in tx.training.all()]
    return page(context, "trainings.html", caller, now, jobs=jobs)


@router.get("/training/{job}", response_class=HTMLResponse, dependencies=[needs(Permission.READ)])
def training(job: PathName, context: ContextOf, caller: CallerOf) -> Response:
    now = context.clock.now()
    with context.store.read() as tx:
        found = tx.training.get(job)
        registered = found.release in {release.id for release in tx.releases.all()}
    heard, is_silent = _life(context, found, now)
    return page(
        context,
        "training.html",
        caller,
        now,
        job=job_for(caller, found),
        heard=heard,
        silent=is_silent,
        registered=registered,
        curve=curve(found.points, found.steps, found.best_step),
        curve_size=(WIDTH, HEIGHT),
    )


def _life(context: Context, job: TrainingJob, now: datetime) -> tuple[str, bool]:
    """Its heartbeat in words, and whether it is silent."""
    every = context.settings.training.heartbeat_s
    return heartbeat(job, now, every), silent(job, now, every)
