"""The judge by known answers, by properties, and by simulation."""

import math
import random
from collections.abc import Sequence
from datetime import timedelta
from statistics import median
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.store.exchanges import ScoredAnswer
from aftertune.values.exchange import ExchangeRole
from aftertune.values.pair import Pair
from aftertune.values.plan import (
    Comparison,
    Guardrail,
    GuardrailMetric,
    PairMetric,
    Plan,
    ShadowStage,
)
from aftertune.values.rollout import Override, Rollout, Stage
from aftertune.values.verdict import Outcome, Verdict
from monitor.judge import GUARDRAIL, JUDGE_VERSION, judge
from tests.aftertune.samples import AT, pair, plan, rollout, scores

MARGIN = 0.1


def numbered(
    index: int, stable: float = 1.0, candidate: float = 1.0, agreement: float = 1.0, **more: Any
) -> Pair:
    return pair(
        f"q{index:05d}",
        stable=scores(valid_answer=stable),
        candidate=scores(valid_answer=candidate),
        agreement=agreement,
        at=AT + timedelta(seconds=index),
        **more,
    )


def alike(n: int, stable: float = 1.0, candidate: float = 1.0, agreement: float = 1.0) -> list[Pair]:
    return [numbered(i, stable, candidate, agreement) for i in range(n)]


def answers(*valid: float, completed: float = 1.0) -> list[ScoredAnswer]:
    return [
        ScoredAnswer(f"e{i:04d}", AT, ExchangeRole.CANARY, 3, scores(valid_answer=v, completed=completed))
        for i, v in enumerate(valid)
    ]


def small_plan(*metrics: PairMetric, min_pairs: int = 20, margin: float = MARGIN, **changes: Any) -> Plan:
    chosen = metrics or (PairMetric.VALID_ANSWER,)
    return plan(
        comparisons=tuple(Comparison(metric=metric, margin=margin) for metric in chosen),
        guardrails=(Guardrail(metric=GuardrailMetric.INVALID_ANSWERS, limit=0.2, min_answers=5),),
        shadow=ShadowStage(min_pairs=min_pairs),
        **changes,
    )


def judged(
    the_plan: Plan, pairs: Sequence[Pair], canary: Sequence[ScoredAnswer] = (), **changes: Any
) -> Verdict:
    return judge(the_plan, rollout(plan=the_plan, **changes), pairs, canary, AT)


CANARY: dict[str, Any] = {"stage": Stage.CANARY}
WAIVED: dict[str, Any] = {"overrides": (Override(check="comparison", actor="ada", reason="known", at=AT),)}


def test_nothing_measured_is_inconclusive() -> None:
    verdict = judged(small_plan(), [])

    (only,) = verdict.measurements
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert (only.n, only.estimate, only.low, only.high) == (0, None, None, None)
    assert verdict.reasons == ("valid answer: nothing measured, no pair is complete yet.",)


def test_a_verdict_says_what_was_judged() -> None:
    the_plan = small_plan()

    verdict = judged(the_plan, alike(100))

    (only,) = verdict.measurements
    assert verdict.outcome is Outcome.PASS
    assert (verdict.rollout, verdict.release, verdict.baseline) == ("r1", "v2", "v1")
    assert (verdict.plan, verdict.judge_version) == (the_plan.digest(), JUDGE_VERSION)
    assert (only.n, only.estimate, only.limit, only.alpha) == (100, 0.0, -MARGIN, 0.05)
    assert only.low is not None
    assert only.high is not None
    assert -MARGIN < only.low < 0.0 < only.high
    assert "over 100 pairs" in only.reason
    assert f"{only.low:.3f}".replace("-", "−") in only.reason


def test_passing_and_failing_need_the_plans_pairs_each_its_own() -> None:
    assert judged(small_plan(min_pairs=101), alike(100)).outcome is Outcome.INCONCLUSIVE
    assert judged(small_plan(min_pairs=100), alike(100)).outcome is Outcome.PASS
    assert judged(small_plan(min_pairs=999), alike(40, candidate=0.0)).outcome is Outcome.FAIL


