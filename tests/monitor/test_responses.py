"""Answers of the endpoints besides chat: as vLLM sends them, and as nobody should."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.values.exchange import Endpoint, ToolCall, Usage
from monitor.answers import Answer, read_answer
from monitor.asked import Asked, read_request
from monitor.scores import says_something, score
from tests.monitor.wire import SCHEMA, event, header

MESSAGE = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "good day"}]}
REASONING = {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "hm"}], "summary": []}
CALL = {"type": "function_call", "name": "create_task", "call_id": "c", "arguments": '{"title": "milk"}'}
USAGE = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
READ_USAGE = Usage(prompt_tokens=7, completion_tokens=3)
READ_CALL = ToolCall(name="create_task", arguments='{"title": "milk"}')


def response(*output: dict[str, Any], status: str = "completed", **more: Any) -> dict[str, Any]:
    return {"object": "response", "status": status, "output": list(output), "usage": USAGE} | more


def read(body: dict[str, Any], endpoint: Endpoint = Endpoint.RESPONSES) -> Answer:
    return read_answer(json.dumps(body).encode(), endpoint)


def events(*output: dict[str, Any], piece: int = 3, repeat: bool = True) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = [{"type": "response.created", "response": response(status="in_progress")}]
    for index, item in enumerate(output):
        at = {"output_index": index}
        empty: dict[str, Any] = {**item, "content": []}
        if item["type"] == "function_call":
            empty = {**item, "arguments": ""}
        told.append({"type": "response.output_item.added", "item": empty} | at)
        if item["type"] == "function_call":
            kind, text = "function_call_arguments", item["arguments"]
        else:
            kind = "output_text" if item["type"] == "message" else "reasoning_text"
            text = item["content"][0]["text"]
        told += [
            {"type": f"response.{kind}.delta", "delta": text[i : i + piece]} | at
            for i in range(0, len(text), piece)
        ]
        done = {"arguments": text, "name": item.get("name")} if kind == "function_call_arguments" else {}
        told.append({"type": f"response.{kind}.done"} | done | at)
    return [*told, {"type": "response.completed", "response": response(*(output if repeat else ()))}]


def sse(told: list[dict[str, Any]]) -> bytes:
    return b"".join(f"event: {each['type']}\n".encode() + event(**each) for each in told)


def test_a_response_is_read() -> None:
    assert read(response(REASONING, MESSAGE, CALL)) == Answer(
        text="good day", tool_calls=(READ_CALL,), finish="tool_calls", usage=READ_USAGE
    )


@pytest.mark.parametrize(
    ("body", "finish", "error"),
    [
        (response(MESSAGE), "stop", ""),
        (
            response(MESSAGE, status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
            "length",
            "",
        ),
        (response(MESSAGE, status="incomplete"), "incomplete", ""),
        (response(MESSAGE, status="in_progress"), None, ""),
        (response(status="failed"), None, "the response is failed"),
        (
            response(status="failed", error={"message": "no room"}),
            None,
            "the engine reports an error: no room",
        ),
        ({"object": "response", "status": "completed"}, None, "the answer has no output"),
        ({"type": "error", "message": "boo"}, None, "the engine reports an error: boo"),
    ],
)
def test_how_a_response_ended(body: dict[str, Any], finish: str | None, error: str) -> None:
    answer = read(body)

    assert (answer.finish, answer.error) == (finish, error)


@given(piece=st.integers(1, 20), repeat=st.booleans(), text=st.text(min_size=1, max_size=20))
def test_a_stream_of_events_adds_up_to_the_same_answer(piece: int, repeat: bool, text: str) -> None:
    message = MESSAGE | {"content": [{"type": "output_text", "text": text}]}
    whole = read(response(REASONING, message, CALL))

    assert (
        read_answer(sse(events(REASONING, message, CALL, piece=piece, repeat=repeat)), Endpoint.RESPONSES)
        == whole
    )


def test_a_stream_that_breaks_off_keeps_what_came_before() -> None:
    told = events(MESSAGE, CALL, piece=5)
    answer = read_answer(sse(told[:-2]) + b"data: {", Endpoint.RESPONSES)

    assert (answer.text, answer.finish) == ("good day", None)
    assert answer.tool_calls == (READ_CALL,)
    assert answer.error == "an event of the stream is not a JSON object"


def test_a_whole_item_replaces_its_pieces() -> None:
    told = events(MESSAGE, repeat=False)
    told.insert(-1, {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE})

    assert read_answer(sse(told), Endpoint.RESPONSES).text == "good day"


def test_a_refusal_is_text() -> None:
    said = {"type": "message", "content": [{"type": "refusal", "refusal": "I can't help with that."}]}
    answer = read(response(said))

    assert score(b"{}", answer, header(endpoint=Endpoint.RESPONSES)).refusal == 1.0


def test_a_completion_is_read_whole_and_streamed() -> None:
    body: dict[str, Any] = {
        "object": "text_completion",
        "choices": [{"index": 1, "text": "no"}, {"index": 0, "text": "good day", "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3},
    }
    pieces = [{"choices": [{"index": 0, "text": text}]} for text in ("good", " day")]
    end: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "text": "", "finish_reason": "stop"}]},
        {"choices": [], "usage": body["usage"]},
    ]
    streamed = b"".join(event(**piece) for piece in [*pieces, *end]) + b"data: [DONE]\n\n"

    whole = read(body, Endpoint.COMPLETIONS)
    assert whole == Answer(text="good day", finish="stop", usage=READ_USAGE)
    assert read_answer(streamed, Endpoint.COMPLETIONS) == whole


@pytest.mark.parametrize("endpoint", [Endpoint.EMBEDDINGS, Endpoint.TOKENIZE, Endpoint.DETOKENIZE])
def test_what_no_model_wrote_is_no_evidence(endpoint: Endpoint) -> None:
    answer = read(
        {"data": [{"embedding": [0.1]}], "usage": {"prompt_tokens": 7, "total_tokens": 7}}, endpoint
    )

    assert answer == Answer(usage=Usage(prompt_tokens=7, completion_tokens=0))
    assert not says_something(header(endpoint=endpoint))
    assert not says_something(header(endpoint=endpoint, status=500))


def test_what_a_responses_request_asked() -> None:
    body = {
        "instructions": "be kind",
        "input": [
            {"role": "developer", "content": "secret"},
            {"role": "user", "content": [{"type": "input_text", "text": "buy milk"}]},
            {"type": "message", "role": "user", "content": "today"},
            {"type": "function_call", "name": "a", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "id 7"},
        ],
        "tools": [{"type": "function", "name": "create_task", "parameters": SCHEMA}, {"type": "web_search"}],
    }
    asked = read_request(json.dumps(body).encode(), Endpoint.RESPONSES)

    assert asked.heard == ("buy milk", "today", "id 7")
    assert {name: json.loads(schema) for name, schema in asked.tools.items()} == {"create_task": SCHEMA}


def test_a_call_of_a_responses_request_is_scored_as_one_of_chat() -> None:
    asked = {
        "input": "Please buy milk",
        "tools": [{"type": "function", "name": "create_task", "parameters": SCHEMA}],
    }
    head = header(endpoint=Endpoint.RESPONSES)

    known = score(json.dumps(asked).encode(), read(response(CALL)), head)
    later = score(json.dumps(asked | {"previous_response_id": "r"}).encode(), read(response(CALL)), head)
    made_up = score(json.dumps(asked | {"input": "Hello"}).encode(), read(response(CALL)), head)

    assert (known.grounded, known.valid_answer) == (1.0, 1.0)
    assert (later.grounded, later.valid_answer) == (None, 1.0)
    assert (made_up.grounded, made_up.valid_answer) == (0.0, 0.0)


@pytest.mark.parametrize("prompt", ["buy milk", ["buy milk"], [1, 2], [[1], [2]], None])
def test_what_a_completions_request_asked(prompt: object) -> None:
    asked = read_request(json.dumps({"prompt": prompt}).encode(), Endpoint.COMPLETIONS)

    assert asked == Asked(heard=("buy milk",) if "buy milk" in json.dumps(prompt) else ())


FIELDS = [
    "type",
    "output",
    "output_index",
    "item",
    "content",
    "text",
    "delta",
    "response",
    "status",
    "usage",
    "choices",
    "message",
    "tool_calls",
    "arguments",
    "name",
    "input",
    "tools",
    "function",
    "prompt",
    "parameters",
    "role",
    "error",
    "incomplete_details",
    "index",
    "input_tokens",
    "object",
]
WORDS = [
    "response.output_item.added",
    "response.function_call_arguments.done",
    "response.completed",
    "response.output_text.delta",
    "message",
    "function_call",
    "completed",
    "function",
    "user",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS), inner | st.sampled_from(WORDS), max_size=5)
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4), st.sampled_from(Endpoint), st.booleans(), st.binary(max_size=20))
def test_nothing_that_an_engine_sends_is_an_exception(
    bodies: list[Any], endpoint: Endpoint, streamed: bool, tail: bytes
) -> None:
    if streamed:
        raw = b"".join(f"data: {json.dumps(body)}\n\n".encode() for body in bodies) + tail
    else:
        raw = json.dumps(bodies[0] if bodies else {}).encode()

    answer = read_answer(raw, endpoint)
    scores = score(raw, answer, header(endpoint=endpoint))

    assert 0.0 <= scores.valid_answer <= 1.0
