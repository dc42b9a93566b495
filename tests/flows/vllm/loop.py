"""A running stack with two releases on two vLLM engines, and what its tests ask of it."""

from dataclasses import dataclass
from typing import Any

import openai

from examples.task_api import people, stack
from training.corpus import TOOLS as CORPUS_TOOLS
from training.corpus import ToolCall, samples

TOOLS: Any = CORPUS_TOOLS
ASKED = next(
    sample
    for sample in samples("tool_call", "held_out_values", 40, seed=3)
    if isinstance(sample.expected, ToolCall) and len(sample.expected.arguments) > 1
)
TASK: Any = ASKED.openai_messages()
PLAIN: Any = [{"role": "user", "content": "What is the capital of France?"}]


@dataclass(frozen=True)
class Loop:
    """Two releases on two vLLM engines; `v1` is stable."""

    stack: stack.Stack
    cast: people.People
    client: openai.OpenAI

    def engine_url(self, release: str) -> str:
        return str(self.cast.operator.get(f"/v1/releases/{release}")["engine"]["url"])