def test_a_few_bad_pairs_are_not_yet_a_failure() -> None:
    the_plan = small_plan(PairMetric.AGREEMENT)
    needed = the_plan.shadow.min_pairs_to_fail

    early = judged(the_plan, alike(needed - 1, agreement=0.0))

    (only,) = early.measurements
    assert only.high is not None
    assert only.high < 1 - MARGIN, "the interval alone would have failed it"
    assert early.outcome is Outcome.INCONCLUSIVE
    assert judged(the_plan, alike(needed, agreement=0.0)).outcome is Outcome.FAIL


def test_alpha_is_split_over_the_comparisons() -> None:
    both = judged(small_plan(PairMetric.VALID_ANSWER, PairMetric.AGREEMENT), alike(50))

    assert [m.alpha for m in both.measurements] == [0.025, 0.025]
    assert [m.metric for m in both.measurements] == ["valid_answer", "agreement"]


@pytest.mark.parametrize(
    ("agreement", "n", "outcome"),
    [(1.0, 100, Outcome.PASS), (0.0, 30, Outcome.FAIL), (0.9, 60, Outcome.INCONCLUSIVE)],
)
def test_agreement_must_stay_above_one_minus_margin(agreement: float, n: int, outcome: Outcome) -> None:
    assert judged(small_plan(PairMetric.AGREEMENT), alike(n, agreement=agreement)).outcome is outcome


def test_where_stable_failed_there_is_nothing_to_agree_with() -> None:
    broken = [
        p.model_copy(update={"stable": scores(completed=0.0, valid_answer=0.0), "agreement": 0.0})
        for p in alike(50)
    ]

    verdict = judged(small_plan(PairMetric.AGREEMENT), broken)

    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.measurements[0].n == 0


def test_the_worst_vote_decides() -> None:
    the_plan = small_plan(PairMetric.VALID_ANSWER, PairMetric.AGREEMENT)

    assert judged(the_plan, alike(100, agreement=0.0)).outcome is Outcome.FAIL
    assert judged(the_plan, alike(100, agreement=0.9)).outcome is Outcome.INCONCLUSIVE


def test_pairs_of_other_releases_are_an_error_not_a_failure() -> None:
    foreign = [*alike(40, candidate=0.0), numbered(99, stable_release="v0")]

    verdict = judged(small_plan(), foreign)

    assert verdict.outcome is Outcome.ERROR
    assert verdict.reasons == ("pair q00099 compares other releases than v1 and v2.",)


def test_a_pair_that_counts_twice_is_an_error() -> None:
    assert judged(small_plan(), [numbered(1), numbered(1)]).outcome is Outcome.ERROR


def test_in_shadow_guardrails_are_not_judged() -> None:
    verdict = judged(small_plan(), alike(100), answers(*[0.0] * 50))

    assert verdict.outcome is Outcome.PASS
    assert [m.check for m in verdict.measurements] == ["comparison"]


def test_in_canary_a_guardrail_without_answers_is_inconclusive() -> None:
    assert judged(small_plan(), alike(100), **CANARY).outcome is Outcome.INCONCLUSIVE
    assert judged(small_plan(), alike(100), answers(*[1.0] * 4), **CANARY).outcome is Outcome.INCONCLUSIVE
    assert judged(small_plan(), alike(100), answers(*[1.0] * 5), **CANARY).outcome is Outcome.PASS


def test_a_guardrail_fails_within_a_few_bad_answers() -> None:
    verdict = judged(small_plan(), alike(100), answers(*[0.0] * 6), **CANARY)

    guardrail = verdict.measurements[-1]
    assert (verdict.outcome, guardrail.outcome) == (Outcome.FAIL, Outcome.FAIL)
    assert (guardrail.check, guardrail.n, guardrail.estimate, guardrail.limit) == ("guardrail", 6, 1.0, 0.2)
    assert "6 answers to users; above the limit 0.2" in guardrail.reason


