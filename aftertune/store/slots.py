"""The ledger of scheduled work: each (job, slot) is done by the one who claims it, however many schedulers run."""

from datetime import datetime

from sqlmodel import Session, col, select

from aftertune.records import SlotRow


class SlotLedger:
    def __init__(self, session: Session) -> None:
        self._session = session

    def claim(self, job: str, slot: str, holder: str, at: datetime) -> bool:
        """True for the first caller only. Claim in the transaction that records the work."""
        if self.is_claimed(job, slot):
            return False
        self._session.add(SlotRow(job=job, slot=slot, holder=holder, at=at))
        self._session.flush()
        return True

    def is_claimed(self, job: str, slot: str) -> bool:
        return self._session.get(SlotRow, (job, slot)) is not None

    def claimed(self, job: str) -> list[str]:
        """The job's slots, in the order of their names."""
        return list(
            self._session.exec(select(SlotRow.slot).where(SlotRow.job == job).order_by(col(SlotRow.slot)))
        )

    def last(self, job: str) -> str | None:
        """The last of the job's slots, in the order of their names."""
        last = select(SlotRow.slot).where(SlotRow.job == job).order_by(col(SlotRow.slot).desc()).limit(1)
        return self._session.exec(last).first()
