"""Releases, their engines and their quarantine."""

from datetime import datetime

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from aftertune.errors import BadInput, NotFound
from aftertune.records import EngineRow, QuarantineRow, ReleaseRow
from aftertune.values.release import EngineStatus, Release, ReleaseState


class ReleaseTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, release: Release) -> None:
        """Raises BadInput when the id is taken: a release is immutable."""
        if self._session.get(ReleaseRow, release.id) is not None:
            raise BadInput(
                f"There is already a release {release.id!r}.", "Releases are immutable: choose a new id."
            )
        self._session.add(
            ReleaseRow(
                id=release.id,
                state=release.state,
                created_at=release.created_at,
                body=release.model_dump(mode="json"),
            )
        )
        self._session.flush()

    def save(self, release: Release) -> None:
        row = self._row(release.id)
        row.state, row.body = release.state, release.model_dump(mode="json")

    def get(self, release: str) -> Release:
        return Release.model_validate(self._row(release).body)

    def all(self) -> list[Release]:
        rows = self._session.exec(
            select(ReleaseRow).order_by(col(ReleaseRow.created_at), ReleaseRow.id)
        ).all()
        return [Release.model_validate(row.body) for row in rows]

    def in_state(self, *states: ReleaseState) -> list[Release]:
        return [release for release in self.all() if release.state in states]

    def save_engine(self, status: EngineStatus) -> None:
        row = self._session.get(EngineRow, status.release)
        body = status.model_dump(mode="json")
        if row is None:
            self._session.add(EngineRow(release=status.release, body=body))
        else:
            row.body = body

    def engine(self, release: str) -> EngineStatus | None:
        row = self._session.get(EngineRow, release)
        return EngineStatus.model_validate(row.body) if row else None

    def engines(self) -> dict[str, EngineStatus]:
        rows = self._session.exec(select(EngineRow)).all()
        return {row.release: EngineStatus.model_validate(row.body) for row in rows}

    def quarantine(self, release: str, reason: str, at: datetime) -> None:
        """Idempotent: a release that is in quarantine stays so with its first reason."""
        if release not in self.quarantined():
            self._session.add(QuarantineRow(release=release, reason=reason, at=at))
            self._session.flush()

    def lift_quarantine(self, release: str, actor: str, at: datetime) -> None:
        row = self._session.exec(_open_quarantines().where(QuarantineRow.release == release)).first()
        if row is None:
            raise NotFound("quarantine of release", release, self.quarantined())
        row.lifted_by, row.lifted_at = actor, at

    def quarantined(self) -> dict[str, str]:
        """Release → reason, for those in quarantine now."""
        return {row.release: row.reason for row in self._session.exec(_open_quarantines())}

    def _row(self, release: str) -> ReleaseRow:
        row = self._session.get(ReleaseRow, release)
        if row is None:
            raise NotFound("release", release, self._session.exec(select(ReleaseRow.id)).all())
        return row


def _open_quarantines() -> SelectOfScalar[QuarantineRow]:
    return select(QuarantineRow).where(col(QuarantineRow.lifted_at).is_(None))
