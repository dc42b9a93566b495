"""Outside logs: which lines are exchanges, what they become, and that each is one wherever it stands."""

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aftertune.errors import BadInput, UnknownName
from aftertune.outside import LONGEST_LINE, OutsideExchange, Placed, exchange_id, record
from aftertune.outside_log import BadLine, Line, read_log, read_map
from aftertune.values.exchange import CapturePolicy, Endpoint, ExchangeError, ExchangeRole, Source
from tests.aftertune.samples import AT

CHAT = {"model": "gpt", "messages": [{"role": "user", "content": "hi"}], "user": "u-7"}
ANSWER = {"choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}]}
PLACED = Placed("tasks", "v1", CapturePolicy.FULL)


def line(**changes: Any) -> OutsideExchange:
    known: dict[str, Any] = {"request": CHAT, "response": ANSWER, "at": AT}
    return OutsideExchange.model_validate(known | changes)


def log(*lines: object, paths: dict[str, tuple[str, ...]] | None = None) -> list[Line | BadLine]:
    raw = b"".join(each if isinstance(each, bytes) else json.dumps(each).encode() + b"\n" for each in lines)
    return list(read_log(io.BytesIO(raw), paths or {}))


def test_a_line_becomes_what_a_router_would_have_written() -> None:
    header, request, answer = record(line(id="r-1", latency_s=2.5, conversation="c-1"), PLACED, "olga", AT)

    assert (header.deployment, header.release, header.role) == ("tasks", "v1", ExchangeRole.STABLE)
    assert (header.router, header.key, header.generation, header.pair_id) == ("outside", "olga", 0, None)
    assert (header.request_id, header.endpoint, header.stream) == ("r-1", Endpoint.CHAT, False)
    assert (header.conversation, header.end_user, header.end_user_source) == ("c-1", "u-7", Source.BODY)
    assert header.last_byte == AT + timedelta(seconds=2.5)
    assert (json.loads(request), json.loads(answer)) == (CHAT, ANSWER)


@pytest.mark.parametrize("capture", [CapturePolicy.NONE, CapturePolicy.METADATA])
def test_what_may_not_be_kept_is_not_spooled(capture: CapturePolicy) -> None:
    header, request, answer = record(line(tenant="plant-1"), PLACED._replace(capture=capture), "olga", AT)

    assert (request, answer) == (b"", b"")
    assert header.capture is capture
    assert (header.tenant, header.end_user) == (
        ("", "") if capture is CapturePolicy.NONE else ("plant-1", "u-7")
    )


@pytest.mark.parametrize(
    ("request_body", "endpoint"),
    [
        (CHAT, Endpoint.CHAT),
        ({"prompt": "hi"}, Endpoint.COMPLETIONS),
        ({"input": "hi"}, Endpoint.RESPONSES),
    ],
)
def test_the_endpoint_is_told_from_the_request(request_body: dict[str, Any], endpoint: Endpoint) -> None:
    assert record(line(request=request_body), PLACED, "olga", AT).header.endpoint is endpoint


def test_chunks_become_a_stream() -> None:
    chunks = [{"choices": [{"delta": {"content": "he"}}]}, {"choices": [{"delta": {"content": "y"}}]}]
    header, _, answer = record(line(response=chunks), PLACED, "olga", AT)
    _, _, typed = record(
        line(request={"input": "hi"}, response=[{"type": "response.created"}]), PLACED, "olga", AT
    )

    assert header.stream
    assert answer.startswith(b'data: {"choices"')
    assert answer.endswith(b"data: [DONE]\n\n")
    assert typed == b'event: response.created\ndata: {"type":"response.created"}\n\n'


def test_when_it_was_is_told_by_the_line_else_by_the_answer_else_unknown() -> None:
    created = int(AT.timestamp()) - 60
    now = AT + timedelta(days=1)

    assert line().arrived(now) == AT
    assert line(at=None, response=ANSWER | {"created": created}).arrived(now) == AT - timedelta(seconds=60)
    assert line(at=None, response=ANSWER | {"created": 10**15}).arrived(now) == now
    assert line(at=None).arrived(now) == now


def test_an_answer_of_a_broken_engine_is_a_failure() -> None:
    assert record(line(status=503), PLACED, "olga", AT).header.error is ExchangeError.ENGINE_ERROR
    assert record(line(status=400), PLACED, "olga", AT).header.error is None


def test_a_line_is_the_same_exchange_in_whatever_file_it_stands() -> None:
    first = exchange_id(line(), PLACED)

    assert exchange_id(line(), PLACED) == first
    assert exchange_id(line(id="a"), PLACED) == exchange_id(line(id="a", status=500), PLACED)
    others = [
        exchange_id(line(at=AT + timedelta(seconds=1)), PLACED),
        exchange_id(line(response=ANSWER | {"x": 1}), PLACED),
        exchange_id(line(id="a"), PLACED),
        exchange_id(line(), PLACED._replace(deployment="other")),
        exchange_id(line(), PLACED._replace(release="v2")),
    ]
    assert len({first, *others}) == 6


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"request": {"model": "x"}}, "none of messages, prompt, input"),
        ({"endpoint": "/v1/embeddings"}, "is not one of"),
        ({"request": CHAT | {"n": 2**70}}, "cannot be written as JSON"),
        ({"request": CHAT | {"x": "\ud800"}}, "cannot be written as JSON"),
        ({"id": "a\nb"}, "id"),
        ({"status": 99}, "status"),
        ({"at": "2026-01-05T08:00:00"}, "timezone"),
        ({"latency_s": -1}, "latency_s"),
        ({"response": "hello"}, "response"),
    ],
)
def test_lines_that_are_no_exchange(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        line(**changes)


def test_a_log_is_read_line_by_line() -> None:
    good = {"request": CHAT, "response": ANSWER, "at": AT.isoformat()}
    found = log(good, b"\n", b"{nope\n", [1], good | {"extra": 1}, {"request": CHAT}, good)

    assert [each.number for each in found] == [1, 3, 4, 5, 6, 7]
    assert [each.reason for each in found if isinstance(each, BadLine)] == [
        "it is not JSON: unexpected character, expected a string key at character 2",
        "it is not a JSON object",
        f"unknown field 'extra'; known: {', '.join(OutsideExchange.model_fields)}",
        "response: Field required",
    ]


def test_a_line_that_is_too_long_is_passed_over_in_bounded_memory() -> None:
    good = {"request": CHAT, "response": ANSWER}
    first, second = log(b"x" * (3 * LONGEST_LINE) + b"\n", good)

    assert isinstance(first, BadLine)
    assert first.reason == f"it is longer than {LONGEST_LINE} bytes"
    assert isinstance(second, Line)
    assert second.number == 2


def test_a_foreign_log_is_mapped() -> None:
    foreign = {"ts": AT.isoformat(), "http": {"in": CHAT, "out": ANSWER}, "other": 1}
    paths = read_map(["request=http.in", "response=http.out", "at=ts"])
    (found,) = log(foreign, paths=paths)
    (missing,) = log({"other": 1}, paths=paths)

    assert isinstance(found, Line)
    assert found.exchange == line()
    assert isinstance(missing, BadLine)
    assert missing.reason.startswith("request: ")


@pytest.mark.parametrize("option", ["request", "request=", "request=a..b"])
def test_a_map_that_maps_nothing(option: str) -> None:
    with pytest.raises(BadInput, match="maps nothing"):
        read_map([option])


def test_a_map_of_an_unknown_field_lists_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="Known: at, "):
        read_map(["prompt=x"])


