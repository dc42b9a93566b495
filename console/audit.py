"""The audit log and whether its chain holds."""

from typing import Annotated

from fastapi import Query

from aftertune.audit import AuditEntry, Verification, verify
from aftertune.identity import Permission
from console.access import ContextOf, guarded_router, needs

router = guarded_router("audit")

Limit = Annotated[int, Query(ge=1, le=1000)]


@router.get("/v1/audit", dependencies=[needs(Permission.READ)])
def latest_entries(
    context: ContextOf, limit: Limit = 100, subject: Annotated[str | None, Query(max_length=256)] = None
) -> list[AuditEntry]:
    """Newest first."""
    with context.store.read() as tx:
        return tx.audit.latest(limit, subject)


@router.get("/v1/audit/verification", dependencies=[needs(Permission.READ)])
def verification(context: ContextOf) -> Verification:
    """Recomputes the whole chain."""
    with context.store.read() as tx:
        return verify(tx.audit.entries())
