"""What models said is kept as it was, whatever it holds, and the rest of a result is read beside it."""

import pytest

from aftertune.store import Store
from aftertune.values.evaluation import (
    Answer,
    EvaluationRun,
    Judgement,
    Loss,
    RunState,
    SampleResult,
    Trigger,
)
from aftertune.values.exchange import ToolCall
from tests.aftertune.samples import AT, release

HOSTILE = (
    "\0",
    "a\0b\\u0000",
    "\ud800",
    "\udc00\ud800",
    "\ue0000\ue000",
    "\u202e\ufeff\U0001f600",
    "\\",
    '"}',
    "\x1b[2J",
)


@pytest.fixture
def known(store: Store) -> Store:
    """One run of one release."""
    run = EvaluationRun(
        id="ev-1",
        suite="s",
        release="v1",
        trigger=Trigger.BY_HAND,
        state=RunState.RUNNING,
        requested_by="ann",
        requested_at=AT,
    )
    with store.write() as tx:
        tx.releases.add(release("v1"))
        tx.evaluations.add(run)
    return store


def hostile(text: str, sample: str) -> SampleResult:
    """A result with this text wherever a model's words are kept."""
    answer = Answer(
        text=text,
        tool_calls=(ToolCall(name=text, arguments=text),),
        raw=text,
        finish=text,
        latency_s=0.25,
        transcript=({"role": "assistant", "content": text, text: [text, 10**30, True, None, 1e308]},),
        state={text: {text: text}},
        loss=Loss(nats=1e-300, tokens=2**40),
        ranking=(text, ""),
    )
    said = Judgement(question="q", judge="j", prompt="p", reply=text, value=None, reason=text)
    return SampleResult(
        run="ev-1",
        sample=sample,
        release="v1",
        answers=(answer, Answer()),
        judgements=(said,),
        scores={"exact": 0.5, "judged": None},
        statistics={"bleu": (1.0, 2.0), "none": None},
        error=f"refused: {text}",
    )


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_a_result_comes_back_whatever_a_model_said(known: Store, text: str) -> None:
    said = [hostile(text, "s-1"), hostile(text, "s-2")]
    with known.write() as tx:
        tx.evaluations.add_results(said)
    with known.read() as tx:
        assert tx.evaluations.results("ev-1") == said
        assert tx.evaluations.answers("ev-1", "v1", ["s-1"]) == {"s-1": said[0].answers[0]}
        assert tx.evaluations.scores("ev-1", "v1") == {each.sample: each.scores for each in said}