def test_a_guardrails_failure_stands_when_good_answers_follow() -> None:
    assert judged(small_plan(), [], answers(*[0.0] * 10, *[1.0] * 90), **CANARY).outcome is Outcome.FAIL


def test_the_errors_guardrail_counts_incomplete_answers_only() -> None:
    the_plan = plan(guardrails=(Guardrail(metric=GuardrailMetric.ERRORS, limit=0.2, min_answers=5),))

    invalid = judged(the_plan, [], answers(*[0.0] * 9), **CANARY).measurements[-1]
    broken = judged(the_plan, [], answers(*[0.0] * 9, completed=0.0), **CANARY).measurements[-1]

    assert (invalid.outcome, broken.outcome) == (Outcome.PASS, Outcome.FAIL)


def test_endless_evidence_is_still_a_number() -> None:
    verdict = judged(small_plan(), [], answers(*[0.0] * 2_000), **CANARY)

    assert verdict.outcome is Outcome.FAIL


def test_waived_comparisons_are_measured_but_do_not_vote() -> None:
    bad = alike(60, candidate=0.0)

    shadow = judged(small_plan(), bad, **WAIVED)
    canary = judged(small_plan(), bad, answers(*[1.0] * 20), **CANARY, **WAIVED)
    harmful = judged(small_plan(), bad, answers(*[0.0] * 20), **CANARY, **WAIVED)

    assert [v.outcome for v in (shadow, canary, harmful)] == [
        Outcome.INCONCLUSIVE,
        Outcome.PASS,
        Outcome.FAIL,
    ]
    assert shadow.waived == ("comparison valid_answer",)
    assert shadow.measurements[0].outcome is Outcome.FAIL


def test_the_evidence_digest_covers_exactly_what_was_judged() -> None:
    base = judged(small_plan(), alike(30))

    assert judged(small_plan(), alike(30)).evidence == base.evidence
    assert judged(small_plan(), alike(31)).evidence != base.evidence
    assert judged(small_plan(), [*alike(29), numbered(29, candidate=0.5)]).evidence != base.evidence
    assert judged(small_plan(), alike(30), answers(1.0)).evidence == base.evidence
    assert judged(small_plan(), alike(30), answers(1.0), **CANARY).evidence != base.evidence


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=25))
def test_every_measurement_is_in_range_and_an_interval_holds_what_it_says(
    values: list[tuple[float, float]],
) -> None:
    pairs = [numbered(i, stable, candidate, stable) for i, (stable, candidate) in enumerate(values)]

    verdict = judged(small_plan(PairMetric.VALID_ANSWER, PairMetric.AGREEMENT), pairs)

    for measurement in verdict.measurements:
        assert measurement.n == len(pairs)
        if pairs:
            assert measurement.low is not None
            assert measurement.high is not None
            assert -1.0 <= measurement.low < measurement.high <= 1.0


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=30))
def test_swapping_the_releases_mirrors_the_estimate(values: list[float]) -> None:
    there = judged(small_plan(), [numbered(i, 1.0, v) for i, v in enumerate(values)]).measurements[0]
    back = judged(small_plan(), [numbered(i, v, 1.0) for i, v in enumerate(values)]).measurements[0]

    assert there.estimate is not None
    assert back.estimate is not None
    assert there.low is not None
    assert back.high is not None
    assert there.estimate == pytest.approx(-back.estimate)
    assert there.low == pytest.approx(-back.high)


