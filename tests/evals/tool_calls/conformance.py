"""The conformance set as it is read: a sample, what was answered, and the two verdicts that are right."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from aftertune.values.evaluation import Answer
from aftertune.values.exchange import ToolCall
from evals.scorers.tool_calls import bfcl, strict
from evals.scorers.tool_calls.extraction import extract
from evals.scorers.tool_calls.toolbox import toolbox
from evals.scorers.tool_calls.verdict import Truth, Verdict
from evals.suite.sample import Sample
from evals.suite.scoring import AnyToolCall, NoToolCall, ToolCalls

FOLDER = Path(__file__).parent
TOOLS: tuple[dict[str, Any], ...] = tuple(json.loads((FOLDER / "tools.json").read_text(encoding="utf-8")))
TOOLBOX = toolbox(TOOLS)

_TRUTHS: dict[str, Truth] = {
    "any": AnyToolCall(kind="any_tool_call"),
    "none": NoToolCall(kind="no_tool_call"),
}


class Labelled(NamedTuple):
    """`answer` has the calls, or a raw text in which they stand."""

    rule: str
    why: str
    sample: Sample
    answer: Answer
    bfcl: Verdict
    strict: Verdict

    @property
    def truth(self) -> Truth:
        assert isinstance(self.sample.scoring, ToolCalls | AnyToolCall | NoToolCall)
        return self.sample.scoring

    def read(self) -> Answer:
        """The answer with the calls of its raw text, where it has one."""
        if self.answer.raw is None:
            return self.answer
        extracted = extract(self.answer.raw, TOOLBOX)
        return Answer(text=extracted.text, tool_calls=extracted.calls)

    def verdicts(self) -> tuple[Verdict, Verdict]:
        """As the two readings see it: bfcl, strict."""
        answer = self.read()
        return (
            bfcl.judge(self.truth, answer.tool_calls, TOOLBOX),
            strict.judge(self.truth, answer.tool_calls, answer.text, TOOLBOX),
        )


def labelled() -> list[Labelled]:
    with (FOLDER / "cases.jsonl").open(encoding="utf-8") as lines:
        return [_labelled(json.loads(line)) for line in lines]


def _labelled(case: dict[str, Any]) -> Labelled:
    truth = case["truth"]
    scoring = (
        _TRUTHS[truth] if isinstance(truth, str) else ToolCalls(kind="tool_calls", ground_truth=tuple(truth))
    )
    calls = tuple(ToolCall(name=name, arguments=arguments) for name, arguments in case["calls"])
    return Labelled(
        case["rule"],
        case["why"],
        Sample(id=case["id"], scoring=scoring, tools=True),
        Answer(text=case["text"], tool_calls=calls, raw=case["raw"]),
        Verdict(case["bfcl"]),
        Verdict(case["strict"]),
    )
