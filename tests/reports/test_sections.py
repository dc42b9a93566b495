"""Contracts of every section: with data and without, words instead of empty tables, nothing unknown told as zero."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from aftertune.deployments import commit, configured, created
from aftertune.store import Store
from aftertune.values.deployment import Act
from aftertune.values.drift import DriftState
from aftertune.values.evaluation import EvaluationRun
from aftertune.values.route import MirrorBudget
from aftertune.week import week_named
from reports.document import Figure, Missing, Section, Table
from reports.events import alarms, events
from reports.evidence import Evidence, Mark, gather
from reports.sections import SECTIONS
from tests.aftertune.samples import release
from tests.reports import world

Made = Callable[[Evidence], Section]
by_section = pytest.mark.parametrize("section", SECTIONS, ids=lambda made: made.__name__)


@pytest.fixture
def full(store: Store) -> Evidence:
    world.fill(store)
    return gather(store, world.week(), None, world.SUNDAY)


@pytest.fixture
def empty(store: Store) -> Evidence:
    return gather(store, world.week(), None, world.SUNDAY)


def test_each_section_has_a_name_of_its_own(full: Evidence) -> None:
    names = [section(full).name for section in SECTIONS]
    assert len(set(names)) == len(names)
    assert names == [section.__name__ for section in SECTIONS]


@by_section
def test_a_full_week_fills_the_section(section: Made, full: Evidence) -> None:
    made = section(full)
    assert any(block.kind in ("facts", "table", "trend") for block in made.blocks)
    assert not [block for block in made.blocks if isinstance(block, Missing)]


@by_section
def test_an_empty_week_says_why(section: Made, empty: Evidence) -> None:
    made = section(empty)
    assert not [block for block in made.blocks if isinstance(block, Table)]
    if made.name != "method":  # it explains; it measures nothing
        assert all(block.kind in ("missing", "nothing") for block in made.blocks)
        assert all(len(block.text) > 20 for block in made.blocks if block.kind in ("missing", "nothing"))


@by_section
def test_another_week_is_not_told(section: Made, store: Store) -> None:
    world.fill(store)
    earlier = week_named("2025-W40", "UTC")
    made = section(gather(store, earlier, None, world.SUNDAY))
    assert "v2" not in made.model_dump_json()


def test_a_figure_is_measured_or_says_why() -> None:
    with pytest.raises(ValueError, match="either a value or a reason"):
        Figure(value=None)
    with pytest.raises(ValueError, match="either a value or a reason"):
        Figure(value=0.5, missing="nothing")


def section(name: str, evidence: Evidence) -> Section:
    return next(made(evidence) for made in SECTIONS if made.__name__ == name)


def rows(made: Section, title: str) -> tuple[tuple[object, ...], ...]:
    return next(block.rows for block in made.blocks if isinstance(block, Table) and block.title == title)


def test_what_no_router_could_record_is_told_with_its_number(full: Evidence) -> None:
    ((router, why, records, *_),) = rows(section("traffic", full), "Not recorded")
    assert isinstance(records, Figure)
    assert (router, why, records.value) == ("router-1", "disk budget", 31)
    none = section("traffic", replace(full, gaps=()))
    assert not any(isinstance(block, Table) and block.title == "Not recorded" for block in none.blocks)


def test_what_could_not_be_scored_is_no_number(full: Evidence) -> None:
    figures = {str(row[0]): row[1] for row in rows(section("details", full), "Scores of forgetting")}
    missing = figures["faithfulness"]
    assert isinstance(missing, Figure)
    assert (missing.value, missing.missing) == (None, "no judge model is set")
    measured = figures["accuracy"]
    assert isinstance(measured, Figure)
    assert (measured.n, measured.unmeasured, measured.low) == (38, 2, 0.6958)
    assert measured.signature


def test_many_runs_of_a_suite_stand_beside_each_other(full: Evidence) -> None:
    run = next(run for run in full.runs if run.scores)
    nightly = tuple(run.model_copy(update={"id": f"n{day}", "release": f"r{day}"}) for day in range(7))
    made = section("details", replace(full, runs=nightly))
    tables = [b for b in made.blocks if isinstance(b, Table) and b.title == "Scores of forgetting"]
    assert [len(table.columns) - 2 for table in tables] == [5, 2]
    assert [table.columns[1].title for table in tables] == ["r0, registration", "r5, registration"]


def test_a_gate_shows_what_it_tested(full: Evidence) -> None:
    made = section("evaluations", full)
    missed, kept = rows(made, "Gates")
    measured = missed[4]
    assert isinstance(measured, Figure)
    assert (measured.value, measured.low, measured.detectable) == (-0.0526, -0.14, 0.11)
    assert (missed[3], missed[5], missed[7]) == (
        "accuracy, difference from base (base)",
        "at least",
        "NOT MET",
    )
    measured = kept[4]
    assert isinstance(measured, Figure)
    assert (measured.high, measured.clusters, kept[5], kept[7]) == (14.0, 8, "at most", "met")
    assert "is not met" not in made.model_dump_json()  # the run's remark would say the gate's words again


def test_a_gate_that_is_not_known_says_why(full: Evidence) -> None:
    run = next(run for run in full.runs if run.gates)
    unsure = run.gates[0].model_copy(update={"passed": None, "value": None, "reason": "nothing was measured"})
    (gate,) = rows(
        section("evaluations", replace(full, runs=(run.model_copy(update={"gates": (unsure,)}),))), "Gates"
    )
    assert gate[7:] == ("not known", "nothing was measured")


def test_a_number_that_measured_samples_do_not_give_is_not_called_a_want_of_pairs(full: Evidence) -> None:
    run = next(run for run in full.runs if run.budgets)
    (budget,) = run.budgets
    none = {"spent": None, "spent_at_most": None, "left": None}
    for n, said in (
        (20, "there is no number of the samples measured"),
        (0, "no pair was measured on both sides"),
    ):
        failed = budget.model_copy(update=none | {"n": n})
        told = replace(full, runs=(run.model_copy(update={"budgets": (failed,)}),))
        ((*_, spent, _, _),) = rows(section("evaluations", told), "Forgetting budgets")
        assert isinstance(spent, Figure)
        assert spent.missing == said


def test_a_budget_shows_what_was_spent_and_what_at_most(full: Evidence) -> None:
    ((*_, skill, margin, spent, left, state),) = rows(section("evaluations", full), "Forgetting budgets")
    assert isinstance(spent, Figure)
    assert isinstance(margin, Figure)
    assert isinstance(left, Figure)
    assert (skill, margin.value, spent.value, spent.high, left.value) == (
        "facts",
        0.05,
        0.0526,
        0.14,
        -0.0026,
    )
    assert (spent.detectable, state) == (0.11, "not known")


def test_what_was_unmeasured_is_counted_with_its_reason(full: Evidence) -> None:
    ((run, _, release, samples, reason),) = rows(section("evaluations", full), "Unmeasured samples")
    assert isinstance(samples, Figure)
    assert (run, release, samples.value, reason) == ("ev-1", "v3", 2, world.HOSTILE)


def test_a_fall_that_the_nightly_watch_found_is_told(full: Evidence) -> None:
    ((deployment, suite, _, outcome, run, _),) = rows(section("evaluations", full), "Nightly watch")
    assert (deployment, suite, outcome, run) == ("tasks", "forgetting", "ALARM", "ev-night")
    assert any(event.said.startswith("The nightly watch of forgetting alarmed") for event in events(full))
    assert "forgetting fell, says the nightly watch." in section("summary", full).model_dump_json()


def test_signatures_name_the_baselines_and_what_they_were(full: Evidence) -> None:
    signed = rows(section("details", full), "Signatures")
    assert all("base (base) babababababa" in str(row) for row in signed)
    scored = {str(row[0]): row[-1] for row in rows(section("details", full), "Scores of forgetting")}
    assert "exp(nats/tokens)" in str(scored["perplexity (less is better)"])


def test_a_training_job_tells_how_it_went(full: Evidence) -> None:
    (job,) = rows(section("training", full), "Jobs")
    assert job[:3] == ("v2", "succeeded", "mel")
    assert "Best at step 280. It went on from step 120." in str(job[-1])


def test_a_training_job_that_goes_on_tells_nothing_that_changes(full: Evidence, store: Store) -> None:
    at = world.MONDAY + timedelta(minutes=10)
    early = gather(store, world.week(), Mark(at, 1), at)
    later = world.job(heartbeat_at=world.SUNDAY, step=400, reason="done")
    with store.write() as tx:
        tx.training.save(later)
    assert gather(store, world.week(), Mark(at, 1), at).jobs == early.jobs
    (job,) = rows(section("training", early), "Jobs")
    assert job[1] == "not ended at the watermark: it ran, or was killed"


def test_all_that_a_suite_lacks_is_told_at_once(full: Evidence) -> None:
    def more(run: EvaluationRun) -> EvaluationRun:
        lacking = [score for score in run.scores if score.estimate is None]
        others = [score.model_copy(update={"metric": f"{score.metric}_2"}) for score in lacking]
        return run.model_copy(update={"scores": (*run.scores, *others)})

    told = events(replace(full, runs=tuple(more(run) for run in full.runs)))
    said = [event.said for event in told if event.said.startswith("Not measured")]
    assert said == ["Not measured of forgetting on v3: faithfulness, faithfulness_2."]


def test_the_week_is_told_in_order(full: Evidence) -> None:
    told = events(full)
    assert [event.at for event in told] == sorted(event.at for event in told)
    said = {event.said: event.reference for event in told}
    assert said["olga put v2 in shadow of v1 on tasks."].startswith("audit ")
    assert said["forgetting failed on v3 (registration): accuracy -0.140 (lower end), limit -0.1."] == "ev-1"
    assert said["Not measured of forgetting on v3: faithfulness."] == "Details of the evaluations"
    assert said["v2 did not pass its stage on tasks and was held: worse than v1."]
    assert said["Drift alarm on tasks: users changed."] == "Drift"
    starts = [event.said[:60] for event in told]
    for expected in (
        "The training of v2 succeeded at step 300 of 400",
        "anna waived persona for v2",
        "tasks was rolled back automatically, proven after 1.4 s",
        "v3 was promoted on tasks in place of v1",
        "The alert RouterErrors (page) fired for tasks",
    ):
        assert any(start.startswith(expected) for start in starts), expected


def test_suites_that_are_waived_together_are_one_event(store: Store) -> None:
    with store.write() as tx:
        for suite, reason in (("persona", "known"), ("forgetting", "known"), ("tool_calls", "other")):
            tx.audit.append(world.MONDAY, "anna", "waive_suite", "v2", {"suite": suite, "reason": reason})
    told = events(gather(store, world.week(), None, world.SUNDAY))
    assert [(event.said, event.reference) for event in told] == [
        ("anna waived persona, forgetting for v2: known.", "audit 1, 2"),
        ("anna waived tool_calls for v2: other.", "audit 3"),
    ]


def test_an_alarm_that_could_not_be_measured_for_a_while_is_one_alarm(full: Evidence) -> None:
    alarm = next(reading for reading in full.readings if reading.state == "alarm")
    gap = alarm.model_copy(update={"state": DriftState.NOT_MEASURED})
    assert alarms((alarm, gap, alarm)) == [alarm]
    assert alarms((alarm, alarm.model_copy(update={"state": DriftState.WATCHING}), alarm)) == [alarm, alarm]


def test_the_summary_tells_what_happened(full: Evidence) -> None:
    said = SECTIONS[0](full).model_dump_json()
    for expected in (
        "ATTENTION",
        "1 rollback(s).",
        "Drift alarm: users changed.",
        "forgetting not passed by v3",
    ):
        assert expected in said


def test_a_rollback_has_its_times_and_proofs(full: Evidence) -> None:
    rollbacks = next(section(full) for section in SECTIONS if section.__name__ == "rollbacks")
    timing = next(block for block in rollbacks.blocks if isinstance(block, Table) and block.title == "Timing")
    spans = [cell.value for cell in timing.rows[0] if isinstance(cell, Figure)]
    assert spans == [2.0, 0.25, 1.125, 1.375]
    assert "router-1" in rollbacks.model_dump_json()


def test_rows_that_changed_later_are_taken_back_to_the_mark(store: Store) -> None:
    """On Tuesday morning the first candidate was in canary and nobody had rolled back."""
    world.fill(store)
    tuesday = world.MONDAY + timedelta(hours=24)
    with store.read() as tx:
        entries = [entry for entry in tx.audit.entries() if entry.at < tuesday]
    then = gather(store, world.week(), Mark(tuesday, len(entries)), tuesday)
    rollout = next(rollout for rollout in then.rollouts if rollout.id == "ro-2")
    assert (rollout.state, rollout.stage) == ("running", "canary")
    assert then.rollbacks == ()
    assert then.runs == ()
    assert [rollout.id for rollout in then.rollouts] == ["ro-2"]


def test_a_rollout_that_is_held_says_why(store: Store) -> None:
    world.fill(store)
    moment = world.MONDAY + timedelta(hours=30)
    with store.read() as tx:
        entries = list(tx.audit.entries())
    held = next(entry.seq for entry in entries if entry.action == "held")
    then = gather(store, world.week(), Mark(moment + timedelta(microseconds=1), held), moment)
    assert [(r.state, r.reason) for r in then.rollouts if r.id == "ro-2"] == [("held", "worse than v1")]


def test_settings_and_a_stand_in_are_told(store: Store) -> None:
    before = created("tasks", "v1")
    after = configured(before, rename=True, budget=MirrorBudget(per_s=2))
    fallen = {"from": "v1", "to": "v0", "since": world.MONDAY.isoformat()}
    with store.write() as tx:
        tx.releases.add(release("v1"))
        commit(tx, Act.CREATE, None, before, actor="olga", at=world.MONDAY)
        commit(tx, Act.CONFIGURE, before, after, actor="olga", at=world.MONDAY)
        tx.audit.append(world.MONDAY, "controller", Act.FALL_BACK, "tasks", fallen)
        tx.audit.append(world.MONDAY, "controller", Act.RETURN, "tasks", fallen | {"from": "v0", "to": "v1"})
    evidence = gather(store, world.week(), None, world.SUNDAY)
    assert [event.said for event in events(evidence)][1:] == [
        "olga changed budget, rename of tasks.",
        "v0 answered for v1 on tasks: every engine of v1 was down.",
        f"v1 answers on tasks again; v0 had stood in since {world.MONDAY.isoformat()}.",
    ]
    assert len(evidence.acts) == 2, "who stands in changes no deployment"