def slow_interval(differences: Sequence[float], alpha: float) -> tuple[float, float]:
    """The hedged betting interval by its definition: one candidate mean after the other, in plain Python."""
    x = [(d + 1) / 2 for d in differences]
    inside = []
    for step in range(1001):
        m = step / 1000
        up = down = 1.0
        total, squares = 0.5, 0.25
        variance = 0.25
        for t, value in enumerate(x, start=1):
            bet = math.sqrt(2 * math.log(2 / alpha) / (variance * t * math.log(1 + t)))
            up *= 1 + min(bet, 0.5 / m if m else math.inf) * (value - m)
            down *= 1 - min(bet, 0.5 / (1 - m) if m < 1 else math.inf) * (value - m)
            total += value
            squares += (value - total / (t + 1)) ** 2
            variance = squares / (t + 1)
        if (up + down) / 2 < 1 / alpha:
            inside.append(m)
    return 2 * max(0.0, inside[0] - 0.001) - 1, 2 * min(1.0, inside[-1] + 0.001) - 1


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_agrees_with_an_independent_implementation(seed: int) -> None:
    source = random.Random(seed)
    values = [(source.random(), float(source.random() < 0.8)) for _ in range(20 + 10 * seed)]
    pairs = [numbered(i, stable, candidate) for i, (stable, candidate) in enumerate(values)]

    found = judged(small_plan(), pairs).measurements[0]

    low, high = slow_interval([candidate - stable for stable, candidate in values], 0.05)
    assert found.low == pytest.approx(low, abs=1e-9)
    assert found.high == pytest.approx(high, abs=1e-9)


def simulate(stable: float, candidate: float, seed: int, most: int, every: int) -> tuple[Outcome, int]:
    """Looks now and then at a release with the given rates of valid answers, until it is decided."""
    source = random.Random(seed)
    the_plan = small_plan(min_pairs=50)
    the_rollout: Rollout = rollout(plan=the_plan)
    pairs: list[Pair] = []
    while len(pairs) < most:
        valid = [float(source.random() < rate) for rate in (stable, candidate)]
        pairs.append(numbered(len(pairs), *valid))
        if len(pairs) % every == 0:
            outcome = judge(the_plan, the_rollout, pairs, [], AT).outcome
            if outcome is not Outcome.INCONCLUSIVE:
                return outcome, len(pairs)
    return Outcome.INCONCLUSIVE, most


def test_healthy_candidates_are_hardly_ever_failed_and_mostly_passed() -> None:
    results = [simulate(0.95, 0.95, seed, 200, every=25) for seed in range(300)]

    assert sum(outcome is Outcome.FAIL for outcome, _ in results) <= 0.05 * 300
    assert sum(outcome is Outcome.PASS for outcome, _ in results) >= 0.85 * 300


def test_candidates_exactly_at_the_margin_are_failed_or_passed_no_oftener_than_alpha() -> None:
    results = [simulate(0.95, 0.85, 1_000 + seed, 160, every=40) for seed in range(200)]

    assert sum(outcome is Outcome.FAIL for outcome, _ in results) <= 0.05 * 200
    assert sum(outcome is Outcome.PASS for outcome, _ in results) <= 0.05 * 200


@pytest.mark.parametrize(("stable", "candidate", "typical"), [(1.0, 0.7, 70), (0.98, 0.5, 50)])
def test_much_worse_candidates_are_failed_soon(stable: float, candidate: float, typical: int) -> None:
    results = [simulate(stable, candidate, 2_000 + seed, 200, every=10) for seed in range(60)]

    assert {outcome for outcome, _ in results} == {Outcome.FAIL}
    assert median(n for _, n in results) <= typical


def test_a_rate_over_the_limit_that_may_be_chance_never_passes() -> None:
    plan_with_few = small_plan()
    (guardrail,) = plan_with_few.guardrails
    canary = answers(1.0, 1.0, 0.0, 1.0, 0.0)

    verdict = judged(plan_with_few, alike(100), canary, **CANARY)

    measured = next(m for m in verdict.measurements if m.check == GUARDRAIL)
    assert measured.estimate is not None
    assert measured.estimate > guardrail.limit
    assert (measured.outcome, verdict.outcome) == (Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE)
    assert "may be chance" in measured.reason


def test_a_limit_is_what_the_interval_is_held_against() -> None:
    for pairs in ([], alike(30)):
        verdict = judged(small_plan(PairMetric.VALID_ANSWER, PairMetric.AGREEMENT), pairs)
        assert [m.limit for m in verdict.measurements] == [-MARGIN, 1 - MARGIN]
