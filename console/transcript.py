"""Requests and answers of the chat, completions and responses APIs as text to read; what does not parse, as it came."""

import json
from collections.abc import Iterable
from typing import Any

from aftertune.visible import mended

_TEXT_PARTS = frozenset({"input_text", "output_text"})


def prompt_text(request: bytes) -> str:
    """The conversation, one `role: content` a message; or the prompt."""
    body = _json(request)
    fields = body if isinstance(body, dict) else {}
    messages = fields.get("messages", fields.get("input"))
    if isinstance(messages, list):
        return conversation_text(messages)
    plain = fields.get("prompt", messages)
    return mended(plain) if isinstance(plain, str) else _raw(request)


def conversation_text(messages: Iterable[Any]) -> str:
    """One `role: content` a message, then its tool calls."""
    return mended("\n".join(_message_text(message) for message in messages))


def answer_text(answer: bytes) -> str:
    """The first choice's text, then its tool calls as `name(arguments)`; an answer may be JSON or a stream of it."""
    streamed = answer.lstrip().startswith((b"data:", b"event:"))
    bodies = list(_stream(answer)) if streamed else [_json(answer)]
    output = next((items for body in reversed(bodies) if (items := _output(body)) is not None), None)
    if output is not None:
        return mended("\n".join(_message_text(item, speaker=False) for item in output))
    messages = [m for m in (_first_message(body) for body in bodies) if m is not None]
    if not messages:
        return _raw(answer)
    text = "".join(_content_text(message.get("content")) for message in messages)
    calls = _calls(messages)
    return mended("\n".join(part for part in (text, *calls) if part))


def _stream(answer: bytes) -> Iterable[Any]:
    for line in answer.splitlines():
        if line.startswith(b"data:") and line[5:].strip() != b"[DONE]":
            yield _json(line[5:])


def _output(body: Any) -> list[Any] | None:
    """The items of a response, or of the event that repeats it at a stream's end."""
    response = body.get("response", body) if isinstance(body, dict) else None
    output = response.get("output") if isinstance(response, dict) else None
    return output if isinstance(output, list) and output else None


def _first_message(body: Any) -> dict[str, Any] | None:
    choices = body.get("choices") if isinstance(body, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, dict):
        return None
    message = first.get("message", first.get("delta", {"content": first.get("text")}))
    return message if isinstance(message, dict) else None


def _message_text(message: Any, *, speaker: bool = True) -> str:
    if not isinstance(message, dict):
        return _written(message)
    if message.get("type") == "function_call":
        return f"{message.get('name')}({message.get('arguments')})"
    text = _content_text(message.get("content", message.get("output")))
    said = f"{message.get('role') or message.get('type')}: {text}" if speaker else text
    return "\n".join(part for part in (said, *_calls([message])) if part)


def _content_text(content: Any) -> str:
    """Text as it is, also in the parts of the responses API; anything else as JSON."""
    if content is None:
        return ""
    parts = content if isinstance(content, list) else [content]
    if all(isinstance(part, dict) and part.get("type") in _TEXT_PARTS for part in parts):
        return "".join(str(part.get("text", "")) for part in parts)
    return content if isinstance(content, str) else _written(content)


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


def _written(value: Any) -> str:
    """What was just deep enough to be read may be too deep to be written."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "(nested too deeply to be shown)"


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _raw(text: bytes) -> str:
    return text.decode(errors="replace")
