"""What a scorer of tool calls found, as a reason; metrics are read off it."""

from enum import StrEnum

from evals.suite.scoring import AnyToolCall, NoToolCall, ToolCalls

Truth = ToolCalls | AnyToolCall | NoToolCall


class Verdict(StrEnum):
    """Right, or where the funnel json → tool → arguments ended; the last two are of samples that need no call."""

    RIGHT = "right"
    NO_CALLS = "no_well_formed_calls"
    WRONG_TOOLS = "wrong_tools"
    WRONG_ARGUMENTS = "wrong_arguments"
    CALLED = "called"
    SILENT = "silent"


def funnel(verdict: Verdict) -> dict[str, float]:
    """The scores of a sample that needs certain calls: each stage only where the one before was passed."""
    right = float(verdict is Verdict.RIGHT)
    if verdict is Verdict.NO_CALLS:
        return {"json": 0.0, "end_to_end": 0.0}
    if verdict is Verdict.WRONG_TOOLS:
        return {"json": 1.0, "tool": 0.0, "end_to_end": 0.0}
    return {"json": 1.0, "tool": 1.0, "arguments": right, "end_to_end": right}


def scores(truth: Truth, verdict: Verdict) -> dict[str, float]:
    """Abstention and relevance are numbers of their own: a model that always calls looks good otherwise."""
    if isinstance(truth, ToolCalls):
        return funnel(verdict)
    metric = "abstention" if isinstance(truth, NoToolCall) else "relevance"
    return {metric: float(verdict is Verdict.RIGHT)}
