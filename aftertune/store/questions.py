"""What the samples of suites ask, by the digest of their dataset; for people who look at answers."""

from collections.abc import Iterable, Mapping

from sqlmodel import Session, col, select

from aftertune.records import QuestionRow
from aftertune.store.bulk import chunks, insert_rows


class QuestionTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    def save(self, dataset: str, questions: Mapping[str, str]) -> None:
        """By sample. A dataset is stored once: its digest stands for its questions."""
        known = select(QuestionRow.sample).where(QuestionRow.dataset == dataset).limit(1)
        if self._session.exec(known).first() is None:
            insert_rows(
                self._session,
                QuestionRow,
                [
                    {"dataset": dataset, "sample": sample, "text": text}
                    for sample, text in sorted(questions.items())
                ],
            )

    def of(self, dataset: str, samples: Iterable[str]) -> dict[str, str]:
        """Of those samples that are known, by sample."""
        return {
            row.sample: row.text
            for chunk in chunks(samples)
            for row in self._session.exec(
                select(QuestionRow).where(QuestionRow.dataset == dataset, col(QuestionRow.sample).in_(chunk))
            )
        }