def test_batch_files_joined_by_their_custom_id() -> None:
    (found,) = log(
        {
            "request": {"custom_id": "job-1", "method": "POST", "url": "/v1/chat/completions", "body": CHAT},
            "response": {"status_code": 200, "request_id": "x", "body": ANSWER},
        }
    )

    assert isinstance(found, Line)
    assert (found.exchange.id, found.exchange.status) == ("job-1", 200)
    assert found.exchange.bodies() == line().bodies()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from((*OutsideExchange.model_fields, "messages", "body", "url", "created")),
            inner,
            max_size=5,
        )
    ),
    max_leaves=10,
)


@given(st.lists(JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40), max_size=5))
def test_no_line_is_an_exception_and_every_good_one_can_be_spooled(lines: list[bytes]) -> None:
    for found in log(*(each.replace(b"\n", b"") + b"\n" for each in lines)):
        if isinstance(found, Line):
            written = record(found.exchange, PLACED, "olga", AT)
            assert json.loads(written.request) is not None
            assert written.header.model_dump_json()
        else:
            assert found.reason


@given(JSON, JSON, st.text(max_size=4) | st.none())
def test_whatever_is_in_the_bodies_of_a_line(request: object, response: object, name: str | None) -> None:
    (found,) = log({"request": {"messages": request}, "response": {"choices": response}, "id": name})

    if isinstance(found, Line):
        assert exchange_id(found.exchange, PLACED) == exchange_id(found.exchange, PLACED)
        assert record(found.exchange, PLACED, "olga", AT).answer
