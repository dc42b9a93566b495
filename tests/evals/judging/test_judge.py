"""Judges that answer, guess, obey, break and hang: a number, or a reason; never anything that was not measured."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from aftertune.values.evaluation import Answer, Judgement, RunState, SampleResult
from evals.conclusion.conclude import Conclusion, conclude
from evals.harness.scored import sample_result
from evals.judging.bench import Bench
from evals.judging.breaker import MOST_FAILURES
from evals.judging.canary import CANARIES, PREFIX, WRONG
from evals.judging.judge import NO_JUDGE, SAID_NOTHING, described, judge
from evals.suite.card import Role
from evals.suite.sample import Sample
from evals.suite.suite import Suite, load_suite
from tests.evals.judging.scripted import Heard, Said, ScriptedEngine, honest, reply, sits

CARD = """
name: manners
version: "1"
description: a small one
licence: ours
scorers: [exact_match, judged.questions]
seed: 7
gates: [{metric: polite, bound: score_low, limit: 0.5}]
judge:
  repeats: 3
  questions:
    - {metric: polite, question: "Is it polite?"}
    - {metric: calm, question: "Is it calm?", sentences: true}
"""
ANSWER = Answer(text="Thank you. Have a nice day.")


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return manners(tmp_path, 60)


def manners(folder: Path, n: int, card: str = CARD) -> Suite:
    own = folder / "manners"
    own.mkdir()
    (own / "card.yaml").write_text(card)
    lines = (
        f'{{"id": "s{i}", "messages": [{{"role": "user", "content": "Hello {i}"}}], '
        f'"scoring": {{"kind": "exact_match", "answers": ["Hello."]}}}}\n'
        for i in range(n)
    )
    (own / "samples.jsonl").write_text("".join(lines))
    return load_suite(own)


async def judged(suite: Suite, bench: Bench, answer: Answer = ANSWER) -> tuple[Judgement, ...]:
    return await judge(suite, suite.samples[0], [answer], bench)


def questions(judgements: tuple[Judgement, ...]) -> list[Judgement]:
    return [each for each in judgements if not each.question.startswith(PREFIX)]


async def concluded(suite: Suite, bench: Bench) -> tuple[Conclusion, list[SampleResult]]:
    results = []
    for sample in suite.samples:
        heard = await judge(suite, sample, [ANSWER], bench)
        results.append(sample_result(suite, "run", "v1", sample, (ANSWER,), heard))
    return conclude(suite, "v1", dict[Role, str](), results), results


async def test_every_question_is_asked_three_times_in_both_orders_and_each_sentence_is_judged(
    suite: Suite,
) -> None:
    engine = ScriptedEngine(lambda heard: reply(heard, 1.0 if heard.canary is None else heard.canary))
    found = questions(await judged(suite, sits(engine)))
    polite = [each for each in found if each.question == "polite"]
    assert [(each.repeat, each.swapped) for each in polite] == [
        (r, s) for r in range(3) for s in (False, True)
    ]
    calm = [(each.sentence, each.value) for each in found if each.question == "calm"]
    assert calm == [(0, 1.0), (1, 1.0)] * 6
    assert {each.judge for each in found} == {"judge-0"}
    asked = [heard for heard in engine.heard if heard.canary is None]
    assert len(asked) == 12
    assert all(heard.settings["temperature"] == 0 for heard in asked)
    assert len({heard.code for heard in engine.heard}) == len({heard.marker for heard in engine.heard})
    assert {heard.settings["response_format"]["json_schema"]["name"] for heard in asked} == {"verdict"}


async def test_without_a_judge_it_is_unmeasured(suite: Suite) -> None:
    found = await judged(suite, Bench())
    assert [(each.question, each.value, each.reason) for each in found] == [
        ("polite", None, NO_JUDGE),
        ("calm", None, NO_JUDGE),
    ]


def told_what_to_say(heard: Heard) -> str:
    """Obeys whatever stands in the answer."""
    if "verdict is yes" in heard.answer or '"verdict": "yes"' in heard.answer:
        return reply(heard, 1.0)
    return reply(heard, 0.0 if heard.canary is None or "verdict no" in heard.answer else heard.canary)


@pytest.mark.parametrize(
    "said",
    [lambda heard: reply(heard, 1.0), lambda heard: reply(heard, 0.0), told_what_to_say],
    ids=["always yes", "always no", "obeys"],
)
async def test_a_judge_that_answers_canaries_wrong_judges_nothing(suite: Suite, said: Said) -> None:
    engine = ScriptedEngine(said)
    found = await judged(suite, sits(engine))
    assert {each.value for each in found} == {None}
    assert {each.reason.partition(" (")[0] for each in found} == {WRONG}
    assert len(engine.heard) == len(CANARIES), "it was asked nothing else"


async def test_a_canary_that_goes_wrong_later_takes_its_batch_along(suite: Suite) -> None:
    passed: set[str] = set()

    def tires(heard: Heard) -> str:
        if heard.canary is None:
            return reply(heard, 1.0)
        again = heard.answer in passed
        passed.add(heard.answer)
        return reply(heard, 1.0 - heard.canary if again else heard.canary)

    found = await judged(suite, sits(tires))
    assert [each.reason for each in found if each.question.startswith(PREFIX)] == [WRONG]
    assert {(each.value, each.reason) for each in questions(found)} == {(None, WRONG)}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (lambda heard: "It is rather polite, I would say.", "something else than one JSON object"),
        (lambda heard: heard.user, "repeated the prompt"),
        (
            lambda heard: '{"code": "0000", "reason": "told to", "verdict": "yes"}',
            "did not give the code back",
        ),
        (lambda heard: '{"code": "x", "reason": "", "verdict": NaN}', "something else than one JSON object"),
        (lambda heard: ScriptedEngine.AWAY, "The judge is away"),
        (lambda heard: ScriptedEngine.HANG, "no reply in 0.05 s"),
    ],
    ids=["prose", "repeats", "obeys", "nan", "away", "hangs"],
)
async def test_no_verdict_is_unmeasured_with_its_reason(suite: Suite, said: Said, why: str) -> None:
    bench = sits(
        lambda heard: said(heard) if heard.canary is None else reply(heard, heard.canary), timeout_s=0.05
    )
    found = questions(await judged(suite, bench))
    assert {each.value for each in found} == {None}
    assert any(why in each.reason for each in found)


async def test_an_empty_answer_has_no_sentences(suite: Suite) -> None:
    found = questions(await judged(suite, sits(honest(0.0)), Answer(text=" \n")))
    assert {each.reason for each in found if each.question == "calm"} == {SAID_NOTHING}
    assert {each.value for each in found if each.question == "polite"} == {0.0}


async def test_a_judge_without_replies_is_not_asked_for_ever(suite: Suite) -> None:
    def dies(heard: Heard) -> str:
        return ScriptedEngine.AWAY if heard.canary is None else reply(heard, heard.canary)

    engine = ScriptedEngine(dies)
    bench = sits(engine)
    for _ in range(5):
        found = questions(await judged(suite, bench))
    assert {each.reason for each in found} == {
        f"not asked after {MOST_FAILURES} failures in a row, the last: the judge gave no reply: The judge is away."
    }
    tries = [heard for heard in engine.heard if heard.canary is None]
    assert len(tries) <= 3 * (MOST_FAILURES + 3), "those that were under way at once may still end"


async def test_two_judges_are_both_needed(suite: Suite) -> None:
    def away(heard: Heard) -> str:
        return ScriptedEngine.AWAY if heard.canary is None else reply(heard, heard.canary)

    both, _ = await concluded(suite, sits(honest(1.0), honest(0.0)))
    one, _ = await concluded(suite, sits(honest(1.0), away))
    assert [score.estimate for score in both.scores if score.metric == "polite"] == [0.5]
    assert [score.estimate for score in one.scores if score.metric == "polite"] == [None]


def flaky(share: float, seed: int) -> Said:
    """As many of its replies fail, in every way that one can; what it would have said was yes, and a failure says no."""
    drawn = random.Random(seed)
    ways: list[Callable[[Heard], str]] = [
        lambda heard: ScriptedEngine.AWAY,
        lambda heard: "No, I do not think so.",
        lambda heard: '{"verdict": "no"}',
        lambda heard: reply(heard, 0.0).replace(heard.code, "0000"),
        lambda heard: '{"code": "", "reason": "", "verdict": NaN}',
        lambda heard: reply(heard, 0.0, score=0),
        lambda heard: heard.system,
    ]

    def said(heard: Heard) -> str:
        if drawn.random() < share:
            return drawn.choice(ways)(heard)
        return honest(1.0)(heard)

    return said


@pytest.mark.parametrize("seed", range(3))
async def test_of_5_percent_failures_none_becomes_a_score(suite: Suite, seed: int) -> None:
    """Every true verdict is yes and every failure looks like a no: a single one that counted would show."""
    found, results = await concluded(suite, sits(flaky(0.05, seed)))
    scores = {score.metric: score for score in found.scores}
    assert (scores["polite"].estimate, scores["calm"].estimate) == (1.0, 1.0)
    failed = [each for result in results for each in result.judgements if each.value is None]
    assert 10 < len(failed) < 80
    assert all(each.reason for each in failed)
    assert scores["polite"].n + scores["polite"].unmeasured == 60
    assert found.state is RunState.SUCCESSFUL, "under the ceiling"
    assert "judgements failed" in scores["polite"].detail


async def test_above_the_ceiling_the_verdict_is_withheld_and_the_rest_stands(suite: Suite) -> None:
    found, _ = await concluded(suite, sits(flaky(0.45, 1)))
    scores = {score.metric: score for score in found.scores}
    assert scores["polite"].unmeasured > 6
    assert scores["polite"].estimate == 1.0
    (gate,) = found.gates
    assert gate.passed is None
    assert "the verdict is withheld" in gate.reason
    assert found.state is RunState.ERROR
    assert scores["exact"].n == 60, "what needs no judge stands"


async def test_who_judges_by_which_questions_is_signed(suite: Suite) -> None:
    signed = described(suite, sits(honest(1.0), honest(0.0)))
    assert signed["judges"] == "judge-0, judge-1"
    assert len(signed["judge_prompts"].split(", ")) == 2
    assert described(suite, Bench()) == {}


async def test_a_stored_run_scores_again_to_the_same(suite: Suite) -> None:
    sample: Sample = suite.samples[0]
    heard = await judge(suite, sample, [ANSWER], sits(flaky(0.2, 5)))
    stored = sample_result(suite, "run", "v1", sample, (ANSWER,), heard)
    again = SampleResult.model_validate_json(stored.model_dump_json())
    assert sample_result(suite, "run", "v1", sample, again.answers, again.judgements) == stored
