"""What was measured on releases, against which gates, and what was waived."""

from collections.abc import Sequence

from aftertune.values.evaluation import Bound, EvaluationRun, Gate, RunState
from reports.acts import body_of
from reports.cells import count, moment, table
from reports.document import Block, Cell, Digest, Figure, Missing, Nothing, Section
from reports.evidence import Evidence
from reports.scoring import difference_figure, score_figure

TITLE = "Evaluations"
JUDGED = (RunState.SUCCESSFUL, RunState.FAILED)


def evaluations(evidence: Evidence) -> Section:
    runs = evidence.runs
    if not runs:
        nothing = Missing(
            text="No suite was run in this week: nothing is known about the quality of any release beyond what "
            "the pairs and guardrails of a rollout say."
        )
        return Section(name="evaluations", title=TITLE, blocks=(nothing, _waivers(evidence)))
    blocks = (
        table("Runs", RUN, (_run(run) for run in runs)),
        _gates(runs),
        _waivers(evidence),
    )
    return Section(name="evaluations", title=TITLE, blocks=blocks)


RUN = (
    ("run", "Run"),
    ("suite", "Suite"),
    ("release", "Release"),
    ("trigger", "Trigger"),
    ("state", "State"),
    ("samples", "Samples"),
    ("ended", "Ended (UTC)"),
    ("signature", "Signature"),
    ("reason*", "Remark"),
)


def _run(run: EvaluationRun) -> tuple[Cell, ...]:
    return (
        run.id,
        run.suite,
        run.release,
        run.trigger.replace("_", " "),
        str(run.state) if run.state.final else "not ended at the watermark",
        count(run.samples) if run.samples else Figure(value=None, missing="not known yet"),
        moment(run.ended_at),
        Digest(sha256=run.signature.digest()) if run.signature else "none yet",
        "–" if run.gates and run.state in JUDGED else run.reason or "–",
    )


def _gates(runs: Sequence[EvaluationRun]) -> Block:
    rows = [
        (
            run.suite,
            run.release,
            run.trigger.replace("_", " "),
            f"{gate.metric}{OF[gate.bound]}",
            _measured(gate, run),
            Figure(value=gate.limit),
            {True: "met", False: "NOT MET", None: "not known"}[gate.passed],
            gate.reason if gate.passed is None else "–",
        )
        for run in runs
        for gate in run.gates
    ]
    if not rows:
        return Missing(text="No run of this week ended with a gate to test.")
    columns = (
        ("suite", "Suite"),
        ("release", "Release"),
        ("trigger", "Trigger"),
        ("gate", "Gate"),
        ("measured", "Measured"),
        ("limit", "Limit"),
        ("passed", "Outcome"),
        ("reason*", "Remark"),
    )
    note = "The lower end of the interval must not fall below the limit. All scores are in the appendix."
    return table("Gates", columns, rows, note)


OF = {Bound.SCORE_LOW: "", Bound.DIFFERENCE_LOW: ", difference from the base"}


def _measured(gate: Gate, run: EvaluationRun) -> Figure:
    """Its lower end is what the gate tests."""
    if gate.bound is Bound.SCORE_LOW:
        return score_figure(next((score for score in run.scores if score.metric == gate.metric), None), run)
    compared = (difference for difference in run.differences if difference.metric == gate.metric)
    return difference_figure(next(compared, None), run)


def _waivers(evidence: Evidence) -> Block:
    rows = [
        (
            moment(entry.at),
            entry.subject,
            str(body.get("suite", "?")),
            entry.actor,
            str(body.get("reason", "–")),
        )
        for entry in evidence.during(evidence.entries)
        if entry.action == "waive_suite"
        for body in (body_of(entry),)
    ]
    if not rows:
        return Nothing(text="No suite was waived in this week.")
    columns = (
        ("at", "At (UTC)"),
        ("release", "Release"),
        ("suite", "Suite"),
        ("actor", "By"),
        ("reason*", "Reason"),
    )
    return table(
        "Waivers", columns, rows, "A release with a waiver may meet users without passing that suite."
    )
