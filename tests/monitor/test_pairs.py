"""Two legs become a pair."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.store.deployments import Promotion
from aftertune.values.exchange import (
    Endpoint,
    Exchange,
    ExchangeError,
    ExchangeHeader,
    ExchangeRole,
    ToolCall,
)
from monitor.answers import Answer, read_answer
from monitor.pairs import Leg, compare, pair_up, stable_at
from monitor.scores import score
from tests.aftertune.samples import AT
from tests.monitor.wire import call, completion, failed, header, request


def leg(head: ExchangeHeader, raw: bytes = b"") -> Leg:
    answer = read_answer(raw)
    exchange = Exchange(**head.model_dump(), finish=answer.finish, usage=None, tool_calls=answer.tool_calls)
    return Leg(exchange, answer, score(request("hi"), answer, head))


def live(role: ExchangeRole = ExchangeRole.STABLE, release: str = "v1", **changes: Any) -> Leg:
    return leg(header("e1", 0, role=role, release=release, pair_id="q1", **changes), completion("hello"))


def copy(release: str = "v2", **changes: Any) -> Leg:
    known = {"exchange_id": "e2", "role": ExchangeRole.SHADOW, "release": release, "pair_id": "q1"}
    return leg(header(second=1, **(known | changes)), completion("hullo"))


def test_in_shadow_the_copy_is_the_candidate() -> None:
    pair = pair_up(live(), copy())

    assert pair is not None
    assert (pair.pair_id, pair.stable_release, pair.candidate_release) == ("e2", "v1", "v2")
    assert (pair.stable_exchange, pair.candidate_exchange) == ("e1", "e2")
    assert pair.at == copy().exchange.ended


def test_in_canary_the_copy_is_stable() -> None:
    pair = pair_up(live(ExchangeRole.CANARY, "v2"), copy("v1"))

    assert pair is not None
    assert (pair.stable_release, pair.candidate_release) == ("v1", "v2")
    assert (pair.stable_exchange, pair.candidate_exchange) == ("e2", "e1")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (live(), live(ExchangeRole.CANARY, "v2")),
        (copy("v1"), copy("v2")),
        (live(), copy("v1")),
        (live(), copy(pair_id="q2")),
        (live(), copy(deployment="other")),
        (live(ExchangeRole.PROBE), copy()),
        (live(error=ExchangeError.CLIENT_LEFT), copy()),
        (live(status=400), copy(status=400)),
        (live(endpoint=Endpoint.EMBEDDINGS), copy(endpoint=Endpoint.EMBEDDINGS)),
        (live(), copy(endpoint=Endpoint.COMPLETIONS)),
    ],
)
def test_legs_that_do_not_belong_together(one: Leg, other: Leg) -> None:
    assert pair_up(one, other) is None
    assert pair_up(other, one) is None


def test_each_copy_of_a_request_makes_a_pair_of_its_own() -> None:
    pairs = [
        pair_up(live(), copy(release, exchange_id=name)) for release, name in (("v2", "e2"), ("v3", "e3"))
    ]

    assert [(p.pair_id, p.candidate_release) for p in pairs if p] == [("e2", "v2"), ("e3", "v3")]


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (live(ExchangeRole.CANARY, "v2"), copy("v1"), ("e2", "v1", "v2")),
        (live(ExchangeRole.CANARY, "v2"), copy("v3"), None),
        (copy("v1"), copy("v3", exchange_id="e3"), ("e3", "v1", "v3")),
        (copy("v3"), copy("v4", exchange_id="e3"), None),
        (live(), copy("v3"), ("e2", "v1", "v3")),
    ],
)
def test_every_pair_has_a_leg_of_the_stable_release(
    one: Leg, other: Leg, found: tuple[str, str, str] | None
) -> None:
    for pair in (pair_up(one, other, stable="v1"), pair_up(other, one, stable="v1")):
        assert found == ((pair.pair_id, pair.stable_release, pair.candidate_release) if pair else None)


def test_the_stable_release_of_a_generation() -> None:
    promotions = [Promotion("v3", 9, AT), Promotion("v2", 5, AT), Promotion("v1", 1, AT)]

    assert [stable_at(promotions, generation) for generation in (0, 1, 4, 5, 8, 9, 20)] == [
        *(None, "v1", "v1", "v2", "v2", "v3", "v3")
    ]


def test_a_failed_candidate_is_evidence() -> None:
    broken = leg(failed("e2", role=ExchangeRole.SHADOW, release="v2", pair_id="q1"))

    pair = pair_up(broken, live())

    assert pair is not None
    assert (pair.stable.valid_answer, pair.candidate.valid_answer, pair.agreement) == (1.0, 0.0, 0.0)


def answer(text: str = "", *calls: tuple[str, str]) -> Answer:
    return Answer(text=text, tool_calls=tuple(ToolCall(name=n, arguments=a) for n, a in calls))


@pytest.mark.parametrize(
    ("one", "other", "agreement"),
    [
        (answer("", call("a", x=1, y=2)), answer("", ("a", '{"y": 2.0, "x": 1}')), (1.0, 1.0, None, 1.0)),
        (answer("", call("a", x=1)), answer("", call("a", x=2)), (1.0, 0.0, None, 0.0)),
        (answer("", call("a", x=1)), answer("", call("a", x=True)), (1.0, 0.0, None, 0.0)),
        (answer("", call("a", x=1)), answer("", call("b", x=1)), (0.0, 0.0, None, 0.0)),
        (answer("", call("a"), call("b")), answer("hm", call("b"), call("a")), (1.0, 1.0, None, 1.0)),
        (answer("", call("a"), call("a")), answer("", call("a")), (0.0, 0.0, None, 0.0)),
        (answer("", call("a")), answer("I did it"), (0.0, 0.0, None, 0.0)),
        (answer("Good  Day"), answer("good day"), (None, None, 1.0, 1.0)),
        (answer("day good"), answer("good day"), (None, None, 1.0, 1.0)),
        (answer(""), answer(""), (None, None, 1.0, 1.0)),
        (answer("abc"), answer(""), (None, None, 0.0, 0.0)),
    ],
)
def test_agreement(one: Answer, other: Answer, agreement: tuple[float | None, ...]) -> None:
    for result in (compare(one, other), compare(other, one)):
        found = (result.same_tool, result.same_arguments, result.text_similarity, result.overall)
        assert found == agreement


@given(st.text(max_size=40), st.text(max_size=40))
def test_similarity_is_symmetric_bounded_and_one_for_the_same_text(one: str, other: str) -> None:
    there, back = compare(answer(one), answer(other)), compare(answer(other), answer(one))

    assert there.overall == pytest.approx(back.overall)
    assert 0.0 <= there.overall <= 1.0
    assert compare(answer(one), answer(one)).overall == 1.0


@given(st.permutations([call("a", x=1), call("a", x=2), call("b")]))
def test_the_order_of_parallel_calls_is_free(calls: list[tuple[str, str]]) -> None:
    assert compare(answer("", call("a", x=1), call("a", x=2), call("b")), answer("", *calls)).overall == 1.0


def test_broken_arguments_agree_only_with_themselves() -> None:
    half = ("a", json.dumps({"x": 1})[:-1])

    assert compare(answer("", half), answer("", half)).overall == 1.0
    assert compare(answer("", half), answer("", call("a", x=1))).overall == 0.0
