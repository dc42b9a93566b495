"""Evaluation runs and the answers that they scored."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, col, delete, select

from aftertune.errors import NotFound
from aftertune.records import EvaluationRow, SampleRow, SuiteRow
from aftertune.store.bulk import chunks
from aftertune.values.evaluation import Answer, EvaluationRun, RunState, SampleResult, SuiteCard, Trigger


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

    def add_results(self, results: Sequence[SampleResult]) -> None:
        """Idempotent: the first answer to a sample stays. All are of one run."""
        if not results:
            return
        samples = {result.sample for result in results}
        known = self._session.exec(
            select(SampleRow.release, SampleRow.sample).where(
                SampleRow.run == results[0].run, col(SampleRow.sample).in_(samples)
            )
        )
        seen = set(known)
        for result in results:
            if (result.release, result.sample) not in seen:
                seen.add((result.release, result.sample))
                self._session.add(
                    SampleRow(
                        run=result.run,
                        release=result.release,
                        sample=result.sample,
                        body=result.model_dump(),  # not as JSON: what a model wrote may be half a surrogate pair
                    )
                )
        self._session.flush()

    def results(self, run: str, samples: Iterable[str] | None = None) -> list[SampleResult]:
        """By release and sample; of these samples only, where they are given."""
        query = select(SampleRow).where(SampleRow.run == run)
        queries = (
            [query]
            if samples is None
            else [query.where(col(SampleRow.sample).in_(chunk)) for chunk in chunks(samples)]
        )
        rows = [row for each in queries for row in self._session.exec(each)]
        rows.sort(key=lambda row: (row.release, row.sample))
        return [SampleResult.model_validate(row.body) for row in rows]

    def scores(self, run: str, release: str) -> dict[str, dict[str, float | None]]:
        """Sample → metric → score, of one release."""
        # Not by the database's JSON operators: PostgreSQL refuses a body with a NUL, and models write them.
        found = self._session.exec(
            select(SampleRow.sample, SampleRow.body)
            .where(SampleRow.run == run, SampleRow.release == release)
            .order_by(SampleRow.sample)
        )
        return {sample: body["scores"] for sample, body in found}

    def answers(self, run: str, release: str, samples: Iterable[str]) -> dict[str, Answer]:
        """The first answer of a release to each of the samples that it answered, by sample."""
        rows = (
            row
            for chunk in chunks(samples)
            for row in self._session.exec(
                select(SampleRow).where(
                    SampleRow.run == run, SampleRow.release == release, col(SampleRow.sample).in_(chunk)
                )
            )
        )
        found = (SampleResult.model_validate(row.body) for row in rows)
        return {result.sample: result.answers[0] for result in found if result.answers}

    def _row(self, run: str) -> EvaluationRow:
        row = self._session.get(EvaluationRow, run)
        if row is None:
            raise NotFound("evaluation run", run)
        return row
