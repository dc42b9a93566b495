"""Answers reach the client as the engine wrote them, but for the model's name."""

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from serving.router.answer import EventStream, Renamed, WholeEvents, is_done
from tests.fakes.engine import Quality, events
from tests.serving.router.stack import CREATE_TASK, TASK, body

ends = st.sampled_from([b"\n\n", b"\r\n\r\n", b"\r\r", b"\n\r\n"])
lines = st.sampled_from(
    [
        b'data: {"model":"v1","choices":[{"delta":{"content":"a \\"model\\" b"}}]}',
        b": ping",
        b"event: error",
        b"data: [DONE]",
    ]
)


def relayed(pieces: list[bytes]) -> bytes:
    renamed = Renamed("v1", "tasks")
    passed = [event for piece in pieces for event in renamed.events((piece,), False)]
    return b"".join((*passed, *renamed.events((), True)))


def cut(text: bytes, places: list[int]) -> list[bytes]:
    borders = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in pairwise(borders)]


@given(
    st.lists(st.tuples(lines, ends), max_size=6),
    st.lists(st.integers(min_value=0), max_size=12),
    st.booleans(),
)
def test_the_result_does_not_depend_on_how_the_stream_was_cut(
    parts: list[tuple[bytes, bytes]], places: list[int], ended: bool
) -> None:
    text = b"".join(line + end for line, end in parts) + (b"" if ended else b'data: {"model":"v1"')
    assert relayed(cut(text, places)) == relayed([text])
    assert relayed([text]).replace(b'"tasks"', b'"v1"') == text


@given(st.lists(st.integers(min_value=0), max_size=40))
def test_every_chunk_of_a_real_stream_is_renamed_and_nothing_else(places: list[int]) -> None:
    asked = body(TASK, tools=[CREATE_TASK], stream_options={"include_usage": True})
    text = b"".join(events(asked, "v1", Quality.GOOD))

    def parsed(stream: bytes) -> list[dict[str, Any]]:
        found = [event.removeprefix(b"data: ") for event in stream.split(b"\n\n") if event]
        assert found.pop() == b"[DONE]"
        return [json.loads(event) for event in found]

    renamed = parsed(relayed(cut(text, places)))
    assert {chunk["model"] for chunk in renamed} == {"tasks"}
    assert renamed == [{**chunk, "model": "tasks"} for chunk in parsed(text)]


def test_whole_events_leave_at_once_and_only_a_partial_one_is_held() -> None:
    stream = EventStream()
    assert stream.feed(b"data: 1\n\ndata: 2\n\nda") == [b"data: 1\n\n", b"data: 2\n\n"]
    assert stream.feed(b"ta: 3\n") == []
    assert stream.feed(b"\n") == [b"data: 3\n\n"]


@given(
    st.lists(st.tuples(lines, ends), max_size=6),
    st.lists(st.integers(min_value=0), max_size=12),
    st.booleans(),
)
def test_untouched_events_are_whole_and_every_byte_comes_through(
    parts: list[tuple[bytes, bytes]], places: list[int], ended: bool
) -> None:
    text = b"".join(line + end for line, end in parts) + (b"" if ended else b'data: {"model":"v1"')
    stream, passed = WholeEvents(), b""
    for piece in cut(text, places):
        released = b"".join(stream.events((piece,), False)) if piece else b""
        passed += released
        assert not released or released.endswith((b"\n\n", b"\n\r\n", b"\r\r"))
    assert passed + b"".join(stream.events((), True)) == text


def test_the_last_event_is_told_from_text_that_mentions_it() -> None:
    assert is_done(b"data: [DONE]\n\n")
    assert is_done(b"data:[DONE]\r\n\r\n")
    assert not is_done(b'data: {"choices":[{"delta":{"content":"data: [DONE]"}}]}\n\n')


def test_no_path_of_the_engine_s_machine_reaches_a_client() -> None:
    renaming = Renamed("/srv/models/v1", "tasks")
    assert (
        renaming.body(b'{"error":{"message":"no /srv/models/v1 here"}}')
        == b'{"error":{"message":"no tasks here"}}'
    )
    assert renaming.body(b'{"id":1,"model": "/srv/models/v1" }') == b'{"id":1,"model": "tasks" }'
    assert Renamed("v1", "tasks").body(b'{"error":"see /v1/models"}') == b'{"error":"see /v1/models"}'
