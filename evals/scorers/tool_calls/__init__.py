"""Tool calls against a ground truth in the leaderboard's form, read in two named ways.

`tool_calls.bfcl` is comparable with the Berkeley Function-Calling Leaderboard; `tool_calls.strict` is what gates and
alerts use. The funnel is json → tool → arguments, each a share of those that reached it, and end_to_end, the share of
all samples that need a call. Docs: docs/tool-calls.md.
"""

from evals.scorers.tool_calls.scorers import tool_calls_bfcl, tool_calls_strict

__all__ = ["tool_calls_bfcl", "tool_calls_strict"]
