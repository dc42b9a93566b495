"""Bodies of every form: values change, shape stays, nothing that was found is left, nothing ever raises."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aftertune.errors import UnknownName
from aftertune.redaction import FAULT, Redactor, redactor
from aftertune.redaction.patterns import KINDS, redacted
from aftertune.settings import Settings
from aftertune.settings.sections import RedactionSettings

PATTERNS = redactor(Settings())
MAIL = "john.doe@example.com"
SECRETS = (MAIL, "+49 170 1234567", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "536-90-4399")


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def read(value: Any) -> Any:
    return json.loads(PATTERNS.redact(body(value)))


def sse(*events: Any) -> bytes:
    return b"".join(b"data: %s\n\n" % body(event) for event in events) + b"data: [DONE]\n\n"


def said(stream: bytes) -> list[Any]:
    return [json.loads(line[6:]) for line in stream.decode().splitlines() if line.startswith("data: {")]


def delta(index: int = 0, **content: Any) -> dict[str, Any]:
    return {"id": "c", "choices": [{"index": index, "delta": content, "finish_reason": None}]}


texts = st.lists(st.sampled_from(SECRETS) | st.text(max_size=6), max_size=4).map(" ".join)
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value]
    return str if isinstance(value, str) else value


@given(documents)
def test_json_keeps_its_shape_and_loses_what_identifies(document: Any) -> None:
    raw = body(document)
    result = PATTERNS.redact(raw)
    assert shape(json.loads(result)) == shape(document)
    assert not [secret for secret in SECRETS if secret in json.dumps(json.loads(result))]
    assert PATTERNS.redact(result) == result
    if not any(secret in json.dumps(document) for secret in SECRETS):
        assert result == raw


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_bytes_make_it_raise_and_twice_is_once(raw: bytes) -> None:
    result = PATTERNS.redact(raw)
    assert PATTERNS.redact(result) == result


@given(st.text(st.sampled_from(list('\\u0041n"{}[]:,datevn. \n\r@a')), max_size=60))
def test_twice_is_once_for_what_is_nearly_json(text: str) -> None:
    result = PATTERNS.redact(text.encode())
    assert PATTERNS.redact(result) == result


def cut(text: str, cuts: list[int]) -> list[str]:
    edges = [0, *sorted({min(at, len(text)) for at in cuts}), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(edges)]


@given(texts, st.lists(st.integers(0, 80), max_size=12))
def test_text_that_is_split_over_deltas_is_found(text: str, cuts: list[int]) -> None:
    pieces = cut(text, cuts)
    raw = sse(delta(role="assistant", content=""), *(delta(content=piece) for piece in pieces), delta())
    result = PATTERNS.redact(raw)
    events = said(result)
    assert len(events) == len(pieces) + 2
    together = "".join(event["choices"][0]["delta"].get("content", "") for event in events)
    assert together == redacted(text, frozenset(KINDS))
    assert result.endswith(b"data: [DONE]\n\n")
    assert PATTERNS.redact(result) == result
    if together == text:
        assert result == raw


@given(st.lists(st.integers(0, 120), max_size=12), st.sampled_from(SECRETS))
def test_arguments_that_are_split_over_deltas_stay_json(cuts: list[int], secret: str) -> None:
    arguments = json.dumps({"to": f"for {secret}", "days": [1, 2]})
    calls = [
        delta(tool_calls=[{"index": 1, "function": {"arguments": piece}}]) for piece in cut(arguments, cuts)
    ]
    first = delta(tool_calls=[{"index": 1, "id": "call_1", "function": {"name": "send", "arguments": ""}}])
    other = delta(tool_calls=[{"index": 0, "function": {"arguments": '{"a":1}'}}])
    events = said(PATTERNS.redact(sse(first, other, *calls)))
    assert events[1] == other
    parts = [event["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"] for event in events]
    made = json.loads("".join([parts[0], *parts[2:]]))
    assert made["days"] == [1, 2]
    assert made["to"].startswith("for [")
    assert secret not in made["to"]


def test_choices_and_kinds_of_text_are_not_mixed() -> None:
    raw = sse(
        delta(0, content="john@exa"),
        delta(1, content="mple.com"),
        delta(0, reasoning_content="mple.com"),
        delta(0, content="mple"),
    )
    assert PATTERNS.redact(raw) == raw
    assert b"[EMAIL]" in PATTERNS.redact(sse(delta(0, content="john@exa"), delta(0, content="mple.com")))


def test_completions_and_responses_are_streams_too() -> None:
    text = [{"choices": [{"index": 0, "text": piece}]} for piece in ("john@", "example", ".com")]
    assert [event["choices"][0]["text"] for event in said(PATTERNS.redact(sse(*text)))] == ["[EMAIL]", "", ""]
    name = {"type": "response.output_text.delta", "item_id": "i", "output_index": 0, "content_index": 0}
    events = [
        *({**name, "delta": piece} for piece in ("john@ex", "ample.com")),
        {**name, "item_id": "other", "delta": "plain"},
        {"type": "response.completed", "response": {"output": [{"content": [{"text": "john@example.com"}]}]}},
    ]
    made = said(PATTERNS.redact(sse(*events)))
    assert [event.get("delta") for event in made] == ["[EMAIL]", "", "plain", None]
    assert made[3]["response"]["output"][0]["content"][0]["text"] == "[EMAIL]"


def test_a_stream_keeps_its_comments_names_and_line_ends() -> None:
    raw = b"event: message\r\nid: 7\r\ndata: %s\r\n\r\n: ask %s\r\ndata: [DONE]\r\n\r\n"
    made = PATTERNS.redact(raw % (body(delta(content=MAIL)), MAIL.encode()))
    assert made == raw % (
        json.dumps(delta(content="[EMAIL]"), separators=(",", ":")).encode(),
        b"[EMAIL]",
    )


def test_a_stream_that_breaks_off_is_redacted_to_its_end() -> None:
    raw = (
        sse(delta(content="a"))[:-14] + b'data: {"choices":[{"delta":{"content":"to \\njohn\\u0040example.com'
    )
    made = PATTERNS.redact(raw)
    assert b"[EMAIL]" in made
    assert b"example" not in made
    assert made.count(b"\n") == raw.count(b"\n")


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ({"a": f"write to {MAIL}", "n": 1.0}, {"a": "write to [EMAIL]", "n": 1.0}),
        ({MAIL: MAIL}, {MAIL: "[EMAIL]"}),
        ({"arguments": json.dumps({"to": MAIL})}, {"arguments": '{"to":"[EMAIL]"}'}),
        ({"arguments": json.dumps({"x": json.dumps([MAIL])})}, {"arguments": '{"x":"[\\"[EMAIL]\\"]"}'}),
        ({"arguments": '{"to": "john\\u0040example.com", "cut'}, {"arguments": '{"to": "[EMAIL]", "cut'}),
        ({"password": "correct horse", "max_tokens": 5}, {"password": "[SECRET]", "max_tokens": 5}),
        (
            {"phone_number": "5551234", "phone": "see below"},
            {"phone_number": "[PHONE]", "phone": "see below"},
        ),
        ({"card": 4111111111111111, "order": 4111111111111112}, {"card": 0, "order": 4111111111111112}),
        ({"prompt": [[1, 2], [3]], "numbers": [1, 2]}, {"prompt": [], "numbers": [1, 2]}),
        ({"url": "data:image/png;base64,iVBORw0KGgo="}, {"url": "[BINARY]"}),
        ({"file_data": "JVBERi0="}, {"file_data": "[BINARY]"}),
        ({"text": MAIL, "logprobs": {"content": [{"token": "john"}]}}, {"text": "[EMAIL]", "logprobs": None}),
        (
            {"text": "x", "logprobs": {"content": [{"token": "x"}]}},
            {"text": "x", "logprobs": {"content": [{"token": "x"}]}},
        ),
        ({"logprobs": True, "a": MAIL}, {"logprobs": True, "a": "[EMAIL]"}),
    ],
)
def test_values(value: Any, result: Any) -> None:
    assert read(value) == result


def test_escapes_hide_nothing() -> None:
    assert b"john" not in PATTERNS.redact(b'{"a":"\\u006aohn.doe\\u0040example.com"}')
    assert PATTERNS.redact(b'"\\ud800 john@example.com"') == b'"\\ud800 [EMAIL]"'


def test_a_key_that_comes_twice_hides_nothing() -> None:
    assert json.loads(PATTERNS.redact(b'{"a":"john@example.com","a":"b"}')) == {"a": "b"}
    assert b"john" not in PATTERNS.redact(body({"x": '{"a":"john@example.com","a":"b"}'}))


@pytest.mark.parametrize(
    ("raw", "result"),
    [
        (b"ask john@example.com", b"ask [EMAIL]"),
        (b"\xff\xfe ask john@example.com", b"\xff\xfe ask [EMAIL]"),
        (b'{"a": "john@example.com', b'{"a": "[EMAIL]'),
        (b'{"a": "call\\n+49 170 1234567', b'{"a": "call\n[PHONE]'),
        ("john@example.com".encode("utf-16"), FAULT),
        (b"[" * 100_000, FAULT),
        (b"[" * 300 + b"]" * 300, FAULT),
        (b"", b""),
        (FAULT, FAULT),
    ],
)
def test_what_is_no_json_is_text_and_what_cannot_be_read_is_not_kept(raw: bytes, result: bytes) -> None:
    assert PATTERNS.redact(raw) == result


def test_a_fault_lets_nothing_through(caplog: pytest.LogCaptureFixture) -> None:
    def broken(text: str) -> str:
        raise ZeroDivisionError(text)

    for raw in (body({"a": MAIL}), sse(delta(content=MAIL)), MAIL.encode()):
        assert Redactor(broken).redact(raw) == FAULT
    assert "ZeroDivisionError" in caplog.text
    assert MAIL not in caplog.text


@settings(max_examples=30)
@given(st.sampled_from(SECRETS), st.integers(0, 3))
def test_settings_choose_the_kinds(secret: str, nested: int) -> None:
    only_mail = redactor(Settings(redaction=RedactionSettings(entities=("EMAIL",))))
    value: Any = {"text": secret, "phone": "555 123 4567", "card": 4111111111111111}
    for _ in range(nested):
        value = [value]
    result = only_mail.redact(body(value))
    assume(secret != MAIL)
    assert result == body(value)


def test_an_unknown_kind_stops_the_program() -> None:
    with pytest.raises(UnknownName, match=r"Known: .*EMAIL"):
        redactor(Settings(redaction=RedactionSettings(entities=("NAME",))))
