"""What got worse, by how much, and the samples behind it; and two runs that somebody holds against each other."""

import re
from datetime import UTC, datetime

import pytest

from aftertune.values.evaluation import Better, Bound, EvaluationRun, before_promotion_run
from aftertune.values.watch import Alarm, Outcome, Reading, Shift
from console.chart import budget_chart, score_chart
from console.comparison import GROUPED, Scores, compared
from console.measured import grouped
from console.regression import Standing, regression
from console.trend import suite_trends
from evals.conclusion.estimate import Pair, compare
from evals.conclusion.significance import p_value
from evals.suite.metric import Kind, Metric
from tests.console.conftest import Console
from tests.console.seed import DEPLOYMENT, HOSTILE, ROLLOUT
from tests.console.skills import (
    EARLIER,
    LOST,
    OTHER,
    RUN,
    difference,
    score,
    seed_skills,
    skills_run,
)
from tests.console.test_pages import Tags

AT = datetime(2026, 1, 5, tzinfo=UTC)
PAGE = f"/evaluations/{RUN}/regression"
COMPARE = f"/evaluations/compare?a={RUN}&b={EARLIER}"


@pytest.fixture
async def skills(console: Console) -> Console:
    seed_skills(console.store, console.clock.now())
    return console


def of(*differences: object, **changes: object) -> EvaluationRun:
    return skills_run(AT).model_copy(update={"differences": differences, "gates": (), **changes})


def test_the_worst_comes_first_and_chance_is_told_from_change() -> None:
    found = regression(skills_run(AT))
    assert [(f.difference.metric, f.difference.baseline, f.standing) for f in found.worse] == [
        ("perplexity", "v0", Standing.WORSE),
        ("right", "v0", Standing.WORSE),
        ("right/reasoning", "v0", Standing.WORSE),
        ("right", "v1", Standing.PERHAPS_WORSE),
    ]
    assert [f.difference.metric for f in found.better] == ["courtesy"]
    assert [f.difference.metric for f in found.same] == ["courtesy"]
    assert [f.difference.baseline for f in found.unmeasured] == ["v1"]
    assert [f.role for f in found.worse] == ["base", "base", "base", "last_good"]


def test_every_comparison_of_the_run_counts_against_each_of_them() -> None:
    alone = regression(of(difference("right", "v0", -0.1, p=0.03)))
    assert alone.worse[0].standing is Standing.WORSE
    among = regression(
        of(
            difference("right", "v0", -0.1, p=0.03),
            *(difference(f"m{n}", "v0", 0.01, p=0.5) for n in range(9)),
        )
    )
    assert (among.compared, among.tasks) == (10, 0)
    assert among.worse[0].adjusted == pytest.approx(0.3)
    assert among.worse[0].standing is Standing.PERHAPS_WORSE


def test_single_tasks_do_not_count_against_whole_metrics() -> None:
    tasks = (difference(f"right/task-{n}", "v0", -0.1, p=0.03) for n in range(9))
    found = regression(of(difference("right", "v0", -0.1, p=0.03), *tasks))
    assert (found.compared, found.tasks) == (1, 9)
    assert found.worse[0].adjusted == 0.03
    assert {f.standing for f in found.worse[1:]} == {Standing.PERHAPS_WORSE}


def test_a_missed_gate_is_told_even_where_the_release_gained() -> None:
    run = of(difference("right", "v0", 0.01, 0.2), gates=skills_run(AT).gates[:1])
    found = regression(run)
    assert found.worse[0].missed
    assert found.better == ()


def test_less_is_better_where_the_metric_says_so() -> None:
    found = regression(of(difference("perplexity", "v0", -1.0, 0.5, better=Better.LOWER)))
    assert found.worse == ()
    assert found.better[0].loss == -1.0
    assert found.better[0].standing is Standing.BETTER


def test_gates_on_scores_stand_by_themselves() -> None:
    missed = skills_run(AT).gates[3].model_copy(update={"passed": False})
    assert regression(of(gates=(missed,))).missed == (missed,)


