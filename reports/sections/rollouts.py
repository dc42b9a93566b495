"""Candidates under test, who let them on, and what the judge said."""

from aftertune.values.rollout import Rollout
from aftertune.values.verdict import Measurement, Verdict
from reports.cells import count, moment, table
from reports.document import Block, Cell, Digest, Figure, Missing, Nothing, Section
from reports.evidence import Evidence

NOTE = (
    "The last verdict of each stage. Intervals hold at every look (anytime-valid) at confidence 1 − alpha. A "
    "comparison is candidate − stable and its interval must stay above the limit; a guardrail is a rate and must "
    "stay below."
)


def rollouts(evidence: Evidence) -> Section:
    title = "Rollouts and verdicts"
    if not evidence.rollouts:
        nothing = Nothing(
            text="No rollout was open in this week: no candidate was compared with a stable release."
        )
        return Section(name="rollouts", title=title, blocks=(nothing,))
    return Section(
        name="rollouts",
        title=title,
        blocks=(
            table("Rollouts", ROLLOUT, (_row(evidence, rollout) for rollout in evidence.rollouts)),
            _verdicts(evidence),
            _overrides(evidence),
        ),
    )


ROLLOUT = (
    ("rollout", "Rollout"),
    ("candidate", "Candidate"),
    ("baseline", "Against"),
    ("state", "State"),
    ("stage", "Stage"),
    ("requester", "Asked by"),
    ("approvers", "Approved by"),
    ("verdicts", "Verdicts stored"),
    ("plan", "Plan"),
    ("reason*", "Reason"),
)


def _row(evidence: Evidence, rollout: Rollout) -> tuple[Cell, ...]:
    plan = rollout.plan.digest()
    approvers = sorted(
        approval.approver if approval.plan == plan else f"{approval.approver} (another plan)"
        for approval in rollout.approvals
    )
    return (
        rollout.id,
        f"{rollout.candidate} on {rollout.deployment}",
        rollout.baseline,
        rollout.state.replace("_", " "),
        str(rollout.stage),
        rollout.requester,
        ", ".join(approvers) or "nobody",
        count(len(evidence.verdicts[rollout.id])),
        Digest(sha256=plan),
        rollout.reason or "–",
    )


def _verdicts(evidence: Evidence) -> Block:
    rows = [
        (
            verdict.rollout,
            f"{verdict.stage}: {verdict.outcome}",
            f"{measured.check}: {measured.metric}"
            + (" (waived)" if measured.check in verdict.waived else ""),
            str(measured.outcome),
            _estimate(measured, verdict),
            Figure(value=measured.limit),
            measured.reason,
        )
        for verdict in _last_of_each_stage(evidence)
        for measured in verdict.measurements
    ]
    if not rows:
        return Missing(
            text="The judge has said nothing in this week: too little was measured, or nothing was due."
        )
    columns = (
        ("rollout", "Rollout"),
        ("verdict", "Verdict"),
        ("check", "Check"),
        ("outcome", "Outcome"),
        ("estimate", "Estimate"),
        ("limit", "Limit"),
        ("reason*", "Reason"),
    )
    return table("Verdicts", columns, rows, NOTE)


def _last_of_each_stage(evidence: Evidence) -> list[Verdict]:
    last: dict[tuple[str, str], Verdict] = {}
    for rollout in evidence.rollouts:
        for verdict in evidence.verdicts[rollout.id]:
            last[(rollout.id, verdict.stage)] = verdict
    return list(last.values())


def _estimate(measured: Measurement, verdict: Verdict) -> Figure:
    if measured.estimate is None:
        return Figure(value=None, n=measured.n, missing="nothing measured", signature=verdict.evidence)
    return Figure(
        value=measured.estimate,
        n=measured.n,
        low=measured.low,
        high=measured.high,
        confidence=1 - measured.alpha,
        method="anytime-valid",
        signature=verdict.evidence,
    )


def _overrides(evidence: Evidence) -> Block:
    rows = [
        (moment(override.at), rollout.id, override.check, override.actor, override.reason)
        for rollout in evidence.rollouts
        for override in rollout.overrides
        if override.at >= evidence.week.since
    ]
    if not rows:
        return Nothing(text="No check was waived in this week.")
    columns = (
        ("at", "At (UTC)"),
        ("rollout", "Rollout"),
        ("check", "Waived check"),
        ("actor", "By"),
        ("reason*", "Reason"),
    )
    return table("Overrides", columns, rows, "A guardrail cannot be waived.")
