"""What was measured on releases, against which gates, and what was waived."""

from collections.abc import Iterator, Sequence

from aftertune.values.evaluation import EvaluationRun, Forgotten, Gate, RunState
from aftertune.values.watch import Outcome
from reports.acts import body_of
from reports.cells import count, moment, table
from reports.document import Block, Cell, Digest, Figure, Missing, Nothing, Section
from reports.evidence import Evidence
from reports.scoring import against, budget_figure, difference_figure, score_figure, tested

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
        *_budgets(runs),
        *_unmeasured(runs),
        *_watches(runs),
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
            tested(gate, run),
            _measured(gate, run),
            "at least" if gate.bound.is_low else "at most",
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
        ("side", "Must be"),
        ("limit", "Limit"),
        ("passed", "Outcome"),
        ("reason*", "Remark"),
    )
    note = (
        "The end of the interval that is worse for the release is tested: the lower end must not fall below the limit, "
        "or, of a metric of which less is better, the upper end must not exceed it. All scores are in the appendix."
    )
    return table("Gates", columns, rows, note)


def _measured(gate: Gate, run: EvaluationRun) -> Figure:
    """Its worse end is what the gate tests."""
    if not gate.bound.of_difference:
        return score_figure(next((score for score in run.scores if score.metric == gate.metric), None), run)
    compared = (
        each
        for each in run.differences
        if each.metric == gate.metric and gate.baseline in ("", each.baseline)
    )
    return difference_figure(next(compared, None), run)


def _budgets(runs: Sequence[EvaluationRun]) -> Iterator[Block]:
    rows = [
        (
            run.suite,
            f"{run.release} against {against(run, budget.baseline)}",
            budget.skill,
            Figure(value=budget.margin),
            budget_figure(budget, run),
            _known(budget.left),
            OUTCOME[budget.state],
        )
        for run in runs
        for budget in run.budgets
    ]
    if rows:
        columns = (
            ("suite", "Suite"),
            ("compared", "Release"),
            ("skill", "Skill"),
            ("margin", "Margin"),
            ("spent", "Spent"),
            ("left", "Left"),
            ("state", "State"),
        )
        yield table("Forgetting budgets", columns, rows, BUDGETS)


BUDGETS = (
    "What a release lost of a skill against a baseline, on the same samples; below zero it gained. The state stands on "
    "the whole interval: within when all of it is, OVERSPENT when none of it is, otherwise not known. "
    "What is unmeasured counts as the best and as the worst that it could be: the state is known where it is the same."
)
OUTCOME = {
    Forgotten.WITHIN: "within",
    Forgotten.OVERSPENT: "OVERSPENT",
    Forgotten.UNKNOWN: "not known",
}


def _unmeasured(runs: Sequence[EvaluationRun]) -> Iterator[Block]:
    rows = [
        (run.id, run.suite, each.release, count(each.samples), each.reason)
        for run in runs
        for each in run.unmeasured[:REASONS]
    ]
    if rows:
        columns = (
            ("run", "Run"),
            ("suite", "Suite"),
            ("release", "Release"),
            ("samples", "Samples"),
            ("reason*", "Why a number of theirs is missing"),
        )
        note = f"Counted apart, in no average. At most {REASONS} reasons of a run, the most frequent ones."
        yield table("Unmeasured samples", columns, rows, note)


def _watches(runs: Sequence[EvaluationRun]) -> Iterator[Block]:
    """The newest night of each deployment and suite."""
    newest = {(run.deployment, run.suite): run for run in runs if run.watch is not None}
    rows = [
        (run.deployment or "–", run.suite, run.release, NIGHT[run.watch.outcome], run.id, run.watch.reason)
        for run in newest.values()
        if run.watch is not None
    ]
    if rows:
        columns = (
            ("deployment", "Deployment"),
            ("suite", "Suite"),
            ("release", "Release"),
            ("outcome", "Last night"),
            ("run", "Run"),
            ("reason*", "Why"),
        )
        note = (
            "Each night's samples against those of the release's first run. A suite that does not change ever alarms "
            "within a year with a probability of at most 5 %."
        )
        yield table("Nightly watch", columns, rows, note)


NIGHT = {
    Outcome.REFERENCE: "the first one",
    Outcome.QUIET: "quiet",
    Outcome.ALARM: "ALARM",
    Outcome.NOT_MEASURED: "not measured",
}
REASONS = 5
"""Of one run's unmeasured samples, that are told."""


def _known(value: float | None) -> Figure:
    return Figure(value=value, missing="nothing was measured" if value is None else "")


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
