"""Limits: never more than limit and burst, no slot leaks, and tokens are read where they are said."""

import json
import timeit
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from aftertune.values.route import KeyGrant
from serving.router.limits import Excess, Limits, estimated_tokens, used_tokens


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def grant(name: str = "app", **limits: Any) -> KeyGrant:
    return KeyGrant(name=name, **limits)


steps = st.lists(
    st.tuples(st.floats(0, 90), st.integers(0, 400), st.integers(-1, 5)), min_size=1, max_size=80
)
"""Seconds to wait, tokens of the answer, and which request under way ends first (-1: none)."""


@given(st.integers(1, 30), steps)
def test_no_window_holds_more_requests_than_limit_and_burst(limit: int, walk: list[Any]) -> None:
    time = Time()
    limits, key, admitted = Limits(time), grant(requests_a_minute=limit), []
    for wait, _, again in walk:
        time.now += wait
        for _ in range(again + 2):
            if limits.admit(key) is None:
                limits.leave(key, 0)
                admitted.append(time.now)
    for first, since in enumerate(admitted):
        for last in range(first, len(admitted)):
            most = limit + limit * (admitted[last] - since) / 60
            assert last - first + 1 <= most + 1e-3


@given(st.integers(1, 500), steps)
def test_no_window_charges_more_tokens_than_limit_burst_and_one_answer(limit: int, walk: list[Any]) -> None:
    time = Time()
    limits, key, charged = Limits(time), grant(tokens_a_minute=limit), []
    for wait, tokens, _ in walk:
        time.now += wait
        if limits.admit(key) is None:
            limits.leave(key, tokens)
            charged.append((time.now, tokens))
    for first in range(len(charged)):
        total = 0
        for at, tokens in charged[first:]:
            assert total < limit + limit * (at - charged[first][0]) / 60 + 1e-3
            total += tokens


@given(
    st.integers(1, 100),
    st.integers(1, 1000),
    st.lists(st.tuples(st.floats(0, 10), st.integers(0, 500)), max_size=40),
)
def test_who_waits_as_told_is_admitted(requests: int, tokens: int, walk: list[tuple[float, int]]) -> None:
    time = Time()
    limits, key = Limits(time), grant(requests_a_minute=requests, tokens_a_minute=tokens)
    for wait, used in walk:
        time.now += wait
        refusals = 0
        while (excess := limits.admit(key)) is not None:
            assert excess.retry_after_s > 0
            assert excess.most == (requests if excess.limit == "requests" else tokens)
            time.now += excess.retry_after_s
            refusals += 1
            assert refusals <= 2  # one for each limit
        limits.leave(key, used)


class Slots(RuleBasedStateMachine):
    """Requests come and go under grants that change, on a clock that may go backwards."""

    def __init__(self) -> None:
        super().__init__()
        self.time = Time()
        self.limits = Limits(self.time)
        self.under_way: list[KeyGrant] = []
        self.most = 3

    @rule(most=st.integers(1, 4), requests=st.none() | st.integers(50, 60))
    def admit(self, most: int, requests: int | None) -> None:
        key = grant(concurrency=most, requests_a_minute=requests)
        excess = self.limits.admit(key)
        if excess is None:
            assert len(self.under_way) < most
            self.under_way.append(key)
        elif excess.limit == "concurrency":
            assert excess == Excess("concurrency", most, 1.0)
            assert len(self.under_way) >= most

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), tokens=st.integers(-5, 50))
    def leave(self, data: st.DataObject, tokens: int) -> None:
        which = data.draw(st.integers(0, len(self.under_way) - 1))
        self.limits.leave(self.under_way.pop(which), tokens)

    @rule(seconds=st.floats(-100, 100))
    def wait(self, seconds: float) -> None:
        self.time.now += seconds

    @invariant()
    def one_key_has_one_state(self) -> None:
        assert len(self.limits) <= 1


TestSlots = Slots.TestCase


@given(st.lists(st.floats(-50, 50), max_size=60))
def test_a_clock_that_goes_backwards_gives_nothing_away(jumps: list[float]) -> None:
    time = Time()
    limits, key, admitted = Limits(time), grant(requests_a_minute=6), 0
    seen = []
    for jump in jumps:
        time.now += jump
        seen.append(time.now)
        if limits.admit(key) is None:
            limits.leave(key, 0)
            admitted += 1
    elapsed = max(seen) - seen[0] if seen else 0.0
    assert admitted <= 6 + 6 * elapsed / 60 + 1e-3


def test_each_limit_says_its_number_and_when_to_come_back() -> None:
    time = Time()
    limits = Limits(time)
    key = grant(requests_a_minute=60, tokens_a_minute=600, concurrency=1)
    assert limits.admit(key) is None
    assert limits.admit(key) == Excess("concurrency", 1, 1.0)
    limits.leave(key, 1200)
    excess = limits.admit(key)
    assert excess is not None
    assert (excess.limit, excess.most) == ("tokens", 600)
    assert excess.retry_after_s == pytest.approx(60.1)
    burst = grant("other", requests_a_minute=2)
    assert [limits.admit(burst) for _ in range(2)] == [None, None]
    excess = limits.admit(burst)
    assert excess is not None
    assert (excess.limit, excess.most) == ("requests", 2)
    assert excess.retry_after_s == pytest.approx(30.0)


