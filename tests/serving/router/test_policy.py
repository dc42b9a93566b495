"""The split is a pure function of names."""

import gc

from hypothesis import given
from hypothesis import strategies as st

from aftertune.values.exchange import ExchangeRole
from aftertune.values.route import MirrorBudget, Mode, Route, Shadow, Target
from serving.router import policy
from serving.router.policy import CopyTo, Decision, hash01, policy_of

STABLE = Target(release="v1", url="http://a", served_name="v1")
CANDIDATE = Target(release="v2", url="http://b", served_name="v2")
BUDGET = MirrorBudget(per_s=5)
names = st.text(min_size=1, max_size=20)
shares = st.floats(0, 1)


def shadow(release: str, share: float) -> Shadow:
    target = Target(release=release, url=f"http://{release}", served_name=release)
    return Shadow(target=target, share=share, budget=MirrorBudget(concurrency=2))


def route(mode: Mode, share: float = 0.0, mirror: float = 0.0, shadows: tuple[Shadow, ...] = ()) -> Route:
    return Route(
        deployment="tasks",
        generation=1,
        stable=STABLE,
        candidate=None if mode is Mode.NONE else CANDIDATE,
        mode=mode,
        share=share,
        mirror=mirror,
        budget=BUDGET,
        shadows=shadows,
    )


def decide(route: Route, conversation: str, request_id: str) -> Decision:
    decided = policy_of(route)
    if not decided.by_conversation:
        assert decided.decide("another", request_id) == decided.decide(conversation, request_id)
    return decided.decide(conversation, request_id)


def copied(decision: Decision) -> set[str]:
    return {copy.target.release for copy in decision.copies}


@st.composite
def routes(draw: st.DrawFn) -> Route:
    mode = draw(st.sampled_from(Mode))
    share = draw(shares) if mode is Mode.CANARY else 0.0
    rules = draw(st.lists(st.builds(shadow, st.sampled_from(["v1", "v2", "v3", "v4"]), shares), max_size=5))
    return route(mode, share, draw(shares), tuple(rules))


@given(st.lists(names, max_size=3))
def test_hash01_is_a_fraction(parts: list[str]) -> None:
    assert 0 <= hash01(*parts) < 1


@given(names, shares, shares)
def test_raising_the_share_never_moves_a_user_back(conversation: str, one: float, other: float) -> None:
    low, high = sorted((one, other))
    before = decide(route(Mode.CANARY, low), conversation, "r").role
    after = decide(route(Mode.CANARY, high), conversation, "r").role
    assert before is ExchangeRole.STABLE or after is ExchangeRole.CANARY


@given(names, shares, shares, shares, shares)
def test_raising_a_sample_only_adds_copies(
    request_id: str, one: float, other: float, mirror_one: float, mirror_other: float
) -> None:
    (low, high), (few, many) = sorted((one, other)), sorted((mirror_one, mirror_other))
    before = decide(route(Mode.SHADOW, mirror=few, shadows=(shadow("v3", low),)), "c", request_id)
    after = decide(route(Mode.SHADOW, mirror=many, shadows=(shadow("v3", high),)), "c", request_id)
    assert copied(before) <= copied(after)


@given(names, names, names, shares, shares)
def test_the_mirror_is_independent_of_the_split(
    conversation: str, other: str, request_id: str, share: float, mirror: float
) -> None:
    canary = route(Mode.CANARY, share, mirror)
    assert bool(decide(canary, conversation, request_id).copies) == bool(
        decide(canary, other, request_id).copies
    )
    assert decide(canary, conversation, request_id).live == decide(canary, conversation, "another").live


def test_the_observed_share_is_the_share() -> None:
    canary = route(Mode.CANARY, share=0.2, mirror=0.5)
    decisions = [decide(canary, f"conversation-{i}", f"request-{i}") for i in range(20_000)]
    assert abs(sum(d.role is ExchangeRole.CANARY for d in decisions) / 20_000 - 0.2) < 0.015
    assert abs(sum(bool(d.copies) for d in decisions) / 20_000 - 0.5) < 0.02
    both = sum(d.role is ExchangeRole.CANARY and bool(d.copies) for d in decisions)
    assert abs(both / 20_000 - 0.1) < 0.01


def test_shadows_and_the_rollout_sample_on_their_own() -> None:
    several = route(Mode.SHADOW, mirror=0.2, shadows=(shadow("v3", 0.2), shadow("v4", 0.2)))
    decisions = [copied(decide(several, "c", f"request-{i}")) for i in range(20_000)]
    for release in ("v2", "v3", "v4"):
        assert abs(sum(release in found for found in decisions) / 20_000 - 0.2) < 0.015
    for together in ({"v2", "v3"}, {"v3", "v4"}):
        assert abs(sum(together <= found for found in decisions) / 20_000 - 0.04) < 0.01


@given(names, names)
def test_a_copy_goes_to_the_other_release(conversation: str, request_id: str) -> None:
    decision = decide(route(Mode.CANARY, share=0.5, mirror=1.0), conversation, request_id)
    (copy,) = decision.copies
    assert {decision.live.release, copy.target.release} == {"v1", "v2"}
    assert (copy.budget, copy.origin) == (BUDGET, "rollout")


@given(routes(), names, names)
def test_no_copy_goes_to_the_release_that_answers_and_none_gets_two(
    any_route: Route, conversation: str, request_id: str
) -> None:
    decision = decide(any_route, conversation, request_id)
    copies = [copy.target.release for copy in decision.copies]
    assert decision.live.release not in copies
    assert len(set(copies)) == len(copies)
    assert (decision.role is ExchangeRole.CANARY) == (decision.live is any_route.candidate)
    assert decide(any_route, conversation, request_id) == decision
    beside = decision.copies_beside(STABLE)
    assert "v1" not in {copy.target.release for copy in beside}
    assert set(beside) <= set(decision.copies)


def test_the_rollouts_copy_comes_first_and_shadows_bring_their_budgets() -> None:
    rule = shadow("v3", 1.0)
    decision = decide(route(Mode.SHADOW, mirror=1.0, shadows=(rule,)), "c", "r")
    assert decision.copies == (
        CopyTo(CANDIDATE, BUDGET, "rollout"),
        CopyTo(rule.target, rule.budget, "shadow"),
    )


def test_without_a_candidate_there_is_one_leg() -> None:
    assert decide(route(Mode.NONE, mirror=1.0), "c", "r") == Decision(STABLE, ExchangeRole.STABLE)


def test_what_does_not_depend_on_the_request_is_not_worked_out_again() -> None:
    certain = (
        route(Mode.NONE),
        route(Mode.SHADOW, mirror=1.0, shadows=(shadow("v3", 1.0), shadow("v4", 0.0))),
        route(Mode.CANARY, share=1.0, mirror=0.0),
    )
    for each in certain:
        assert decide(each, "one", "one") is decide(each, "other", "other")


def test_in_shadow_the_candidate_answers_nobody() -> None:
    roles = {decide(route(Mode.SHADOW, mirror=1.0), f"c{i}", f"r{i}").role for i in range(200)}
    assert roles == {ExchangeRole.STABLE}


def test_routes_that_are_gone_leave_nothing_behind() -> None:
    gc.collect()
    before = len(policy._POLICIES)
    several = [route(Mode.NONE) for _ in range(10)]
    for each in several:
        decide(each, "c", "r")
    assert len(policy._POLICIES) == before + 10
    del several, each
    gc.collect()
    assert len(policy._POLICIES) == before
