"""Rollouts with their approvals and overrides."""

from sqlmodel import Session, col, select

from aftertune.errors import Conflict, NotFound
from aftertune.records import ApprovalRow, OverrideRow, RolloutRow
from aftertune.values.rollout import Approval, Override, Rollout, RolloutState


class RolloutTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, rollout: Rollout) -> None:
        self._session.add(
            RolloutRow(
                id=rollout.id,
                deployment=rollout.deployment,
                requester=rollout.requester,
                state=rollout.state,
                created_at=rollout.created_at,
                body=_body(rollout),
            )
        )
        self._session.flush()

    def save(self, rollout: Rollout) -> None:
        """Approvals and overrides are not saved here: they have tables of their own."""
        row = self._row(rollout.id)
        row.state, row.body = rollout.state, _body(rollout)

    def get(self, rollout: str) -> Rollout:
        return self._value(self._row(rollout))

    def of(self, deployment: str) -> list[Rollout]:
        """Newest first."""
        rows = self._session.exec(
            select(RolloutRow)
            .where(RolloutRow.deployment == deployment)
            .order_by(col(RolloutRow.created_at).desc())
        ).all()
        return [self._value(row) for row in rows]

    def open(self) -> list[Rollout]:
        """Those that are running or held, oldest first."""
        rows = self._session.exec(
            select(RolloutRow)
            .where(col(RolloutRow.state).in_([RolloutState.RUNNING, RolloutState.HELD]))
            .order_by(col(RolloutRow.created_at))
        ).all()
        return [self._value(row) for row in rows]

    def approve(self, rollout: Rollout, approval: Approval) -> None:
        """Raises Conflict when the approver asked for the plan, or approved it before."""
        if approval.approver == rollout.requester:
            raise Conflict(
                f"{approval.approver} asked for this rollout and cannot approve it.", "Ask somebody else to."
            )
        if any(a.approver == approval.approver and a.plan == approval.plan for a in rollout.approvals):
            raise Conflict(
                f"{approval.approver} approved this plan before.", "A second person must approve it."
            )
        self._session.add(
            ApprovalRow(
                rollout=rollout.id,
                plan=approval.plan,
                approver=approval.approver,
                requester=rollout.requester,
                at=approval.at,
            )
        )
        self._session.flush()

    def override(self, rollout: Rollout, override: Override) -> None:
        if any(o.check == override.check for o in rollout.overrides):
            raise Conflict(f"The check {override.check!r} of rollout {rollout.id} is waived already.")
        self._session.add(OverrideRow(rollout=rollout.id, **override.model_dump()))
        self._session.flush()

    def _row(self, rollout: str) -> RolloutRow:
        row = self._session.get(RolloutRow, rollout)
        if row is None:
            raise NotFound("rollout", rollout)
        return row

    def _value(self, row: RolloutRow) -> Rollout:
        approvals = self._session.exec(
            select(ApprovalRow).where(ApprovalRow.rollout == row.id).order_by(col(ApprovalRow.id))
        ).all()
        overrides = self._session.exec(
            select(OverrideRow).where(OverrideRow.rollout == row.id).order_by(col(OverrideRow.id))
        ).all()
        rollout = Rollout.model_validate(row.body)
        return rollout.model_copy(
            update={
                "approvals": tuple(Approval(approver=a.approver, plan=a.plan, at=a.at) for a in approvals),
                "overrides": tuple(
                    Override(check=o.check, actor=o.actor, reason=o.reason, at=o.at) for o in overrides
                ),
            }
        )


def _body(rollout: Rollout) -> dict[str, object]:
    return rollout.model_dump(mode="json", exclude={"approvals", "overrides"})