def test_new_limits_hold_from_the_next_request() -> None:
    limits = Limits(Time())
    small, large = grant(requests_a_minute=2), grant(requests_a_minute=5)
    assert [limits.admit(small) is None for _ in range(3)] == [True, True, False]
    assert [limits.admit(large) is None for _ in range(4)] == [True, True, True, False]
    excess = limits.admit(small)
    assert excess is not None
    assert excess.retry_after_s == pytest.approx(4 * 30)
    free, again = grant(concurrency=9), grant(requests_a_minute=1)
    assert limits.admit(free) is None
    assert limits.admit(again) is None, "what a lifted limit had counted is forgotten"


def test_a_grant_without_limits_costs_next_to_nothing_and_leaves_no_trace() -> None:
    def never() -> float:
        raise AssertionError("nobody asks for the time")

    limits, key = Limits(never), grant(deployments=("tasks",))
    assert limits.admit(key) is None
    limits.leave(key, 10**9)
    assert len(limits) == 0
    calls = 10_000
    assert min(timeit.repeat(lambda: limits.admit(key), number=calls, repeat=5)) / calls < 100e-6


def test_keys_that_are_gone_do_not_pile_up() -> None:
    time = Time()
    limits = Limits(time)
    held = grant("held", requests_a_minute=60, concurrency=1)
    assert limits.admit(held) is None
    for number in range(20_000):
        time.now += 0.1
        key = grant(f"key-{number}", requests_a_minute=60, tokens_a_minute=1000)
        assert limits.admit(key) is None
        limits.leave(key, 500)
    assert len(limits) < 3000
    assert limits.admit(held) == Excess("concurrency", 1, 1.0), "requests under way are never forgotten"


CHAT = {"id": "c", "choices": [{"message": {"content": "hi"}}], "usage": {}}
TEXTS = st.text(
    st.sampled_from(list('"\\usage:{} total_tokens,0123456789\n')), max_size=80
) | st.sampled_from(
    [
        '"usage": {"total_tokens": 7}',
        '\\"usage\\": {"total_tokens": 7}',
        '"usage":{"total_tokens":9},',
        '"total_tokens": 5',
    ]
)
USAGES = st.fixed_dictionaries(
    {"prompt_tokens": st.integers(0, 10**6)},
    optional={
        "prompt_tokens_details": st.none() | st.fixed_dictionaries({"cached_tokens": st.integers(0, 9)}),
        "completion_tokens": st.integers(0, 9),
    },
)


@given(TEXTS, USAGES, st.integers(0, 10**9), st.booleans(), st.sampled_from([None, 1]), st.booleans())
def test_usage_is_read_whatever_the_text_says(
    text: str, usage: dict[str, Any], total: int, first: bool, indent: int | None, text_last: bool
) -> None:
    usage = {"total_tokens": total, **usage} if first else {**usage, "total_tokens": total}
    choice = {
        "choices": [
            {"message": {"content": text, "tool_calls": [{"arguments": json.dumps({"usage": text})}]}}
        ]
    }
    answer = {"usage": usage, **choice} if text_last else {**choice, "usage": usage}
    body = json.dumps(answer, indent=indent).encode()
    assert used_tokens(body) == total
    assert used_tokens(b'ut off": 1}, ' + body) == total
    assert used_tokens(json.dumps({**choice, "usage": None}).encode()) is None


@pytest.mark.parametrize(
    ("tail", "tokens"),
    [
        (
            b'data: {"usage":null}\n\ndata: {"choices":[],"usage":{"prompt_tokens":3,"total_tokens":8}}\n\ndata: [DONE]\n\n',
            8,
        ),
        (b'data: {"usage":{"total_tokens":4}}\n\ndata: {"usage":{"total_tokens":5}}\n\n', 5),
        (b'data: {"usage":{"total_tokens":4}}\n\ndata: {"usage":null}\n\ndata: [DONE]\n\n', 4),
        (
            (
                b'event: response.completed\ndata: {"response":{"usage":{"input_tokens":2,"input_tokens_details":'
                b'{"cached_tokens":0},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":7}}}\n\n'
            ),
            7,
        ),
        (
            b'{"object":"list","data":[],"usage":{"prompt_tokens":6,"total_tokens":6,"completion_tokens":0}}',
            6,
        ),
        (b'{"usage": {"total_tokens": 12', None),
        (b'{"usage": {"total_tokens": "12"}}', None),
        (b'{"usage": {"total_tokens": -1}}', None),
        (b'{"total_tokens": 12}', None),
        (b'{"usage": {"a": {"total_tokens": 12}}}', None),
        (b"", None),
        (b"\xff\xfe", None),
    ],
)
def test_usage_in_answers_of_every_shape(tail: bytes, tokens: int | None) -> None:
    assert used_tokens(tail) == tokens


@pytest.mark.parametrize(
    "piece",
    [
        *(
            b'"usage"',
            b'"usage":{',
            b'"usage":{"',
            b'"usage":{}',
            b'"usage":{"a":{}',
            b'"usage":{"a',
            b"{",
            b'"',
            b"\\",
        ),
        *(b'"usage": {"total_tokens": 1', b'"usage":{"total_tokens', b'"usage"   ', b'{"a":"usage"}'),
    ],
)
def test_hostile_tails_take_linear_time(piece: bytes) -> None:
    """Ten times the bytes take about ten times as long; what is quadratic takes a hundred."""

    def seconds(size: int) -> float:
        tail = b'"usage":{' + piece * (size // len(piece))
        return min(timeit.repeat(lambda: used_tokens(tail), timer=process_time, number=1, repeat=3))

    assert seconds(1_000_000) < 40 * seconds(100_000) + 0.5


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_estimated_tokens_are_a_quarter_of_the_bytes(request: int, answer: int) -> None:
    assert 0 <= estimated_tokens(request, answer) * 4 - request - answer < 4
