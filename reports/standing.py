"""A rollout as it stood at a moment: its row changes afterwards, the audit chain does not."""

from collections.abc import Sequence
from datetime import datetime

from aftertune.audit import AuditEntry
from aftertune.values.deployment import Act as Name
from aftertune.values.rollout import Rollout, RolloutState, Stage
from reports.acts import Act, body_of

_HELD, _WAIVED = "held", "override_check"


def as_it_stood(
    rollout: Rollout, entries: Sequence[AuditEntry], done: Sequence[Act], at: datetime
) -> Rollout:
    """One that had not ended before `at` is running or held, whatever its row says now."""
    known = {
        "approvals": tuple(approval for approval in rollout.approvals if approval.at < at),
        "overrides": tuple(override for override in rollout.overrides if override.at < at),
    }
    mine = [act for act in done if act.at < at and act.after.get("rollout") == rollout.id]
    if any(act.ends(rollout.id) and act.at < at for act in done):
        return rollout.model_copy(update=known)
    stage = Stage.CANARY if any(act.name is Name.START_CANARY for act in mine) else Stage.SHADOW
    held = _held(rollout.id, entries, at)
    state = RolloutState.RUNNING if held is None else RolloutState.HELD
    return rollout.model_copy(
        update={"state": state, "stage": stage, "reason": held or "It goes on.", **known}
    )


def _held(rollout: str, entries: Sequence[AuditEntry], at: datetime) -> str | None:
    """Why it waits for a person; None when it does not, or a person has answered."""
    for entry in reversed(entries):
        if entry.at < at and entry.action in (_HELD, _WAIVED, Name.START_CANARY):
            body = body_of(entry)
            if body.get("rollout") == rollout:
                return str(body.get("reason", "")) if entry.action == _HELD else None
    return None
