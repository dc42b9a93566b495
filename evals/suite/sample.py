"""One question of a suite, with what a right answer is: the layout of samples.jsonl, one object a line."""

from typing import Any

from pydantic import Field

from aftertune.values.value import Value
from evals.suite.scoring import Scoring


class Sample(Value):
    """A chat request and its ground truth."""

    id: str = Field(min_length=1)
    suite: str = Field(default="", description="where the sample came from, if it was imported")
    task: str = Field(default="", description="scored apart as well, where the card says so")
    messages: tuple[dict[str, Any], ...] = Field(default=(), description="OpenAI chat messages")
    scoring: Scoring = Field(discriminator="kind")
    tools: bool | tuple[dict[str, Any], ...] = Field(
        default=False, description="the OpenAI tools offered; true: those of the suite"
    )
    meta: dict[str, Any] = Field(default={}, description="anything else, such as a subject to cluster by")

    @property
    def question(self) -> str:
        """The user's last message."""
        said = (str(m.get("content") or "") for m in reversed(self.messages) if m.get("role") == "user")
        return next(said, "")
