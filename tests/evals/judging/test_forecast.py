"""What a run tells beforehand that each judge will be asked is what it is asked: questions, traits and canaries."""

import pytest

from aftertune.values.evaluation import Answer
from evals.judging.canary import CANARIES
from evals.judging.judge import judge
from evals.suite.card import JudgeQuestion
from evals.suite.suite import SUITES, Suite, load_suite
from tests.evals.judging.scripted import ScriptedEngine, honest, sits

PERSONA = load_suite(SUITES / "persona")
POLITE = JudgeQuestion(metric="polite", question="Is it polite?")
ANSWER = Answer(text="Thank you. Have a nice day.")


def asking(*questions: JudgeQuestion, traits: bool, repeats: int = 1, swap: bool = True) -> Suite:
    """The first samples of the persona suite, with judges and without probes."""
    card = PERSONA.card
    assert card.judge is not None
    told = {"questions": questions, "traits": traits, "probes": False, "repeats": repeats, "swap": swap}
    judging = card.judge.model_copy(update=told)
    ask = card.ask.model_copy(update={"repeats": 2})
    return PERSONA._replace(
        card=card.model_copy(update={"judge": judging, "ask": ask}), samples=PERSONA.samples[:4]
    )


@pytest.mark.parametrize(
    "suite",
    [
        asking(traits=True, repeats=2),
        asking(POLITE, traits=True, swap=False),
        asking(POLITE, traits=False, repeats=3),
    ],
    ids=["traits", "both", "questions"],
)
async def test_what_is_told_is_asked(suite: Suite) -> None:
    first, second = ScriptedEngine(honest(1.0)), ScriptedEngine(honest(1.0))
    bench = sits(first, second)
    for sample in suite.samples:
        await judge(suite, sample, [ANSWER, ANSWER], bench)
    told = suite.forecast(releases=1).judge_questions
    assert len(first.heard) == len(second.heard) == told > len(CANARIES)


def test_of_more_releases_only_the_first_canaries_are_not_asked_again() -> None:
    suite = asking(traits=True)
    one, three = (suite.forecast(releases).judge_questions for releases in (1, 3))
    assert three - len(CANARIES) == 3 * (one - len(CANARIES))


def test_where_judges_are_asked_nothing_they_get_no_canary() -> None:
    assert asking(traits=False).forecast(releases=1).judge_questions == 0
    assert load_suite(SUITES / "tool_calls").forecast(releases=1).judge_questions == 0
