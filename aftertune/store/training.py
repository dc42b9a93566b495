"""Training jobs: their progress, as they report it."""

from sqlmodel import Session, col, select

from aftertune.errors import NotFound
from aftertune.records import TrainingRow
from aftertune.values.training import TrainingJob


class TrainingTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    def save(self, job: TrainingJob) -> None:
        """Adds it, or overwrites what was said before."""
        row = self._session.get(TrainingRow, job.id)
        body = job.model_dump(mode="json")
        if row is None:
            self._session.add(
                TrainingRow(
                    id=job.id, release=job.release, state=job.state, started_at=job.started_at, body=body
                )
            )
        else:
            row.state, row.started_at, row.body = job.state, job.started_at, body

    def find(self, job: str) -> TrainingJob | None:
        row = self._session.get(TrainingRow, job)
        return TrainingJob.model_validate(row.body) if row else None

    def get(self, job: str) -> TrainingJob:
        found = self.find(job)
        if found is None:
            raise NotFound("training job", job, self._session.exec(select(TrainingRow.id)).all())
        return found

    def all(self) -> list[TrainingJob]:
        """Newest first."""
        rows = self._session.exec(
            select(TrainingRow).order_by(col(TrainingRow.started_at).desc(), TrainingRow.id)
        )
        return [TrainingJob.model_validate(row.body) for row in rows]
