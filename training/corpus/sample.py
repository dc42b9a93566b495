"""One conversation with the answer that is wanted, as frozen values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Argument: TypeAlias = str | int
Split: TypeAlias = Literal["train", "held_out_values", "held_out_phrasings"]
Role: TypeAlias = Literal["system", "user", "assistant", "tool"]

SPLITS: tuple[Split, ...] = ("train", "held_out_values", "held_out_phrasings")


@dataclass(frozen=True)
class ToolCall:
    """A call of one tool. Arguments keep the order of the tool's schema."""

    name: str
    arguments: tuple[tuple[str, Argument], ...] = ()

    @classmethod
    def of(cls, name: str, arguments: Mapping[str, Argument]) -> "ToolCall":
        return cls(name, tuple(arguments.items()))

    def arguments_dict(self) -> dict[str, Argument]:
        return dict(self.arguments)

    def openai(self, call_id: str) -> dict[str, Any]:
        """The call as an entry of an OpenAI assistant message's `tool_calls`; arguments as a JSON string."""
        return {
            "id": call_id,
            "type": "function",
            "function": {
                "name": self.name,
                "arguments": json.dumps(self.arguments_dict(), ensure_ascii=False),
            },
        }


@dataclass(frozen=True)
class Message:
    """One turn. An assistant turn has either text or a tool call, never both."""

    role: Role
    content: str = ""
    tool_call: ToolCall | None = None
    call_id: str = ""

    def openai(self) -> dict[str, Any]:
        """The turn as an OpenAI chat message."""
        if self.tool_call is not None:
            return {
                "role": self.role,
                "content": None,
                "tool_calls": [self.tool_call.openai(self.call_id)],
            }
        if self.role == "tool":
            return {"role": "tool", "tool_call_id": self.call_id, "content": self.content}
        return {"role": self.role, "content": self.content}


@dataclass(frozen=True)
class Sample:
    """A prompt, what is offered with it, and the one right answer.

    `messages` ends with the user's turn (or a tool's result); `expected` is the
    assistant's answer to it, not part of `messages`.
    """

    messages: tuple[Message, ...]
    tools_offered: bool
    expected: ToolCall | str
    kind: str
    split: Split

    def openai_messages(self) -> list[dict[str, Any]]:
        """The prompt as OpenAI chat messages, ready for `messages=`."""
        return [message.openai() for message in self.messages]

    def conversation(self) -> list[dict[str, Any]]:
        """The prompt and the wanted answer, as OpenAI chat messages."""
        if isinstance(self.expected, ToolCall):
            answer = Message("assistant", tool_call=self.expected, call_id="call_answer")
        else:
            answer = Message("assistant", self.expected)
        return [*self.openai_messages(), answer.openai()]

    def last_user_text(self) -> str:
        """The user's last message, which every argument is taken from."""
        return next(message.content for message in reversed(self.messages) if message.role == "user")
