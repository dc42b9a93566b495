"""Which engines are asked, whatever has happened to them before."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.values.exchange import ExchangeRole
from aftertune.values.route import Mode, Route, Target
from serving.router.circuit import (
    Circuit,
    Circuits,
    State,
    attempts,
    engine_urls,
    fallen_back,
    role_of,
)
from serving.router.policy import Decision

STABLE = Target(release="v2", url="http://a", replicas=("http://b", "http://c"), served_name="v2")
CANDIDATE = Target(release="v3", url="http://d", replicas=("http://e",), served_name="v3")
FALLBACK = Target(release="v1", url="http://f", replicas=("http://g",), served_name="v1")
URLS = [f"http://{letter}" for letter in "abcdefg"]


def route(*, fallback: Target | None = FALLBACK, canary: bool = False) -> Route:
    tried: dict[str, Any] = {"candidate": CANDIDATE, "mode": Mode.CANARY, "share": 0.5} if canary else {}
    return Route(deployment="tasks", generation=1, stable=STABLE, fallback=fallback, **tried)


ON_STABLE = Decision(STABLE, ExchangeRole.STABLE)
ON_CANDIDATE = Decision(CANDIDATE, ExchangeRole.CANARY)


def circuits_with(broken: set[str]) -> Circuits:
    circuits = Circuits(failures=1)
    for url in broken:
        circuits.of(url).failed(0.0)
    return circuits


def test_a_circuit_opens_after_failures_in_a_row_only() -> None:
    circuit = Circuit(failures=3)
    for _ in range(5):
        circuit.failed(0.0)
        circuit.failed(0.0)
        circuit.succeeded()
    assert (circuit.state, circuit.usable) == (State.CLOSED, True)
    for _ in range(3):
        circuit.failed(0.0)
    assert (circuit.state, circuit.usable) == (State.OPEN, False)


def test_probes_wait_longer_and_longer_up_to_a_limit() -> None:
    circuit = Circuit(failures=1, probe_interval_s=2.0)
    circuit.failed(100.0)
    due: list[float] = []
    now = 100.0
    while len(due) < 5:
        now += 1.0
        if circuit.probe_due(now):
            due.append(now)
            circuit.probed(False, now)
    assert due == [102.0, 106.0, 114.0, 122.0, 130.0]


def test_probation_ends_with_the_first_answer() -> None:
    circuit = Circuit(failures=3, probe_interval_s=2.0)
    for _ in range(3):
        circuit.failed(0.0)
    circuit.probed(True, 2.0)
    assert (circuit.state, circuit.usable) == (State.HALF_OPEN, True)
    assert not circuit.probe_due(1_000.0)
    circuit.failed(3.0)
    assert (circuit.state, circuit.usable) == (State.OPEN, False)
    assert not circuit.probe_due(6.9), "a second failure waits longer"
    assert circuit.probe_due(7.0)
    circuit.probed(True, 7.0)
    circuit.succeeded()
    assert circuit.state is State.CLOSED
    for _ in range(2):
        circuit.failed(8.0)
    assert circuit.usable, "it starts from nothing again"
    circuit.failed(8.0)
    assert circuit.probe_due(10.0), "and so do its waits"


def test_on_probation_one_request_is_asked_and_one_more_with_each_probe() -> None:
    circuit = Circuit(failures=1, probe_interval_s=2.0)
    circuit.asked(0.0)
    assert circuit.usable, "no probation, no trial"
    circuit.failed(0.0)
    circuit.probed(True, 2.0)
    circuit.asked(3.0)
    assert (circuit.state, circuit.usable) == (State.HALF_OPEN, False)
    circuit.asked(6.0)
    assert not circuit.probe_due(6.9), "a request that had nothing better to try plans nothing"
    assert circuit.probe_due(7.0), "the trial's client may have left"
    circuit.probed(True, 7.0)
    assert circuit.usable
    circuit.asked(7.0)
    circuit.succeeded()
    assert (circuit.state, circuit.usable) == (State.CLOSED, True)
    assert not circuit.probe_due(1_000.0)


def test_a_request_that_an_open_engine_answers_closes_it() -> None:
    circuit = Circuit(failures=1)
    circuit.failed(0.0)
    circuit.failed(50.0)
    assert circuit.probe_due(2.0), "failures of an open engine do not put off its probe"
    circuit.succeeded()
    assert circuit.usable
    circuit.probed(False, 60.0)
    assert circuit.usable, "a probe that comes late says nothing"


@given(st.lists(st.sampled_from(["asked", "failed", "succeeded", "probe"]), max_size=60), st.booleans())
def test_usable_is_closed_or_half_open_before_a_trial(steps: list[str], ok: bool) -> None:
    circuit, now = Circuit(failures=2), 0.0
    for step in steps:
        now += 1.0
        match step:
            case "asked":
                circuit.asked(now)
            case "failed":
                circuit.failed(now)
            case "succeeded":
                circuit.succeeded()
            case _ if circuit.probe_due(now):
                circuit.probed(ok, now)
        assert circuit.usable or circuit.state is not State.CLOSED
        assert not (circuit.usable and circuit.state is State.OPEN)
        if not circuit.usable:
            assert circuit.probe_due(now + 8.0), "an engine that is left alone is asked again in time"


@given(st.sets(st.sampled_from(URLS)))
def test_order_names_all_engines_usable_ones_first(broken: set[str]) -> None:
    circuits = circuits_with(broken)
    for _ in range(4):
        order = list(circuits.order(STABLE))
        assert sorted(order) == ["http://a", "http://b", "http://c"]
        usable = [circuits.of(url).usable for url in order]
        assert usable == sorted(usable, reverse=True)


def test_requests_are_spread_over_the_usable_replicas() -> None:
    circuits = circuits_with({"http://b"})
    firsts = [circuits.order(STABLE)[0] for _ in range(300)]
    assert set(firsts) == {"http://a", "http://c"}
    assert min(firsts.count(url) for url in set(firsts)) >= 90
    for _ in range(300):
        circuits.order(CANDIDATE)
        firsts.append(circuits.order(STABLE)[0])
    assert set(firsts) == {"http://a", "http://c"}


def test_an_engine_named_twice_is_tried_once() -> None:
    target = Target(release="v", url="http://a", replicas=("http://a", "http://b"), served_name="v")
    assert sorted(Circuits().order(target)) == ["http://a", "http://b"]


def test_circuits_are_kept_for_engines_that_are_routed_to() -> None:
    circuits = circuits_with({"http://a", "http://f"})
    kept = circuits.of("http://a")
    circuits.keep(engine_urls([route(fallback=None, canary=True)]))
    assert circuits.of("http://a") is kept
    assert circuits.of("http://f").usable
    assert engine_urls([route(canary=True)]) == set(URLS)
    assert circuits.due(1.0) == []
    assert circuits.due(2.0) == ["http://a"]


@given(st.sets(st.sampled_from(URLS)), st.booleans(), st.booleans(), st.booleans())
def test_every_list_of_attempts_is_sound(
    broken: set[str], on_candidate: bool, has_fallback: bool, canary: bool
) -> None:
    circuits = circuits_with(broken)
    subject = route(fallback=FALLBACK if has_fallback else None, canary=canary or on_candidate)
    listed = list(attempts(subject, ON_CANDIDATE if on_candidate else ON_STABLE, circuits))
    urls = [url for _, url in listed]
    releases = [target.release for target, _ in listed]
    stable_down = {"http://a", "http://b", "http://c"} <= broken
    candidate_down = {"http://d", "http://e"} <= broken

    assert listed
    assert len(set(urls)) == len(urls)
    for target, url in listed:
        assert url in (target.url, *target.replicas)
    usable = [circuits.of(url).usable for url in urls]
    assert usable == sorted(usable, reverse=True), "a dead engine is not tried before a usable one"
    assert ("v1" in releases) == (has_fallback and stable_down), "previous good stands in for all of stable"
    assert ("v3" in releases) == on_candidate, "the candidate answers nobody but its users"
    assert {"http://a", "http://b", "http://c"} <= set(urls), "stable is never left out"
    if on_candidate and not candidate_down:
        assert releases[0] == "v3"


def test_while_stable_is_down_previous_good_comes_before_dead_engines() -> None:
    circuits = circuits_with({"http://a", "http://b", "http://c", "http://g"})
    listed = [url for _, url in attempts(route(), ON_STABLE, circuits)]
    assert listed[0] == "http://f"
    assert sorted(listed[1:4]) == ["http://a", "http://b", "http://c"]
    assert listed[4] == "http://g"
    assert fallen_back([route(), route(fallback=None)], circuits) == {"tasks": "v1"}

    circuits.of("http://b").succeeded()
    assert fallen_back([route()], circuits) == {}
    assert {target.release for target, _ in attempts(route(), ON_STABLE, circuits)} == {"v2"}


def test_nobody_falls_back_to_what_is_down_too() -> None:
    circuits = circuits_with(set(URLS))
    assert fallen_back([route()], circuits) == {}
    assert attempts(route(), ON_STABLE, circuits)[0][0] is STABLE


@pytest.mark.parametrize(
    ("decision", "answered", "role"),
    [
        (ON_STABLE, STABLE, ExchangeRole.STABLE),
        (ON_STABLE, FALLBACK, ExchangeRole.STABLE),
        (ON_CANDIDATE, CANDIDATE, ExchangeRole.CANARY),
        (ON_CANDIDATE, STABLE, ExchangeRole.STABLE),
    ],
)
def test_an_answer_is_recorded_as_what_it_was(
    decision: Decision, answered: Target, role: ExchangeRole
) -> None:
    assert role_of(decision, answered) is role


def test_an_engine_that_two_releases_share_is_asked_for_each_of_them() -> None:
    shared = FALLBACK.model_copy(update={"url": "http://a", "replicas": ()})
    circuits = circuits_with({"http://a", "http://b", "http://c"})
    listed = attempts(route(fallback=shared), ON_STABLE, circuits)
    assert [(t.release, u) for t, u in listed if u == "http://a"] == [("v2", "http://a"), ("v1", "http://a")]
