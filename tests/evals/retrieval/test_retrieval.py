"""Answers from passages: numbers by rule, the rest by ragas through our judges, whose failures are unmeasured."""

import json
import math
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from aftertune.settings.sections import EvalsSettings
from aftertune.values.evaluation import Answer, Judgement
from evals.harness.scored import sample_result
from evals.judging import ragas_metrics
from evals.judging.bench import Bench
from evals.judging.judge import judge
from evals.suite.sample import Sample
from evals.suite.suite import SUITES, load_suite
from tests.evals.judging.scripted import Heard, ScriptedEngine, sits

SUITE = load_suite(SUITES / "retrieval_answers")
TOLD = next(each for each in SUITE.samples if each.task == "told")
NOT_TOLD = next(each for each in SUITE.samples if each.task == "not_told")
ANSWER = Answer(text="They are greased every 2,000 hours with 15 g.")
RAGAS = ("faithfulness", "answer_relevancy", "context_precision", "context_recall")

REPLIES: dict[str, Any] = {
    "StatementGeneratorOutput": {"statements": ["They are greased every 2000 hours.", "They get 15 g."]},
    "NLIStatementOutput": {
        "statements": [
            {"statement": "They are greased every 2000 hours.", "reason": "told", "verdict": 1},
            {"statement": "They get 15 g.", "reason": "not told", "verdict": 0},
        ]
    },
    "AnswerRelevanceOutput": {"question": "How often?", "noncommittal": 0},
    "ContextPrecisionOutput": {"reason": "useful", "verdict": 1},
    "ContextRecallOutput": {
        "classifications": [{"statement": "a", "reason": "b", "attributed": 1}] * 3
        + [{"statement": "c", "reason": "d", "attributed": 0}]
    },
}


class Encoder(ScriptedEngine):
    def __init__(self) -> None:
        super().__init__(lambda heard: "")

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [[1.0, 0.0] for _ in texts]


def as_asked(heard: Heard) -> str:
    return json.dumps(REPLIES[heard.settings["response_format"]["json_schema"]["name"]])


def by_metric(heard: Sequence[Judgement]) -> dict[str, Judgement]:
    return {each.question: each for each in heard}


async def judged(bench: Bench, sample: Sample = TOLD, answer: Answer = ANSWER) -> dict[str, Judgement]:
    return by_metric(await judge(SUITE, sample, [answer], bench))


async def test_ragas_asks_our_judge_and_its_numbers_are_scores() -> None:
    bench = sits(as_asked, encoder=Encoder())
    heard = await judge(SUITE, TOLD, [ANSWER], bench)
    scores = sample_result(SUITE, "run", "v1", TOLD, (ANSWER,), heard).scores
    assert {name: scores[name] for name in RAGAS} == pytest.approx(
        {"faithfulness": 0.5, "answer_relevancy": 1.0, "context_precision": 1.0, "context_recall": 0.75}
    )
    assert {each.judge for each in heard} == {"ragas judge-0"}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("It is faithful.", "the judge gave no verdict"),
        ("{}", "the judge gave no verdict"),
        (ScriptedEngine.AWAY, "The judge is away"),
        (ScriptedEngine.HANG, "no reply in 0.05 s"),
        (json.dumps({"statements": []}), "ragas returned nan"),
    ],
    ids=["prose", "other fields", "away", "hangs", "nan"],
)
async def test_a_failure_is_unmeasured_never_nan(said: str, why: str) -> None:
    found = (await judged(sits(lambda heard: said, encoder=Encoder(), timeout_s=0.05)))["faithfulness"]
    assert found.value is None
    assert why in found.reason


async def test_what_is_missing_is_said() -> None:
    found = await judged(Bench(), TOLD)
    assert {each.reason for each in found.values()} == {
        "no judge is configured: set AFTERTUNE_EVALS__JUDGES",
    }
    found = await judged(sits(as_asked))
    assert found["answer_relevancy"].reason == "no encoder is configured"
    found = await judged(sits(as_asked, encoder=Encoder()), NOT_TOLD)
    assert found["context_recall"].reason == "the sample has no reference"
    found = await judged(sits(as_asked, encoder=Encoder()), TOLD, Answer(text=" "))
    assert found["faithfulness"].reason == "the answer is empty"


async def test_without_ragas_it_is_unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    ragas_metrics._load.cache_clear()
    monkeypatch.setitem(sys.modules, "ragas.llms.base", None)
    found = await judged(sits(as_asked, encoder=Encoder()))
    assert all("pip install 'aftertune[judge]'" in each.reason for each in found.values())


@pytest.mark.parametrize(
    ("said", "scores"),
    [
        ("They are greased every 2000 hours, with 15 g.", (1.0, 1.0)),
        ("Every 2,000 hours; 15 g.", (1.0, 1.0)),
        ("Every 3000 hours with 15 g.", (0.0, 0.0)),
        ("I do not know.", (1.0, 0.0)),
        ("", (0.0, 0.0)),
    ],
)
def test_numbers_by_rule(said: str, scores: tuple[float, float]) -> None:
    found = sample_result(SUITE, "run", "v1", TOLD, (Answer(text=said),), ()).scores
    assert (found["numbers_grounded"], found["numbers_found"]) == scores


def test_a_question_without_a_number_to_find_has_no_such_score() -> None:
    found = sample_result(SUITE, "run", "v1", NOT_TOLD, (ANSWER,), ()).scores
    assert "numbers_found" not in found
    assert not math.isnan(found["numbers_grounded"] or 0.0)


def test_the_room_loads_neither_ragas_nor_a_model() -> None:
    heavy = "('ragas', 'langchain_core', 'torch', 'instructor')"
    script = f"import sys, evals.judging.judge, evals.conclusion.conclude; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_settings_take_several_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    found = EvalsSettings.model_validate({"judges": [{"url": "http://a", "model": "m", "key": "secret"}]})
    assert (found.judges[0].structured, "secret" in repr(found)) == (True, False)
