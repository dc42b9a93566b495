"""Answers of an earlier run stand for new ones where nothing they depend on differs, and only when nobody minds."""

from typing import Any

import pytest

from aftertune.values.evaluation import RunState
from aftertune.values.release import EngineKind, EngineState, EngineStatus
from evals.harness.cache import answering_digest, may_be_cached
from evals.suite.card import Ask
from tests.aftertune.samples import AT, release
from tests.evals.world import World, served
from tests.fakes.engine import FakeEngine

ENGINE = EngineStatus(
    release="v1",
    kind=EngineKind.VLLM,
    state=EngineState.READY,
    url="http://engine",
    weights_digest="ab" * 32,
    updated_at=AT,
)


@pytest.fixture
def asked_once(world: World, engine: FakeEngine) -> World:
    with served("base") as base:
        world.register("v1", engine.url)
        world.register("base", base.url)
        world.ask_for("v1", "memory", "first")
        world.step()
    engine.seen.clear()
    return world


def again(world: World, **changes: Any) -> int:
    """Runs the suite on v1 again and returns how many samples came from the cache."""
    with served("base") as base:
        world.engine("base", base.url)
        world.ask_for("v1", "memory", "second", **changes)
        world.step()
    run = world.run("second")
    assert (run.state, run.done) == (RunState.SUCCESSFUL, 20)
    assert [r.answers for r in world.results("second")] == [r.answers for r in world.results("first")]
    return run.progress.from_cache


def test_nothing_changed_is_not_asked_again(asked_once: World, engine: FakeEngine) -> None:
    assert again(asked_once, fresh=False) == 40
    assert engine.seen == []


def test_a_fresh_run_asks_everything(asked_once: World, engine: FakeEngine) -> None:
    assert again(asked_once, fresh=True) == 0
    assert len(engine.seen) == 20


def test_other_weights_are_asked(asked_once: World, engine: FakeEngine) -> None:
    with asked_once.store.write() as tx:
        status = tx.releases.engine("v1")
        assert status is not None
        tx.releases.save_engine(status.model_copy(update={"weights_digest": "others"}))
    assert again(asked_once, fresh=False) == 20, "those of the base"
    assert len(engine.seen) == 20


def test_runs_are_fresh_unless_somebody_says_otherwise(asked_once: World) -> None:
    assert asked_once.run("first").fresh


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": "other"},
        {"ask": Ask(temperature=0.7)},
        {"ask": Ask(system="Be brief.")},
        {"seed": 8},
        {"engine": ENGINE.model_copy(update={"weights_digest": "other"})},
        {"engine": ENGINE.model_copy(update={"kind": EngineKind.TRANSFORMERS})},
        {"engine": ENGINE.model_copy(update={"fingerprint": ("other",)})},
    ],
)
def test_whatever_answers_depend_on_is_in_the_key(change: dict[str, Any]) -> None:
    known: dict[str, Any] = {
        "dataset": "d",
        "ask": Ask(),
        "seed": 7,
        "release": release("v1"),
        "engine": ENGINE,
    }
    assert answering_digest(**known) != answering_digest(**(known | change))
    moved = ENGINE.model_copy(update={"url": "http://elsewhere"})
    assert answering_digest(**known) == answering_digest(**(known | {"engine": moved}))


def test_an_external_engine_s_answers_keep_only_where_the_card_says_so() -> None:
    external = ENGINE.model_copy(update={"kind": EngineKind.EXTERNAL, "weights_digest": ""})
    assert may_be_cached(Ask(), ENGINE)
    assert not may_be_cached(Ask(), external)
    assert may_be_cached(Ask(cache_external=True), external)
    assert not may_be_cached(Ask(how="cost"), ENGINE)
