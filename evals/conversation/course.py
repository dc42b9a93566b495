"""How a conversation went: its calls and what came back, read off the stored messages."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from aftertune.values.exchange import ToolCall

CUT_SHORT = "most_calls"
"""How an answer finishes that wanted more calls than the sample allows."""


class Step(NamedTuple):
    """One call; `result` is None when the conversation ended before it had one."""

    call: ToolCall
    result: dict[str, Any] | None

    @property
    def failed(self) -> bool:
        return self.result is not None and "error" in self.result

    @property
    def can_be_tried_again(self) -> bool:
        return self.failed and self.result is not None and self.result.get("retry") is True


class Course(NamedTuple):
    steps: tuple[Step, ...]

    @property
    def passing_errors(self) -> int:
        """Errors after which the same call could have helped."""
        return sum(step.can_be_tried_again for step in self.steps)

    @property
    def recovered(self) -> int:
        """Passing errors after which a call of the same tool was carried out."""
        return sum(
            step.can_be_tried_again and any(_helps(step, later) for later in self.steps[at + 1 :])
            for at, step in enumerate(self.steps)
        )

    def needless(self, fewest: int) -> float:
        """The share of calls beyond the fewest that do; a call that met a passing error is not counted."""
        counted = sum(not step.can_be_tried_again for step in self.steps)
        return max(0, counted - fewest) / counted if counted else 0.0


def _helps(failed: Step, later: Step) -> bool:
    return later.call.name == failed.call.name and later.result is not None and not later.failed


def course(transcript: Sequence[Mapping[str, Any]]) -> Course:
    """From the messages as the conversation stored them."""
    results = {
        message["tool_call_id"]: json.loads(message["content"])
        for message in transcript
        if message["role"] == "tool"
    }
    return Course(
        tuple(
            Step(ToolCall(**call["function"]), results.get(call["id"]))
            for message in transcript
            for call in message.get("tool_calls") or ()
        )
    )
