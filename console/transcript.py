"""Requests and answers of the chat API as text to read. What does not parse is shown as it came."""

import json
from collections.abc import Iterable
from typing import Any


def prompt_text(request: bytes) -> str:
    """The conversation, one `role: content` a message."""
    body = _json(request)
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list):
        return _raw(request)
    return "\n".join(_message_text(message) for message in messages)


def answer_text(answer: bytes) -> str:
    """The first choice's text, then its tool calls as `name(arguments)`; an answer may be JSON or a stream of it."""
    deltas = list(_stream(answer)) if answer.lstrip().startswith(b"data:") else [_json(answer)]
    messages = [m for m in (_first_message(delta) for delta in deltas) if m is not None]
    if not messages:
        return _raw(answer)
    text = "".join(_content_text(message.get("content")) for message in messages)
    calls = _calls(messages)
    return "\n".join(part for part in (text, *calls) if part)


def _stream(answer: bytes) -> Iterable[Any]:
    for line in answer.splitlines():
        if line.startswith(b"data:") and line[5:].strip() != b"[DONE]":
            yield _json(line[5:])


def _first_message(body: Any) -> dict[str, Any] | None:
    choices = body.get("choices") if isinstance(body, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, dict):
        return None
    message = first.get("message", first.get("delta"))
    return message if isinstance(message, dict) else None


def _message_text(message: Any) -> str:
    if not isinstance(message, dict):
        return json.dumps(message, ensure_ascii=False)
    text = _content_text(message.get("content"))
    return "\n".join(part for part in (f"{message.get('role')}: {text}", *_calls([message])) if part)


def _content_text(content: Any) -> str:
    if content is None:
        return ""
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def _calls(messages: list[dict[str, Any]]) -> list[str]:
    """Tool calls, put together by their index where a stream sent them in pieces."""
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    for message in messages:
        calls = message.get("tool_calls")
        for position, call in enumerate(calls if isinstance(calls, list) else []):
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict):
                given = call.get("index")
                index = given if isinstance(given, int) else position
                names[index] = names.get(index, "") + str(function.get("name") or "")
                arguments[index] = arguments.get(index, "") + str(function.get("arguments") or "")
    return [f"{names[index]}({arguments[index]})" for index in sorted(names)]


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _raw(text: bytes) -> str:
    return text.decode(errors="replace")