def test_a_high_bound_is_drawn_with_the_bad_side_above() -> None:
    run = skills_run(AT)
    perplexity = next(each for each in run.scores if each.metric == "perplexity")
    drawn = score_chart(perplexity, run.gates)
    assert drawn.limit == drawn.bad_from
    assert drawn.limit is not None
    assert drawn.high is not None
    assert drawn.high < drawn.limit
    assert "at most 15.000" in drawn.text
    to_base, to_good = (each for each in run.differences if each.metric == "right")
    assert "at least -0.050" in score_chart(to_base, run.gates).text
    assert "at least -0.080" in score_chart(to_good, run.gates).text


def test_a_budget_is_drawn_against_its_margin() -> None:
    within, overspent, unknown = (budget_chart(each) for each in skills_run(AT).budgets[:3])
    for chart in (within, overspent, unknown):
        assert chart.limit == chart.bad_from
    assert within.limit is not None
    assert within.high is not None
    assert within.high < within.limit
    assert overspent.limit is not None
    assert overspent.estimate is not None
    assert overspent.estimate > overspent.limit


def test_tasks_stand_under_their_metric() -> None:
    run = skills_run(AT)
    groups = grouped(run.scores, run.gates)
    assert [(group.whole.measured.metric, len(group.slices)) for group in groups] == [
        ("right", 3),
        ("courtesy", 0),
        ("bleu", 0),
        ("perplexity", 0),
        ("faithfulness", 0),
    ]
    alone = grouped([score("right/facts", 0.5)], ())
    assert [group.whole.measured.metric for group in alone] == ["right/facts"]


def test_a_trend_follows_the_role_and_not_the_release() -> None:
    now, before = skills_run(AT), skills_run(AT)
    assert now.signature is not None
    earlier_roles = now.signature.model_copy(update={"roles": {"base": "v0", "last_good": "v9"}})
    renamed = tuple(
        each.model_copy(update={"baseline": "v9"}) if each.baseline == "v1" else each
        for each in before.differences
    )
    before = before.model_copy(update={"signature": earlier_roles, "differences": renamed})
    trends = {(trend.metric, trend.bound, trend.role): trend for trend in suite_trends([now, before])}
    good = trends["right", Bound.DIFFERENCE_LOW, "last_good"]
    assert [point.value for point in good.series["v3"]] == [-0.02, -0.02]
    assert good.label == "right, release − last good"
    assert trends["perplexity", Bound.SCORE_HIGH, ""].label == "perplexity"


async def test_the_run_page_tells_what_stands_behind_every_number(skills: Console) -> None:
    page = (await skills.get("viewer", f"/evaluations/{RUN}")).text
    for text in (
        "30 groups",
        "nrefs:1|case:mixed|tok:13a|2.6.0",
        "less is better",
        "≤ 1.000",
        "≥ −0.050",
        "upper end of the",
        "By task: 3",
        "overspent",
        "−0.020 to 0.140 with 2 unmeasured",
        "uncalibrated",
        "1 of 24 canaries wrong",
        "120 from an earlier run, 4 cut off, 7 sent again",
        "360 requests, 41000 + 92160 tokens, 2160 questions to judges",
        "last good",
    ):
        assert text in page, text
    assert "10.0.0.7" not in page, "an engine's address is for those who register releases"
    assert "No answer from [address] in 3 tries." in page
    assert "10.0.0.7" in (await skills.get("operator", f"/evaluations/{RUN}")).text
    assert f"/evaluations/compare?a={RUN}&amp;b={EARLIER}" in page
    assert OTHER not in page
    assert skills.audited("read_payload") == []


