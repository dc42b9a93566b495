"""Traffic taken back, how fast, and the proof."""

from datetime import datetime

from aftertune.values.rollback import Rollback, RollbackState
from reports.cells import count, moment, table
from reports.document import Block, Cell, Figure, Missing, Nothing, Section
from reports.evidence import Evidence


def rollbacks(evidence: Evidence) -> Section:
    blocks: tuple[Block, ...] = (Nothing(text="No rollback was asked for in this week."),)
    if evidence.rollbacks:
        blocks = (
            table("Rollbacks", ROLLBACK, (_row(rollback) for rollback in evidence.rollbacks)),
            table("Timing", TIMING, (_timing(rollback) for rollback in evidence.rollbacks)),
            _proofs(evidence),
        )
    return Section(name="rollbacks", title="Rollbacks", blocks=(*blocks, _quarantines(evidence)))


ROLLBACK = (
    ("rollback", "Rollback"),
    ("deployment", "Deployment"),
    ("releases", "From → to"),
    ("state", "State"),
    ("actor", "Asked by"),
    ("reason*", "Reason"),
    ("outcome*", "Outcome"),
)
TIMING = (
    ("rollback", "Rollback"),
    ("first_bad", "First bad answer (UTC)"),
    ("detection", "Bad answer to request"),
    ("switch", "Request to switch"),
    ("proof", "Switch to proof"),
    ("total", "Request to end"),
)


def _row(rollback: Rollback) -> tuple[Cell, ...]:
    how = "automatic" if rollback.automatic else "by hand"
    ended = rollback.state.final
    return (
        rollback.id,
        rollback.deployment,
        f"{rollback.from_release or '?'} → {rollback.to_release or '?'}",
        str(rollback.state) if ended else "not ended at the watermark",
        f"{rollback.actor}, {how}",
        rollback.reason,
        rollback.outcome or "–",
    )


def _timing(rollback: Rollback) -> tuple[Cell, ...]:
    asked, switched, ended = rollback.requested_at, rollback.switched_at, rollback.finished_at
    return (
        rollback.id,
        moment(rollback.first_bad_at),
        _span(rollback.first_bad_at, asked, "no bad answer was named"),
        _span(asked, switched, "no switch"),
        _span(switched, ended if rollback.proofs else None, "no proof"),
        _span(asked, ended, "not ended"),
    )


def _span(start: datetime | None, end: datetime | None, why: str) -> Figure:
    if start is None or end is None:
        return Figure(value=None, unit="s", missing=why)
    return Figure(value=round((end - start).total_seconds(), 3), unit="s", n=1)


def _proofs(evidence: Evidence) -> Block:
    rows = [
        (
            rollback.id,
            proof.router,
            "proven" if proof.ok else "not proven",
            "none seen" if proof.generation is None else count(proof.generation),
            ", ".join(sorted(set(proof.releases))) or "none seen",
            f"{proof.fingerprint_matches} of {proof.probes}",
            proof.reason or "–",
        )
        for rollback in evidence.rollbacks
        for proof in rollback.proofs
    ]
    if not rows:
        unproven = any(rollback.state is RollbackState.FAILED for rollback in evidence.rollbacks)
        why = "it failed before a router was asked" if unproven else "no router had answered by then"
        return Missing(text=f"There is no router's proof: {why}. That says nothing about where traffic went.")
    columns = (
        ("rollback", "Rollback"),
        ("router", "Router"),
        ("ok", "Proof"),
        ("generation", "Generation"),
        ("releases", "Release header"),
        ("fingerprint", "Probes that match"),
        ("reason*", "Remark"),
    )
    return table("Proofs", columns, rows, "What each router showed to probes after the switch.")


def _quarantines(evidence: Evidence) -> Block:
    rows = [
        (moment(entry.at), entry.subject, entry.action.replace("_", " "), entry.actor)
        for entry in evidence.during(evidence.entries)
        if entry.action in ("quarantine", "lift_quarantine")
    ]
    if not rows:
        return Nothing(text="No release entered or left quarantine in this week.")
    columns = (("at", "At (UTC)"), ("release", "Release"), ("act", "Act"), ("actor", "By"))
    return table("Quarantine", columns, rows)
