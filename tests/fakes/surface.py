"""The shapes of every endpoint that the fake engine serves, as vLLM gives them: the same bytes for the same request."""

import base64
import json
import re
import struct
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from tests.fakes.quality import Quality
from tests.fakes.reply import reply, text_of, usage

CREATED = 1_767_571_200
DIMENSIONS = 8
DONE = b"data: [DONE]\n\n"


def chat(body: dict[str, Any], served_name: str, quality: Quality) -> dict[str, Any]:
    """A whole chat completion; `n` choices alike."""
    message, finish = reply(body, served_name, quality)
    choice = {"message": message, "logprobs": None, "finish_reason": finish}
    return {
        "id": "chatcmpl-fake",
        "object": "chat.completion",
        "created": CREATED,
        "model": served_name,
        "choices": [{"index": index, **choice} for index in range(body.get("n") or 1)],
        "usage": usage(body, message),
    }


def events(body: dict[str, Any], served_name: str, quality: Quality) -> Iterator[bytes]:
    """The server-sent events of a streamed chat answer, `[DONE]` included."""
    message, finish = reply(body, served_name, quality)

    def chunk(choices: list[dict[str, Any]], **extra: Any) -> bytes:
        head = {"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": CREATED}
        return _data({**head, "model": served_name, "choices": choices, **extra})

    def delta(piece: dict[str, Any], finish_reason: str | None = None) -> bytes:
        return chunk([{"index": 0, "delta": piece, "logprobs": None, "finish_reason": finish_reason}])

    yield delta({"role": "assistant", "content": ""})
    for word in _words(message["content"]):
        yield delta({"content": word})
    for index, call in enumerate(message.get("tool_calls") or ()):
        function = call["function"]
        named = {"name": function["name"], "arguments": ""}
        yield delta(
            {"tool_calls": [{"index": index, "id": call["id"], "type": "function", "function": named}]}
        )
        for piece in _eights(function["arguments"]):
            yield delta({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield delta({}, finish)
    if _wants_usage(body):
        yield chunk([], usage=usage(body, message))
    yield DONE


def completion(body: dict[str, Any], served_name: str, quality: Quality) -> dict[str, Any]:
    """A whole text completion, one choice for each prompt."""
    prompts = body["prompt"] if isinstance(body.get("prompt"), list) else [body.get("prompt")]
    asked = [_conversation(prompt) for prompt in prompts]
    texts = [str(reply(each, served_name, quality)[0]["content"]) for each in asked]
    choices = [
        {"index": index, "text": text, "logprobs": None, "finish_reason": "stop", "stop_reason": None}
        for index, text in enumerate(texts)
    ]
    counted = usage(asked[0], {"content": texts[0]})
    return {**_completion_head(served_name), "choices": choices, "usage": counted}


def completion_events(body: dict[str, Any], served_name: str, quality: Quality) -> Iterator[bytes]:
    """The server-sent events of a streamed text completion, `[DONE]` included."""
    whole = completion(body, served_name, quality)
    head = _completion_head(served_name)
    for choice in whole["choices"]:
        for word in _words(choice["text"]):
            yield _data({**head, "choices": [{**choice, "text": word, "finish_reason": None}]})
        yield _data({**head, "choices": [{**choice, "text": ""}]})
    if _wants_usage(body):
        yield _data({**head, "choices": [], "usage": whole["usage"]})
    yield DONE


def response(body: dict[str, Any], served_name: str, quality: Quality) -> dict[str, Any]:
    """A whole answer of the responses API: a message or a function call as its one output item."""
    asked = _asked(body)
    message, _ = reply(asked, served_name, quality)
    calls = message.get("tool_calls")
    counted = usage(asked, message)
    return {
        "id": "resp_fake",
        "object": "response",
        "created_at": CREATED,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "metadata": body.get("metadata") or {},
        "model": served_name,
        "output": [_function_call(calls[0]) if calls else _message(message["content"])],
        "parallel_tool_calls": True,
        "temperature": body.get("temperature", 1.0),
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p", 1.0),
        "usage": {
            "input_tokens": counted["prompt_tokens"],
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": counted["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": counted["total_tokens"],
        },
    }


def response_events(body: dict[str, Any], served_name: str, quality: Quality) -> Iterator[bytes]:
    """The named, numbered events of a streamed response; it ends with `response.completed`, without `[DONE]`."""
    whole = response(body, served_name, quality)
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    for number, event in enumerate(_response_steps(whole, begun)):
        event["sequence_number"] = number
        yield b"event: %s\n" % event["type"].encode() + _data(event)


def embeddings(body: dict[str, Any], served_name: str) -> dict[str, Any]:
    """One vector for each input, as floats or in base64."""
    inputs = body["input"] if isinstance(body.get("input"), list) else [body.get("input")]
    packed = body.get("encoding_format") == "base64"
    data = [
        {"index": index, "object": "embedding", "embedding": _vector(str(text), packed=packed)}
        for index, text in enumerate(inputs)
    ]
    tokens = sum(len(str(text).split()) for text in inputs)
    counted = {"prompt_tokens": tokens, "total_tokens": tokens, "completion_tokens": 0}
    head = {"id": "embd-fake", "object": "list", "created": CREATED, "model": served_name}
    return {**head, "data": data, "usage": counted}


def tokens_of(body: dict[str, Any]) -> dict[str, Any]:
    """A token for each character of the prompt."""
    text = body.get("prompt") or " ".join(text_of(m.get("content")) for m in body.get("messages") or ())
    return {"count": len(text), "max_model_len": 4096, "tokens": [ord(each) for each in text]}


def text_from(body: dict[str, Any]) -> dict[str, Any]:
    """What `tokens_of` took apart."""
    return {"prompt": "".join(chr(token) for token in body.get("tokens") or ())}


def _data(event: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(event)}\n\n".encode()


def _words(text: str | None) -> list[str]:
    return re.findall(r"\S+\s*", text or "")


def _eights(text: str) -> list[str]:
    return [text[start : start + 8] for start in range(0, len(text), 8)]


def _wants_usage(body: dict[str, Any]) -> bool:
    return bool((body.get("stream_options") or {}).get("include_usage"))


def _conversation(text: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def _completion_head(served_name: str) -> dict[str, Any]:
    return {"id": "cmpl-fake", "object": "text_completion", "created": CREATED, "model": served_name}


def _asked(body: dict[str, Any]) -> dict[str, Any]:
    """A request of the responses API as a chat request."""
    asked = body.get("input")
    given = asked if isinstance(asked, list) else [{"role": "user", "content": asked}]
    messages = [item for item in given if "role" in item] or [{}]
    return {"messages": messages, "tools": [{"function": tool} for tool in body.get("tools") or ()]}


def _message(text: str) -> dict[str, Any]:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {
        "id": "msg_fake",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [part],
    }


def _function_call(call: dict[str, Any]) -> dict[str, Any]:
    head = {"id": "fc_fake", "type": "function_call", "status": "completed", "call_id": call["id"]}
    return {**head, **call["function"]}


def _response_steps(whole: dict[str, Any], begun: dict[str, Any]) -> Iterator[dict[str, Any]]:
    (item,) = whole["output"]
    where = {"item_id": item["id"], "output_index": 0}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    if item["type"] == "function_call":
        opened = {**item, "status": "in_progress", "arguments": ""}
        yield {"type": "response.output_item.added", "output_index": 0, "item": opened}
        for piece in _eights(item["arguments"]):
            yield {"type": "response.function_call_arguments.delta", **where, "delta": piece}
        done = {"arguments": item["arguments"], "name": item["name"]}
        yield {"type": "response.function_call_arguments.done", **where, **done}
    else:
        (part,) = item["content"]
        where["content_index"] = 0
        opened = {**item, "status": "in_progress", "content": []}
        yield {"type": "response.output_item.added", "output_index": 0, "item": opened}
        yield {"type": "response.content_part.added", **where, "part": {**part, "text": ""}}
        for word in _words(part["text"]):
            yield {"type": "response.output_text.delta", **where, "delta": word, "logprobs": []}
        yield {"type": "response.output_text.done", **where, "text": part["text"], "logprobs": []}
        yield {"type": "response.content_part.done", **where, "part": part}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}
    yield {"type": "response.completed", "response": whole}


def _vector(text: str, *, packed: bool) -> list[float] | str:
    values = [byte / 256 for byte in sha256(text.encode()).digest()[:DIMENSIONS]]
    return base64.b64encode(struct.pack(f"<{DIMENSIONS}f", *values)).decode() if packed else values
