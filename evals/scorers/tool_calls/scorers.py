"""The two readings of tool calls as scorers: of the parsed calls, and of the text they were parsed from."""

from aftertune.values.evaluation import Answer, Better
from evals.scorers.scorer import Given, Scores, scorer
from evals.scorers.tool_calls import bfcl, strict
from evals.scorers.tool_calls.extraction import EXTRACTOR, extract
from evals.scorers.tool_calls.toolbox import Toolbox, toolbox
from evals.scorers.tool_calls.verdict import Verdict, scores
from evals.suite.metric import Metric
from evals.suite.sample import Sample
from evals.suite.scoring import AnyToolCall, NoToolCall, ToolCalls

KINDS = ("tool_calls", "any_tool_call", "no_tool_call")

_CALLS, _ANY, _NONE = KINDS
_FUNNEL = (
    ("json", "of the samples that need certain calls: answers with well-formed calls only", _CALLS),
    ("tool", "of those with well-formed calls: exactly the right tools", _CALLS),
    ("arguments", "of those with the right tools: all arguments right", _CALLS),
    ("end_to_end", "of all samples that need certain calls: all of it right", _CALLS),
    ("relevance", "of the samples that need some call: calls came that could be made", _ANY),
    ("abstention", "of the samples that need no call: answered without one", _NONE),
)
_REACHED = ("tool", "arguments")


def _metrics(prefix: str) -> tuple[Metric, ...]:
    """The funnel, of parsed calls and of the raw text; the second only where the raw text was asked for."""
    parsed = [_metric(prefix, name, meaning, kind, raw=False) for name, meaning, kind in _FUNNEL]
    raw = [_metric(f"{prefix}raw_", name, meaning, kind, raw=True) for name, meaning, kind in _FUNNEL]
    lost = Metric(
        f"{prefix}parser_lost",
        "of the samples with raw text: the text is right and what the engine parsed from it is not",
        better=Better.LOWER,
        reached=True,
        signature=f"extractor {EXTRACTOR}",
    )
    return (*parsed, *raw, lost)


def _metric(prefix: str, name: str, meaning: str, kind: str, *, raw: bool) -> Metric:
    return Metric(
        f"{prefix}{name}",
        f"in the raw text, {meaning}" if raw else meaning,
        reached=raw or name in _REACHED,
        applies=lambda sample: sample.scoring.kind == kind,
        signature=f"extractor {EXTRACTOR}" if raw else "",
    )


@scorer("tool_calls.strict", version="2", kinds=KINDS, metrics=_metrics(""))
def tool_calls_strict(sample: Sample, given: Given) -> Scores:
    assert isinstance(sample.scoring, ToolCalls | AnyToolCall | NoToolCall)
    answer, tools = given.answer, toolbox(given.tools)
    parsed = strict.judge(sample.scoring, answer.tool_calls, answer.text, tools)
    found = dict(scores(sample.scoring, parsed))
    if (raw := _raw(answer, tools)) is not None:
        read = strict.judge(sample.scoring, raw.tool_calls, raw.text, tools)
        found |= {f"raw_{name}": value for name, value in scores(sample.scoring, read).items()}
        found["parser_lost"] = _lost(parsed, read)
    return found


@scorer("tool_calls.bfcl", version="1", kinds=KINDS, metrics=_metrics("bfcl_"))
def tool_calls_bfcl(sample: Sample, given: Given) -> Scores:
    assert isinstance(sample.scoring, ToolCalls | AnyToolCall | NoToolCall)
    answer, tools = given.answer, toolbox(given.tools)
    parsed = bfcl.judge(sample.scoring, answer.tool_calls, tools)
    found = {f"bfcl_{name}": value for name, value in scores(sample.scoring, parsed).items()}
    if (raw := _raw(answer, tools)) is not None:
        read = bfcl.judge(sample.scoring, raw.tool_calls, tools)
        found |= {f"bfcl_raw_{name}": value for name, value in scores(sample.scoring, read).items()}
        found["bfcl_parser_lost"] = _lost(parsed, read)
    return found


def _raw(answer: Answer, tools: Toolbox) -> Answer | None:
    """The answer as the extractor reads its raw text; None when that was not asked for."""
    if answer.raw is None:
        return None
    extracted = extract(answer.raw, tools)
    return Answer(text=extracted.text, tool_calls=extracted.calls)


def _lost(parsed: Verdict, raw: Verdict) -> float:
    return float(raw is Verdict.RIGHT and parsed is not Verdict.RIGHT)
