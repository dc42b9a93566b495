"""Where a rollback goes, and why not elsewhere."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.store.deployments import Promotion
from aftertune.values.deployment import Deployment
from aftertune.values.release import (
    EngineKind,
    EngineState,
    EngineStatus,
    Passport,
    Proof,
    Release,
    ReleaseState,
)
from aftertune.values.route import Mode
from monitor.target import Choice, Known, PassedOver, choose, leaving
from tests.aftertune.samples import AT, release

NAMES = ("v0", "v1", "v2", "v3")


def passport(name: str, digest: str = "") -> Passport:
    return Passport(
        release=name,
        base_digest="b",
        adapter_digest="a",
        merged_digest=digest or f"weights of {name}",
        tokenizer_digest="t",
        template_digest="c",
        training={},
        proof=Proof(prompts=1, max_logit_difference=0.0, tolerance=0.1),
        versions={},
        merged_at=AT,
    )


def engine(name: str, **changes: Any) -> EngineStatus:
    known = {
        "release": name,
        "kind": EngineKind.TRANSFORMERS,
        "state": EngineState.READY,
        "url": f"http://{name}",
        "weights_digest": f"weights of {name}",
        "updated_at": AT,
    }
    return EngineStatus(**(known | changes))


def known(*stable_once: str, **changes: Any) -> Known:
    releases = {name: release(name, passport=passport(name)) for name in NAMES}
    engines = {name: engine(name) for name in NAMES}
    promotions = [Promotion(name, len(stable_once) - i, AT) for i, name in enumerate(stable_once)]
    return Known(promotions, releases, engines, {})._replace(**changes)


def deployment(stable: str = "v2", **changes: Any) -> Deployment:
    return Deployment(name="tasks", generation=7, stable=stable, **changes)


def well(release: Release, engine: EngineStatus) -> str:
    return ""


def test_with_a_candidate_stable_is_the_target_whatever_its_engine_does() -> None:
    with_candidate = deployment(candidate="v3", mode=Mode.CANARY)
    nothing_runs = known("v2", engines={})

    assert choose(with_candidate, nothing_runs, well, "v3") == Choice("v2")
    assert choose(with_candidate, nothing_runs, well, "v3", to="v2") == Choice("v2")


@pytest.mark.parametrize(
    ("asked", "to", "leaves"),
    [("", "", "v3"), ("", "v2", "v3"), ("", "v1", "v2"), ("v3", "", "v3"), ("v2", "", "v2"), ("v1", "", "")],
)
def test_what_leaves_is_what_was_asked_if_it_is_still_there(asked: str, to: str, leaves: str) -> None:
    with_candidate = deployment(candidate="v3", mode=Mode.SHADOW)

    assert leaving(with_candidate, asked, to) == leaves


def test_without_a_candidate_stable_leaves() -> None:
    assert leaving(deployment(), "", "") == "v2"
    assert leaving(deployment(), "v3", "") == ""


def test_stable_leaves_for_a_release_before_it_while_a_candidate_is_there() -> None:
    with_candidate = deployment(candidate="v3", mode=Mode.SHADOW)

    assert choose(with_candidate, known("v2", "v3", "v1"), well, "v2").target == "v1"
    assert choose(with_candidate, known("v2", "v1"), well, "v2", to="v2").target is None


def test_users_leave_a_candidate_for_stable_only() -> None:
    with_candidate = deployment(candidate="v3", mode=Mode.CANARY)

    assert choose(with_candidate, known("v2", "v1"), well, "v3", to="v1") == Choice(
        None, (PassedOver("v1", "users leave the candidate for v2 only"),)
    )


def test_without_one_previous_good_comes_first_then_the_newest_stable_before() -> None:
    assert choose(deployment(), known("v2", "v1", "v0"), well, "v2").target == "v1"
    assert choose(deployment(previous_good="v0"), known("v2", "v1", "v0"), well, "v2").target == "v0"


def ineligible() -> list[tuple[Known, str]]:
    base = known("v2", "v1", "v0")
    engines, releases = dict(base.engines), dict(base.releases)
    return [
        (base._replace(quarantined={"v1": "bad"}), "it is in quarantine: bad"),
        (
            base._replace(releases={**releases, "v1": release("v1", state=ReleaseState.REJECTED)}),
            "the release is not ready",
        ),
        (base._replace(releases={"v0": releases["v0"]}), "the release is not ready"),
        (base._replace(engines={"v0": engines["v0"]}), "its engine is not running"),
        (
            base._replace(engines={**engines, "v1": engine("v1", state=EngineState.FAILED)}),
            "its engine is failed",
        ),
        (
            base._replace(engines={**engines, "v1": engine("v1", weights_digest="other")}),
            "its engine runs on other weights than its passport names",
        ),
        (base._replace(releases={**releases, "v1": release("v1")}), "it has no passport"),
    ]


@pytest.mark.parametrize(("state", "reason"), ineligible())
def test_every_release_passed_over_has_its_reason(state: Known, reason: str) -> None:
    assert choose(deployment(), state, well, "v2") == Choice("v0", (PassedOver("v1", reason),))


def test_an_engine_that_does_not_answer_now_is_passed_over() -> None:
    def unwell(release: Release, engine: EngineStatus) -> str:
        return "it hangs" if release.id == "v1" else ""

    assert choose(deployment(), known("v2", "v1", "v0"), unwell, "v2") == Choice(
        "v0", (PassedOver("v1", "it hangs"),)
    )


def test_an_external_engine_has_no_digest_to_match() -> None:
    base = known("v2", "v1")
    external = {**base.releases, "v1": release("v1", engine=EngineKind.EXTERNAL)}

    assert choose(deployment(), base._replace(releases=external), well, "v2").target == "v1"


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("v2", "it is what users get now"),
        ("v3", "it was never stable in tasks"),
        ("v9", "it was never stable in tasks"),
    ],
)
def test_a_named_target_must_be_eligible(to: str, reason: str) -> None:
    assert choose(deployment(), known("v2", "v1"), well, "v2", to=to) == Choice(
        None, (PassedOver(to, reason),)
    )


def test_the_candidate_is_never_a_target() -> None:
    promoted_once = known("v2", "v3", "v1")
    with_candidate = deployment(candidate="v3", mode=Mode.SHADOW)

    assert choose(with_candidate, promoted_once, well, "v2", to="v3").target is None
    assert choose(with_candidate, promoted_once, well, "v2", to="v1").target == "v1"


def test_nothing_before_means_no_target() -> None:
    assert choose(deployment(), known("v2"), well, "v2") == Choice(None)


@given(
    stack=st.lists(st.sampled_from(NAMES), max_size=5),
    stable=st.sampled_from(NAMES),
    previous=st.none() | st.sampled_from(NAMES),
    quarantined=st.sets(st.sampled_from(NAMES)),
    down=st.sets(st.sampled_from(NAMES)),
    to=st.sampled_from(("", *NAMES)),
)
def test_a_target_is_always_eligible(
    stack: list[str], stable: str, previous: str | None, quarantined: set[str], down: set[str], to: str
) -> None:
    state = known(*stack)._replace(
        quarantined=dict.fromkeys(quarantined, "bad"),
        engines={name: engine(name) for name in NAMES if name not in down},
    )

    choice = choose(deployment(stable, previous_good=previous), state, well, stable, to)

    if choice.target is not None:
        assert choice.target in stack
        assert choice.target not in quarantined | down | {stable}
        assert to in ("", choice.target)
    assert all(reason for _, reason in choice.passed_over)
