"""One row of training data: a conversation in the OpenAI fine-tuning form, checked."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Tools = list[dict[str, Any]]
"""An OpenAI `tools` list."""
DEFAULT_TOOLS = "default"
"""What a row calls the spec's tools file, so that no row repeats it."""


@dataclass(frozen=True)
class Conversation:
    """Turns as the chat template takes them, the tools offered, and which assistant turns are learnt, in order."""

    messages: Sequence[dict[str, Any]]
    tools: Tools | None
    learnt: tuple[bool, ...]

    @classmethod
    def of(cls, messages: Sequence[dict[str, Any]], tools: Tools | None) -> Self:
        """Every assistant turn is learnt but those of weight 0."""
        turns = [message for message in messages if message["role"] == "assistant"]
        return cls(messages, tools, tuple(turn.get("weight", 1) != 0 for turn in turns))


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Function(_Closed):
    name: str = Field(min_length=1)
    arguments: str

    @model_validator(mode="after")
    def _arguments_are_an_object(self) -> Self:
        try:
            content = json.loads(self.arguments)
        except ValueError as error:
            raise ValueError(f"the arguments of {self.name} are not JSON: {error}") from None
        if not isinstance(content, dict):
            raise ValueError(f"the arguments of {self.name} are no JSON object")  # noqa: TRY004  (pydantic reports only these)
        return self


class _Call(_Closed):
    id: str = Field(min_length=1)
    type: Literal["function"]
    function: _Function


class _Text(_Closed):
    type: Literal["text"]
    text: str


class _Message(_Closed):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[_Text] | None = None
    name: str | None = None
    tool_calls: list[_Call] | None = Field(default=None, min_length=1)
    tool_call_id: str | None = None
    weight: Literal[0, 1] = 1

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.content is None and self.tool_calls is None:
            raise ValueError("a message has content or tool_calls")
        if self.role != "assistant" and (self.tool_calls is not None or self.weight == 0):
            raise ValueError("only the assistant has tool_calls and a weight")
        if (self.role == "tool") != (self.tool_call_id is not None):
            raise ValueError("a tool's message, and no other, has a tool_call_id")
        return self


class _OfferedFunction(BaseModel):
    name: str = Field(min_length=1)


class _Offered(BaseModel):
    type: Literal["function"]
    function: _OfferedFunction


class _Row(_Closed):
    messages: list[_Message] = Field(min_length=1)
    tools: Literal["default"] | list[_Offered] | None = None
    parallel_tool_calls: bool | None = None

    @model_validator(mode="after")
    def _can_be_learnt(self) -> Self:
        if self.messages[-1].role != "assistant":
            raise ValueError("the last message must be the assistant's: it is what is learnt")
        if not any(each.role == "assistant" and each.weight for each in self.messages):
            raise ValueError("every assistant message has weight 0: nothing is learnt")
        made: set[str] = set()
        for message in self.messages:
            made |= {call.id for call in message.tool_calls or ()}
            if message.tool_call_id is not None and message.tool_call_id not in made:
                raise ValueError(f"tool_call_id {message.tool_call_id!r} answers no earlier call")
        return self


def conversation(row: Any, default: Tools | None) -> Conversation:
    """A row that `json.loads` made, as a conversation. Raises ValueError (pydantic's or plain) saying what is wrong."""
    if not isinstance(row, dict):
        raise ValueError("no JSON object")  # noqa: TRY004  (the line is wrong, not the caller)
    checked = _Row.model_validate(row)
    tools: Tools | None = row.get("tools")
    if checked.tools == DEFAULT_TOOLS:
        if default is None:
            raise ValueError('"tools": "default", but the spec names no data.tools')
        tools = default
    offered = {tool["function"]["name"] for tool in tools or ()}
    for message in checked.messages:
        for call in message.tool_calls or ():
            if call.function.name not in offered:
                known = ", ".join(sorted(offered)) or "none"
                raise ValueError(f"it calls {call.function.name!r}, which is not offered; offered: {known}")
    return Conversation.of(row["messages"], tools)


def checked_tools(content: Any) -> Tools:
    """A tools file's content. Raises ValueError."""
    if not isinstance(content, list) or not content:
        raise ValueError("no list of tools")
    for tool in content:
        _Offered.model_validate(tool)
    return content
