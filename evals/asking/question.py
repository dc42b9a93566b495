"""What one way of asking gets: a sample, the card's settings for it, and the engine that answers."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from aftertune.engine import AsyncEngine
from aftertune.values.evaluation import Answer
from evals.suite.card import Ask
from evals.suite.choices import KINDS as CHOICES
from evals.suite.choices import instruction
from evals.suite.document import Document
from evals.suite.sample import Sample


class Question(NamedTuple):
    """One repeat of one sample. `seed` is its own: it depends on the card's seed, the sample and the repeat only."""

    sample: Sample
    ask: Ask
    tools: tuple[Mapping[str, Any], ...]
    seed: int
    documents: tuple[Document, ...] = ()

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The sample's messages after the card's system message; choices are listed at the end of the last one."""
        system = [{"role": "system", "content": self.ask.system}] if self.ask.system else []
        messages = [*system, *self.sample.messages]
        if self.sample.scoring.kind in CHOICES:
            last = messages.pop()
            messages.append({**last, "content": f"{last['content']}{instruction(self.sample)}"})
        return messages


Way = Callable[[Question, AsyncEngine], Awaitable[Answer]]
"""A way of asking. Raises Unavailable when there is no answer: the harness tries again, then calls it unmeasured."""
