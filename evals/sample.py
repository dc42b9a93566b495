"""One question of a suite, with what its scorer needs to know of a right answer."""

from typing import Any

from pydantic import Field

from aftertune.values.value import Value


class Sample(Value):
    """A chat request and its ground truth; the suite's scorer says which of the last three fields it reads."""

    id: str = Field(min_length=1)
    kind: str = Field(default="", description="scored apart as well, where the scorer does so")
    messages: tuple[dict[str, Any], ...] = Field(min_length=1, description="OpenAI chat messages")
    tools: bool = Field(default=False, description="whether the suite's tools are offered")
    calls: tuple[dict[str, dict[str, list[Any]]], ...] | None = Field(
        default=None,
        description="each expected call as {tool: {argument: every acceptable value}}; an empty string among the "
        "values: the argument may be left out; no call at all: the model must answer in words",
    )
    text: str | None = Field(default=None, description="the one right answer")
    mentions: tuple[str, ...] | None = Field(default=None, description="what the answer has to name")

    @property
    def question(self) -> str:
        """The user's last message."""
        said = (str(m.get("content") or "") for m in reversed(self.messages) if m.get("role") == "user")
        return next(said, "")