async def test_flips_are_paged_side_by_side_and_reading_them_is_recorded(skills: Console) -> None:
    first = (await skills.get("reviewer", PAGE)).text
    assert "16 pairs of answers" in first
    assert "Page 1 of 2" in first
    assert LOST[0] in first
    assert LOST[13] not in first
    assert first.count("<article") == 10
    second = (await skills.get("reviewer", f"{PAGE}?number=2")).text
    assert LOST[13] in second
    assert "The question is not stored" in second
    assert skills.audited("read_payload") == [RUN, RUN]
    with skills.store.read() as tx:
        (newest,) = tx.audit.latest(1, RUN)
    assert LOST[13] in newest.model_dump_json()

    won = (await skills.get("reviewer", f"{PAGE}?show=better")).text
    assert "fact-03" in won
    narrow = (await skills.get("reviewer", f"{PAGE}?metric=right&baseline=v1")).text
    assert "2 pairs of answers" in narrow
    assert narrow.count("<article") == 2
    assert (await skills.get("reviewer", f"{PAGE}?number=0")).status_code == 422
    assert (await skills.get("reviewer", f"{PAGE}?show=all")).status_code == 422
    assert (await skills.get("reviewer", f"{PAGE}?number=99")).status_code == 200


@pytest.mark.parametrize("path", [PAGE, COMPARE])
async def test_hostile_answers_questions_and_judges_are_text(skills: Console, path: str) -> None:
    answer = await skills.get("reviewer", path)
    page = answer.text
    tags = Tags(page)
    assert answer.status_code == 200
    assert not {"script", "style", "img"} & set(tags.tags)
    assert not set(page) & {"\u202e", "\x1b", "\u200b"}
    assert page.count("⟨U+202E⟩gnp.exe") > 10, "questions, answers, replies of judges, messages of tools"
    assert tags.tags.count("pre") == page.count("</pre>")
    assert HOSTILE not in page
    echoed = await skills.get("reviewer", f"{PAGE}?metric=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script" not in echoed.text


@pytest.mark.parametrize("path", [PAGE, COMPARE])
async def test_without_the_permission_there_are_numbers_and_no_answers(skills: Console, path: str) -> None:
    page = (await skills.get("viewer", path)).text
    assert "Your roles may not read answers" in page
    assert "<pre" not in page
    assert "gnp.exe" not in page
    assert skills.audited("read_payload") == []


async def test_the_api_says_the_same(skills: Console) -> None:
    found = (await skills.get("viewer", f"/v1/evaluations/{RUN}/regression")).json()
    assert [each["difference"]["metric"] for each in found["worse"]][:2] == ["perplexity", "right"]
    answer = await skills.get("viewer", f"/v1/comparisons?run={RUN}&with_run={EARLIER}")
    assert answer.json()["ways"] == ["versions"]
    assert (await skills.get("viewer", "/v1/evaluations/none/regression")).status_code == 404


async def test_two_runs_are_compared_sample_by_sample(skills: Console) -> None:
    page = (await skills.get("reviewer", COMPARE)).text
    assert "differ in versions" in page
    assert f"aftertune evals compare {RUN} {EARLIER}" in page
    found = (await skills.get("viewer", f"/v1/comparisons?run={RUN}&with_run={EARLIER}")).json()["found"]
    worse = {each["difference"]["metric"]: each["difference"] for each in found["worse"]}
    assert (worse["right"]["n"], worse["right"]["estimate"]) == (15, pytest.approx(-13 / 15))
    assert sorted(worse["right"]["flipped_down"]) == sorted(LOST)
    assert worse["courtesy"]["method"] == GROUPED
    assert worse["courtesy"]["low"] is None


async def test_runs_of_different_suites_or_samples_are_not_compared(skills: Console) -> None:
    for other, said in (
        (OTHER, "suite version: 1 and 0"),
        ("ev-seeded", "dataset"),
        ("ev-open", "measured nothing"),
    ):
        answer = await skills.get("viewer", f"/evaluations/compare?a={RUN}&b={other}")
        assert answer.status_code == 409, other
        assert said in answer.text
    assert (await skills.get("viewer", f"/evaluations/compare?a={RUN}&b=none")).status_code == 404


def test_a_comparison_leaves_out_what_only_some_answers_have() -> None:
    run = skills_run(AT).model_copy(update={"scores": (score("right", 0.5), score("arguments", 0.5))})
    ours: Scores = {"a": {"right": 1.0}, "b": {"right": None, "arguments": 1.0}, "c": {"right": 0.5}}
    theirs: Scores = {"a": {"right": 0.0, "arguments": 1.0}, "b": {"right": 1.0}, "c": {"right": 1.0}}
    (found,) = compared(run, run, ours, theirs)
    assert (found.metric, found.n, found.unmeasured, found.estimate) == ("right", 2, 1, 0.25)
    assert found.method == "Student's t on means"


def test_means_between_two_ends_are_compared_as_the_run_itself_compares_them() -> None:
    gains = [-2.0, -1.0, 0.5, *[0.0] * 17]
    ours: Scores = {str(n): {"level": 3.0 + gain} for n, gain in enumerate(gains)}
    theirs: Scores = {str(n): {"level": 3.0} for n in range(len(gains))}
    run = skills_run(AT).model_copy(update={"scores": (score("level", 3.0, ends=(1.0, 5.0)),)})
    (found,) = compared(run, run, ours, theirs)
    metric = Metric("level", "a mean", Kind.MEAN, low=1.0, high=5.0)
    pairs = [Pair((ours[s]["level"] or 0.0,), (3.0,), s) for s in ours]
    wanted = compare(metric, pairs, seed=1)
    assert (found.method, found.n) == (wanted.method, wanted.n)
    assert (found.estimate, found.low, found.high, found.smallest_detectable, found.p) == pytest.approx(
        (wanted.estimate, wanted.low, wanted.high, wanted.smallest_detectable, p_value(metric, pairs, wanted))
    )
    other = run.model_copy(update={"scores": (score("level", 3.0, ends=(0.0, 9.0)),)})
    assert [each.method for each in compared(run, other, ours, theirs)] == ["Student's t on means"]


async def test_the_list_leads_to_what_got_worse(skills: Console) -> None:
    page = (await skills.get("viewer", "/evaluations?suite=skills")).text
    assert f"/evaluations/{RUN}/regression" in page
    assert re.search(r"perplexity 3\.000 &gt; 1\.000|perplexity 3\.000 > 1\.000", page)
    assert "perplexity 13.900 ≤ 15.000" in page
    assert "upper end must not rise above 15.000" in page
    assert '<select name="b">' in page


async def test_a_rollout_leads_to_the_runs_that_it_waits_for(skills: Console) -> None:
    run = before_promotion_run(ROLLOUT, "skills")
    with skills.store.write() as tx:
        known = tx.rollouts.get(ROLLOUT)
        plan = known.plan.model_copy(update={"evaluations": ("skills", "tools")})
        tx.rollouts.save(known.model_copy(update={"plan": plan}))
        tx.evaluations.add(skills_run(AT).model_copy(update={"id": run, "release": "v2"}))
    page = (await skills.get("viewer", f"/deployments/{DEPLOYMENT}")).text
    assert f'<a href="/evaluations/{run}">skills</a>' in page
    assert f"/evaluations/{run}/regression" in page
    assert "not run" in page
    assert 'href="#pairs"' in page


async def test_the_nightly_watch_is_told_with_its_reference(skills: Console) -> None:
    alarm = Alarm(
        metric="right",
        run=RUN,
        nights=1,
        n=120,
        estimate=-0.1,
        low=-0.2,
        high=-0.01,
        bound=1e-6,
        level=1e-4,
    )
    shift = Shift(metric="right", n=120, estimate=-0.02, low=-0.06, high=0.02)
    watch = Reading(
        outcome=Outcome.ALARM,
        run=RUN,
        reference=EARLIER,
        nights=4,
        metrics=("right",),
        shifts=(shift,),
        alarm=alarm,
        reason=f"right changed by -0.100. {HOSTILE}",
    )
    with skills.store.write() as tx:
        tx.evaluations.save(tx.evaluations.get(RUN).model_copy(update={"watch": watch}))
    page = (await skills.get("viewer", f"/evaluations/{RUN}")).text
    assert "All 4 nights less the reference" in page
    assert f"/evaluations/compare?a={RUN}&amp;b={EARLIER}" in page
    assert "−0.060 … 0.020" in page
    assert "<script" not in page
