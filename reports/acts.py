"""Acts on deployments, as the audit chain tells them: with the deployment before and after."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from aftertune.audit import AuditEntry
from aftertune.values.deployment import Act as Name

_NAMES = frozenset(Name)
_ENDINGS = frozenset({Name.PROMOTE, Name.ABORT, Name.ROLL_BACK})


class Act(NamedTuple):
    """`before` and `after` are the deployment's fields as they were written then; before is empty at its creation."""

    seq: int
    at: datetime
    actor: str
    name: Name
    deployment: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    body: Mapping[str, Any]

    def ends(self, rollout: str) -> bool:
        return self.name in _ENDINGS and self.before.get("rollout") == rollout

    @property
    def reason(self) -> str:
        return str(self.body.get("reason") or "")


def acts(entries: Iterable[AuditEntry]) -> tuple[Act, ...]:
    """Oldest first; entries of other kinds are passed over."""
    found = []
    for entry in entries:
        if entry.action in _NAMES:
            body = body_of(entry)
            if isinstance(body.get("after"), dict):
                found.append(
                    Act(
                        seq=entry.seq,
                        at=entry.at,
                        actor=entry.actor,
                        name=Name(entry.action),
                        deployment=entry.subject,
                        before=body.get("before") or {},
                        after=body["after"],
                        body=body,
                    )
                )
    return tuple(found)


def standing(done: Iterable[Act], deployment: str, at: datetime) -> Act | None:
    """The last act on a deployment before `at`: its `after` is how the deployment stood then."""
    return next((act for act in reversed(tuple(done)) if act.deployment == deployment and act.at < at), None)


def body_of(entry: AuditEntry) -> dict[str, Any]:
    """What the entry says; empty when that is no mapping."""
    found = json.loads(entry.body)
    return found if isinstance(found, dict) else {}
