"""Raw answers become messages, whatever the bytes are."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.values.exchange import ToolCall, Usage
from monitor.answers import Answer, read_answer
from tests.monitor.wire import call, completion, delta, event, stream

CALLS = (call(title="buy milk", hours=2), call("list_tasks"))


def test_a_completion_is_read() -> None:
    answer = read_answer(completion("hello", *CALLS, finish="tool_calls"))

    assert answer == Answer(
        text="hello",
        tool_calls=tuple(ToolCall(name=name, arguments=arguments) for name, arguments in CALLS),
        finish="tool_calls",
        usage=Usage(prompt_tokens=7, completion_tokens=3),
    )


@given(
    text=st.text(max_size=30),
    arguments=st.lists(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=9)), max_size=3),
    piece=st.integers(1, 7),
)
def test_a_stream_in_any_pieces_adds_up_to_the_same_answer(
    text: str, arguments: list[dict[str, object]], piece: int
) -> None:
    calls = [(f"tool{i}", json.dumps(values)) for i, values in enumerate(arguments)]

    whole = read_answer(completion(text, *calls, finish="tool_calls" if calls else "stop"))

    assert read_answer(stream(text, *calls, piece=piece)) == whole


def test_carriage_returns_comments_and_a_missing_last_blank_line_are_understood() -> None:
    raw = stream("good day").replace(b"\n", b"\r\n").removesuffix(b"\r\n")

    assert read_answer(b": keep-alive\r\n\r\n" + raw).text == "good day"


def test_calls_without_an_index_begin_with_their_name() -> None:
    whole = [{"function": {"name": name, "arguments": arguments}} for name, arguments in CALLS]
    raw = delta(tool_calls=whole[:1]) + delta(tool_calls=whole[1:]) + delta("tool_calls")

    assert [(c.name, c.arguments) for c in read_answer(raw).tool_calls] == list(CALLS)


def test_arguments_given_as_an_object_are_taken_as_their_text() -> None:
    body = {"choices": [{"message": {"tool_calls": [{"function": {"name": "a", "arguments": {"x": 1}}}]}}]}

    assert read_answer(json.dumps(body).encode()).tool_calls == (ToolCall(name="a", arguments='{"x":1}'),)


def test_a_stream_that_breaks_off_keeps_what_came_before() -> None:
    raw = delta(content="half an ans") + b'data: {"choi'

    answer = read_answer(raw)

    assert answer.text == "half an ans"
    assert answer.error == "an event of the stream is not a JSON object"
    assert answer.finish is None


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"", "the answer is empty"),
        (b"  \n", "the answer is empty"),
        (b"<html>502</html>", "the answer is not a JSON object"),
        (b"[1, 2]", "the answer is not a JSON object"),
        (b'{"id": 1}', "the answer has no choices"),
        (b'{"error": {"message": "too long"}}', "the engine reports an error: too long"),
        (b'{"object": "error", "message": "no"}', "the engine reports an error: no"),
        (b'{"error": "odd"}', "the engine reports an error: without a message"),
        (event(error={"message": "out of memory"}), "the engine reports an error: out of memory"),
        (b"data: 7\n\n", "an event of the stream is not a JSON object"),
    ],
)
def test_broken_answers_are_described(raw: bytes, error: str) -> None:
    assert read_answer(raw).error == error


@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda raw: b"data: " + raw))
def test_no_bytes_raise(raw: bytes) -> None:
    read_answer(raw)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "message",
                    "delta",
                    "content",
                    "tool_calls",
                    "function",
                    "name",
                    "arguments",
                    "index",
                    "finish_reason",
                    "usage",
                    "prompt_tokens",
                    "completion_tokens",
                    "error",
                    "text",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.booleans())
def test_no_json_raises(body: object, streamed: bool) -> None:
    raw = json.dumps(body).encode()

    read_answer(b"data: " + raw + b"\n\n" if streamed else raw)
