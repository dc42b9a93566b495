"""Evaluation runs and the answers that they scored."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, delete, select

from aftertune.errors import NotFound
from aftertune.records import EvaluationRow, SampleRow, SuiteRow
from aftertune.values.evaluation import EvaluationRun, RunState, SampleResult, SuiteCard, Trigger


class EvaluationTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    def save_suites(self, cards: Sequence[SuiteCard]) -> None:
        """Replaces what was offered before."""
        self._session.execute(delete(SuiteRow))
        for card in cards:
            self._session.add(SuiteRow(name=card.name, body=card.model_dump(mode="json")))
        self._session.flush()

    def suites(self) -> list[SuiteCard]:
        """By name."""
        rows = self._session.exec(select(SuiteRow).order_by(SuiteRow.name))
        return [SuiteCard.model_validate(row.body) for row in rows]

    def add(self, run: EvaluationRun) -> None:
        self._session.add(
            EvaluationRow(
                id=run.id,
                suite=run.suite,
                release=run.release,
                trigger=run.trigger,
                state=run.state,
                requested_at=run.requested_at,
                body=run.model_dump(mode="json"),
            )
        )
        self._session.flush()

    def save(self, run: EvaluationRun) -> None:
        row = self._row(run.id)
        row.state, row.body = run.state, run.model_dump(mode="json")

    def get(self, run: str) -> EvaluationRun:
        return EvaluationRun.model_validate(self._row(run).body)

    def find(self, run: str) -> EvaluationRun | None:
        row = self._session.get(EvaluationRow, run)
        return EvaluationRun.model_validate(row.body) if row else None

    def open(self) -> list[EvaluationRun]:
        """Queued and running ones, oldest first."""
        rows = self._session.exec(
            select(EvaluationRow)
            .where(col(EvaluationRow.state).in_((RunState.QUEUED, RunState.RUNNING)))
            .order_by(col(EvaluationRow.requested_at), EvaluationRow.id)
        )
        return [EvaluationRun.model_validate(row.body) for row in rows]

    def latest(
        self,
        *,
        release: str | None = None,
        suite: str | None = None,
        trigger: Trigger | None = None,
        limit: int = 100,
    ) -> list[EvaluationRun]:
        """Newest first."""
        query = select(EvaluationRow)
        if release is not None:
            query = query.where(EvaluationRow.release == release)
        if suite is not None:
            query = query.where(EvaluationRow.suite == suite)
        if trigger is not None:
            query = query.where(EvaluationRow.trigger == trigger)
        rows = self._session.exec(
            query.order_by(col(EvaluationRow.requested_at).desc(), EvaluationRow.id).limit(limit)
        )
        return [EvaluationRun.model_validate(row.body) for row in rows]

    def between(self, since: datetime, until: datetime) -> list[EvaluationRun]:
        """Requested in [since, until), oldest first."""
        rows = self._session.exec(
            select(EvaluationRow)
            .where(col(EvaluationRow.requested_at) >= since, col(EvaluationRow.requested_at) < until)
            .order_by(col(EvaluationRow.requested_at), EvaluationRow.id)
        )
        return [EvaluationRun.model_validate(row.body) for row in rows]

    def add_result(self, result: SampleResult) -> None:
        """Idempotent: the first answer to a sample stays."""
        key = (result.run, result.release, result.sample)
        if self._session.get(SampleRow, key) is None:
            self._session.add(
                SampleRow(
                    run=result.run,
                    release=result.release,
                    sample=result.sample,
                    body=result.model_dump(mode="json"),
                )
            )
            self._session.flush()

    def results(self, run: str) -> list[SampleResult]:
        """By release and sample."""
        rows = self._session.exec(
            select(SampleRow).where(SampleRow.run == run).order_by(SampleRow.release, SampleRow.sample)
        )
        return [SampleResult.model_validate(row.body) for row in rows]

    def _row(self, run: str) -> EvaluationRow:
        row = self._session.get(EvaluationRow, run)
        if row is None:
            raise NotFound("evaluation run", run)
        return row
