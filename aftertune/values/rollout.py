"""The journey of a candidate through the stages of its plan."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from aftertune.values.plan import Plan
from aftertune.values.value import Value


class Stage(StrEnum):
    SHADOW = "shadow"
    CANARY = "canary"


class RolloutState(StrEnum):
    """running moves by itself; held waits for a person; the other three are final."""

    RUNNING = "running"
    HELD = "held"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    ABORTED = "aborted"


class Approval(Value):
    approver: str
    plan: str
    at: datetime


class Override(Value):
    """A named person waives one named check, with a reason. Guardrails cannot be waived."""

    check: str
    actor: str
    reason: str
    at: datetime


class Rollout(Value):
    id: str
    deployment: str
    candidate: str
    baseline: str
    plan: Plan
    requester: str
    state: RolloutState
    stage: Stage
    stage_since: datetime
    reason: str = ""
    created_at: datetime
    approvals: tuple[Approval, ...] = ()
    overrides: tuple[Override, ...] = ()

    required_approvals: ClassVar[int] = 2

    @property
    def approved(self) -> bool:
        """Two people, neither of them the requester, approved exactly this plan."""
        digest = self.plan.digest()
        people = {a.approver for a in self.approvals if a.plan == digest} - {self.requester}
        return len(people) >= self.required_approvals
