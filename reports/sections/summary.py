"""One line for each deployment, by a stated rule, and what happened, in order."""

from aftertune.values.drift import DriftState
from aftertune.values.evaluation import RunState
from aftertune.values.exchange import ExchangeRole
from aftertune.values.rollback import RollbackState
from reports.acts import standing
from reports.cells import count, moment, share, table
from reports.document import Block, Cell, Nothing, Section
from reports.events import events
from reports.evidence import Evidence

RULE = (
    "A deployment needs ATTENTION when, in this week, traffic was rolled back, a rollback was not proven, drift "
    "alarmed, a suite failed or could not be measured on its stable release, the nightly watch of a suite found a "
    "fall, an alert fired, or the audit chain does not verify. It is UNKNOWN when it had no traffic. Otherwise it is QUIET, which says only that nothing "
    "of this list happened."
)
TOLD = 60
"""Events that the first pages tell."""
TO_USERS = (ExchangeRole.STABLE, ExchangeRole.CANARY)


def summary(evidence: Evidence) -> Section:
    if not evidence.deployments:
        nothing = Nothing(text="No deployment existed by the end of this week: there is nothing to sum up.")
        return Section(name="summary", title="Summary", blocks=(nothing,))
    happened = {name: _happened(evidence, name) for name in evidence.deployments}
    rows = [_row(evidence, name, happened[name]) for name in evidence.deployments]
    columns = (
        ("deployment", "Deployment"),
        ("standing", "Standing"),
        ("stable", "Stable"),
        ("answers", "Requests of users"),
        ("failed", "Without a complete answer"),
        ("why*", "Why"),
    )
    stand = table("Deployments", columns, rows, RULE)
    return Section(name="summary", title="Summary", blocks=(stand, _story(evidence)))


def _story(evidence: Evidence) -> Block:
    told = events(evidence)
    if not told:
        return Nothing(text="Nothing was tried, changed, refused or missed in this week.")
    note = f"The newest {TOLD} of {len(told)}; the sections below have all." if len(told) > TOLD else ""
    rows = [(moment(event.at), event.said, event.reference) for event in told[-TOLD:]]
    columns = (("at", "At (UTC)"), ("said*", "What happened"), ("reference", "Reference"))
    return table("The week in order", columns, rows, note)


def _row(evidence: Evidence, name: str, happened: list[str]) -> tuple[Cell, ...]:
    lines = [line for line in evidence.lines if line.deployment == name and line.role in TO_USERS]
    act = standing(evidence.acts, name, evidence.until)
    state = "ATTENTION" if happened else ("QUIET" if lines else "UNKNOWN")
    failed = sum(1 for line in lines if line.error)
    return (
        name,
        state,
        str(act.after.get("stable")) if act else "not created by then",
        count(len(lines)),
        share(failed, len(lines), "no request of a user was stored"),
        " ".join(happened) or "Nothing of the list below.",
    )


def _happened(evidence: Evidence, name: str) -> list[str]:
    act = standing(evidence.acts, name, evidence.until)
    stable = act.after.get("stable") if act else None
    back = [rollback for rollback in evidence.rollbacks if rollback.deployment == name]
    unproven = [rollback for rollback in back if rollback.state is not RollbackState.COMPLETED]
    alarms = [r for r in evidence.readings if r.deployment == name and r.state is DriftState.ALARM]
    bad = [
        run
        for run in evidence.runs
        if run.release == stable and run.state in (RunState.FAILED, RunState.ERROR)
    ]
    fell = {
        run.suite
        for run in evidence.runs
        if run.deployment == name and run.watch is not None and run.watch.alarm
    }
    alerts = [alert for alert in evidence.alerts if alert.deployment in ("", name)]
    causes = sorted({reading.cause.replace("_", " ") for reading in alarms})
    said = (
        (back, f"{len(back)} rollback(s)."),
        (unproven, f"{len(unproven)} rollback(s) not proven."),
        (alarms, f"Drift alarm: {', '.join(causes)}."),
        (bad, f"{', '.join(sorted({run.suite for run in bad}))} not passed by {stable}."),
        (fell, f"{', '.join(sorted(fell))} fell, says the nightly watch."),
        (alerts, f"{len(alerts)} alert(s)."),
        (not evidence.chain.ok, f"The audit chain does not verify: {evidence.chain.reason}."),
    )
    return [words for found, words in said if found]
