"""Training jobs of the week, as they reported themselves."""

from aftertune.values.training import TrainingJob
from reports.cells import count, moment, table
from reports.document import Cell, Digest, Figure, Missing, Section
from reports.evidence import Evidence

TITLE = "Training"
COLUMNS = (
    ("release", "Release"),
    ("state", "State"),
    ("actor", "By"),
    ("started", "Started (UTC)"),
    ("ended", "Ended (UTC)"),
    ("steps", "Steps"),
    ("planned", "Planned"),
    ("validation", "Best validation loss"),
    ("seconds", "Trained for"),
    ("order", "Settings and data"),
    ("reason*", "Remark"),
)
NOTE = (
    "Losses in nats a token, on conversations that were not trained on. A job that was started again shows its last "
    "attempt; its time is that of all attempts."
)
UNKNOWN = "not ended at the watermark"


def training(evidence: Evidence) -> Section:
    if not evidence.jobs:
        nothing = Missing(
            text="No training job reported itself in this week. Adapters may have been trained elsewhere: what a "
            "release was merged from stands in its passport."
        )
        return Section(name="training", title=TITLE, blocks=(nothing,))
    found = table("Jobs", COLUMNS, (_row(job) for job in evidence.jobs), NOTE)
    return Section(name="training", title=TITLE, blocks=(found,))


def _row(job: TrainingJob) -> tuple[Cell, ...]:
    ended = job.ended_at is not None
    return (
        job.release,
        str(job.state) if ended else f"{UNKNOWN}: it ran, or was killed",
        job.by,
        moment(job.started_at),
        moment(job.ended_at),
        count(job.step) if ended else Figure(value=None, missing=UNKNOWN),
        count(job.steps),
        _validation(job),
        Figure(value=round(job.seconds, 1), unit="s", n=1)
        if ended
        else Figure(value=None, unit="s", missing=UNKNOWN),
        Digest(sha256=job.spec),
        _remark(job),
    )


def _validation(job: TrainingJob) -> Figure:
    if job.best_validation is None:
        return Figure(value=None, missing="none was measured" if job.ended_at else UNKNOWN)
    return Figure(value=job.best_validation)


def _remark(job: TrainingJob) -> str:
    said = [] if job.best_step is None else [f"Best at step {job.best_step}."]
    if job.resumed_from is not None:
        said.append(f"It went on from step {job.resumed_from}.")
    return " ".join([*said, job.reason]).strip() or "–"
