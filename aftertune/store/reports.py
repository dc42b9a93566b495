"""Weekly reports and the reviewers' words on them."""

from sqlmodel import Session, col, func, select

from aftertune.errors import Conflict, NotFound
from aftertune.records import ReportRow, SignOffRow
from aftertune.values.report import Report, ReportState, SignOff


class ReportTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    def next_revision(self, week: str) -> int:
        """Counted from 1; a correction or late data is a new revision."""
        newest = self._session.exec(select(func.max(ReportRow.revision)).where(ReportRow.week == week)).one()
        return (newest or 0) + 1

    def add(self, report: Report) -> None:
        self._session.add(
            ReportRow(
                id=report.id,
                week=report.week,
                revision=report.revision,
                state=report.state,
                requested_at=report.requested_at,
                body=report.model_dump(mode="json"),
            )
        )
        self._session.flush()

    def save(self, report: Report) -> None:
        row = self._row(report.id)
        row.state, row.body = report.state, report.model_dump(mode="json")

    def get(self, report: str) -> Report:
        return Report.model_validate(self._row(report).body)

    def all(self) -> list[Report]:
        """Newest first."""
        rows = self._session.exec(
            select(ReportRow).order_by(col(ReportRow.requested_at).desc(), ReportRow.id)
        )
        return [Report.model_validate(row.body) for row in rows]

    def unfinished(self) -> list[Report]:
        """Oldest first."""
        rows = self._session.exec(
            select(ReportRow)
            .where(col(ReportRow.state).in_((ReportState.REQUESTED, ReportState.BUILDING)))
            .order_by(col(ReportRow.requested_at), col(ReportRow.id).desc())
        )
        return [Report.model_validate(row.body) for row in rows]

    def sign(self, word: SignOff) -> None:
        """Raises Conflict when the reviewer has said it already."""
        said = self._session.exec(
            select(SignOffRow).where(
                SignOffRow.report == word.report,
                SignOffRow.manifest_digest == word.manifest_digest,
                SignOffRow.reviewer == word.reviewer,
            )
        ).first()
        if said is not None:
            raise Conflict(
                f"{word.reviewer} has signed off {word.report} already.",
                "A correction is a new revision of the report, signed anew.",
            )
        self._session.add(
            SignOffRow(
                report=word.report,
                manifest_digest=word.manifest_digest,
                reviewer=word.reviewer,
                at=word.at,
                body=word.model_dump(mode="json"),
            )
        )
        self._session.flush()

    def sign_offs(self, report: str) -> list[SignOff]:
        """Oldest first."""
        rows = self._session.exec(
            select(SignOffRow).where(SignOffRow.report == report).order_by(col(SignOffRow.id))
        )
        return [SignOff.model_validate(row.body) for row in rows]

    def _row(self, report: str) -> ReportRow:
        row = self._session.get(ReportRow, report)
        if row is None:
            raise NotFound("report", report, self._session.exec(select(ReportRow.id)).all())
        return row
