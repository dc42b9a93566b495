"""The split is a pure function of names."""

from hypothesis import given
from hypothesis import strategies as st

from aftertune.values.exchange import ExchangeRole
from aftertune.values.route import Mode, Route, Target
from serving.router.policy import decide, hash01

STABLE = Target(release="v1", url="http://a", served_name="v1")
CANDIDATE = Target(release="v2", url="http://b", served_name="v2")
names = st.text(min_size=1, max_size=20)
shares = st.floats(0, 1)


def route(mode: Mode, share: float = 0.0, mirror: float = 0.0) -> Route:
    return Route(
        deployment="tasks",
        generation=1,
        stable=STABLE,
        candidate=None if mode is Mode.NONE else CANDIDATE,
        mode=mode,
        share=share,
        mirror=mirror,
    )


@given(st.lists(names, max_size=3))
def test_hash01_is_a_fraction(parts: list[str]) -> None:
    assert 0 <= hash01(*parts) < 1


@given(names, shares, shares)
def test_raising_the_share_never_moves_a_user_back(conversation: str, one: float, other: float) -> None:
    low, high = sorted((one, other))
    before = decide(route(Mode.CANARY, low), conversation, "r").role
    after = decide(route(Mode.CANARY, high), conversation, "r").role
    assert before is ExchangeRole.STABLE or after is ExchangeRole.CANARY


@given(names, names, names, shares, shares)
def test_the_mirror_is_independent_of_the_split(
    conversation: str, other: str, request_id: str, share: float, mirror: float
) -> None:
    canary = route(Mode.CANARY, share, mirror)
    assert (decide(canary, conversation, request_id).copy is None) == (
        decide(canary, other, request_id).copy is None
    )
    assert decide(canary, conversation, request_id).live == decide(canary, conversation, "another").live


def test_the_observed_share_is_the_share() -> None:
    canary = route(Mode.CANARY, share=0.2, mirror=0.5)
    decisions = [decide(canary, f"conversation-{i}", f"request-{i}") for i in range(20_000)]
    assert abs(sum(d.role is ExchangeRole.CANARY for d in decisions) / 20_000 - 0.2) < 0.015
    assert abs(sum(d.copy is not None for d in decisions) / 20_000 - 0.5) < 0.02
    both = sum(d.role is ExchangeRole.CANARY and d.copy is not None for d in decisions)
    assert abs(both / 20_000 - 0.1) < 0.01


@given(names, names)
def test_a_copy_goes_to_the_other_release(conversation: str, request_id: str) -> None:
    decision = decide(route(Mode.CANARY, share=0.5, mirror=1.0), conversation, request_id)
    assert decision.copy is not None
    assert {decision.live.release, decision.copy.release} == {"v1", "v2"}


def test_without_a_candidate_there_is_one_leg() -> None:
    decision = decide(route(Mode.NONE), "c", "r")
    assert (decision.live, decision.role, decision.copy) == (STABLE, ExchangeRole.STABLE, None)


def test_in_shadow_the_candidate_answers_nobody() -> None:
    roles = {decide(route(Mode.SHADOW, mirror=1.0), f"c{i}", f"r{i}").role for i in range(200)}
    assert roles == {ExchangeRole.STABLE}
