"""The suites of tool calls: drawn as committed, asked both ways, and each right by its own ground truth."""

import pytest

from benchmarks.tool_calls import leaderboard
from evals.suite.card import Ask
from evals.suite.sample import Sample
from evals.suite.scoring import ToolCalls
from evals.suite.suite import load_suites
from examples.task_api.suites import FOLDER, lines

SHIPPED = load_suites()
OURS = ("tool_calls", "tool_calls_streamed", "tool_calls_wide")


@pytest.mark.parametrize("name", [*OURS, "task_conversations"])
def test_samples_are_those_that_are_drawn(name: str) -> None:
    assert (FOLDER / name / "samples.jsonl").read_text(encoding="utf-8") == lines(name)


def test_the_same_samples_are_asked_whole_and_streamed() -> None:
    whole, streamed = SHIPPED["tool_calls"], SHIPPED["tool_calls_streamed"]
    assert whole.samples == streamed.samples
    assert whole.card.ask == Ask(how="chat", max_tokens=96, raw=True)
    assert streamed.card.ask == Ask(how="stream", max_tokens=96, raw=True)


def with_tools(name: str) -> list[Sample]:
    suite = SHIPPED[name]
    return [sample.model_copy(update={"tools": suite.tools_for(sample)}) for sample in suite.samples]


@pytest.mark.parametrize("name", OURS)
def test_both_readings_accept_each_samples_own_answer(name: str) -> None:
    samples = with_tools(name)
    expecting = sum(isinstance(sample.scoring, ToolCalls) for sample in samples)
    assert leaderboard(samples) == (expecting, [])
    assert expecting >= 32


def test_every_kind_of_need_is_there() -> None:
    kinds = {sample.scoring.kind for sample in SHIPPED["tool_calls_wide"].samples}
    assert kinds == {"tool_calls", "any_tool_call", "no_tool_call"}
