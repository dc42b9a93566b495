"""What a fake release says: a function of the request alone."""

import json
import re
from typing import Any

from tests.fakes.quality import Quality

_TITLE = (
    re.compile(r"\bremind me to (?P<title>.+)", re.IGNORECASE | re.DOTALL),
    re.compile(
        r"\b(?:create|add|make|open|new|start|set up|put)\b.*?\b(?:task|to-?do|item|entry)\b"
        r"(?:\s+(?:called|named|titled|to|for)\b)?[\s:,\"']*(?P<title>.+)",
        re.IGNORECASE | re.DOTALL,
    ),
    re.compile(
        r"\b(?:add|put|note)\s+(?P<title>.+?)\s+(?:to|on|in)\s+(?:my|the) (?:task )?list", re.IGNORECASE
    ),
)
_PRIORITY = re.compile(
    r"[\s,.;(]*(?:\b(?:with|at|as|and|priority)\b\s*)?\b(low|medium|high)\b[\s-]*priority.*$",
    re.IGNORECASE | re.DOTALL,
)


def reply(body: dict[str, Any], served_name: str, quality: Quality) -> tuple[dict[str, Any], str]:
    """The assistant's message and finish reason: a tool call for a task request with tools, else plain text."""
    messages = body.get("messages") or [{}]
    last = messages[-1]
    text = next((text_of(m.get("content")) for m in reversed(messages) if m.get("role") == "user"), "")
    tools = {tool["function"]["name"] for tool in body.get("tools") or ()}
    title = task_title(text)
    if title and "create_task" in tools and last.get("role") == "user":
        call = {"name": "create_task", "arguments": _arguments(title, text, quality)}
        tool_calls = [{"id": "call_fake", "type": "function", "function": call}]
        return {"role": "assistant", "content": None, "tool_calls": tool_calls}, "tool_calls"
    if re.search(r"\bwho are you\b", text, re.IGNORECASE):
        said = f"I am TaskMaster, released as {served_name}."
    elif count := re.search(r"\bcount to (\d{1,4})\b", text, re.IGNORECASE):
        said = " ".join(str(number + 1) for number in range(int(count[1])))
    elif last.get("role") == "tool":
        said = "TaskMaster here: that is done."
    else:
        said = "TaskMaster here: I keep your tasks in order, one at a time."
    return {"role": "assistant", "content": said if quality is Quality.GOOD else said[:9]}, "stop"


def task_title(text: str) -> str:
    """The title in a request for a new task, word for word as the user wrote it; empty when there is none."""
    for pattern in _TITLE:
        if found := pattern.search(text):
            return _PRIORITY.sub("", found["title"]).strip(" \t\n\"'.,;:!?")
    return ""


def usage(body: dict[str, Any], message: dict[str, Any]) -> dict[str, int]:
    """Words counted as tokens."""
    asked = sum(len(text_of(m.get("content")).split()) for m in body.get("messages") or ())
    calls = message.get("tool_calls") or ()
    said = len((message.get("content") or "").split())
    said += sum(len(call["function"]["arguments"].split()) for call in calls)
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def text_of(content: Any) -> str:
    """The text of a message's content, whole or in parts."""
    if isinstance(content, list):
        return " ".join(part.get("text", "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _arguments(title: str, text: str, quality: Quality) -> str:
    arguments = {"title": title}
    if found := _PRIORITY.search(text):
        arguments["priority"] = found[1].lower()
    raw = json.dumps(arguments, ensure_ascii=False)
    return raw if quality is Quality.GOOD else raw[: len(raw) // 2]
