"""A judge over real HTTP that answers, refuses, breaks and hangs: a number or a reason, never NaN."""

import math
import subprocess
import sys
from collections.abc import Iterator

import pytest

from aftertune.clock import ManualClock
from aftertune.errors import BadInput
from aftertune.settings import EvalsSettings
from aftertune.store import Store
from aftertune.values.evaluation import RunState
from evals.judge_model import NO_JUDGE, Judged, NoJudge, RagasJudge, configured_judge
from evals.suite import JudgedMetric
from tests.evals.world import World, served, small_suites
from tests.fakes.judge import FakeJudge, Mood, fake_judge

COURTESY = JudgedMetric(metric="courtesy", definition="Is it polite?")


@pytest.fixture(scope="module")
def ragas() -> RagasJudge:
    """Loaded once: it takes seconds."""
    judge = RagasJudge("", "judge", "key", timeout_s=5.0)
    judge._load()
    return judge


@pytest.fixture
def fake() -> Iterator[FakeJudge]:
    with fake_judge() as running:
        yield running


def judge_at(fake: FakeJudge, ragas: RagasJudge, timeout_s: float = 5.0) -> RagasJudge:
    judge = RagasJudge(fake.url, "judge", "key", timeout_s)
    judge._ragas = ragas._ragas
    return judge


@pytest.mark.parametrize(("mood", "value"), [(Mood.YES, 1.0), (Mood.NO, 0.0)])
def test_a_verdict_is_a_score(fake: FakeJudge, ragas: RagasJudge, mood: Mood, value: float) -> None:
    fake.mood = mood
    assert judge_at(fake, ragas).ask(COURTESY, "Hello", "TaskMaster here.") == Judged(value, "")
    (asked,) = fake.seen
    said = asked["messages"][-1]["content"]
    assert "Is it polite?" in said
    assert "TaskMaster here." in said
    assert (asked["model"], asked["temperature"]) == ("judge", 0)


@pytest.mark.parametrize(
    ("mood", "why"),
    [
        (Mood.MAYBE, "the judge's verdict was 7, neither 0 nor 1"),
        (Mood.GARBAGE, "the judge gave no verdict: "),
        (Mood.SERVER_ERROR, "the judge broke"),
        (Mood.HANG, "gave no verdict"),
    ],
)
def test_no_verdict_is_unmeasured_with_its_reason(
    fake: FakeJudge, ragas: RagasJudge, mood: Mood, why: str
) -> None:
    fake.mood = mood
    judged = judge_at(fake, ragas, timeout_s=0.3).ask(COURTESY, "Hello", "Hi.")
    assert judged.value is None
    assert why in judged.reason
    assert len(judged.reason) < 260


def test_a_judge_that_is_not_there_is_unmeasured(ragas: RagasJudge) -> None:
    nowhere = RagasJudge("http://127.0.0.1:1", "judge", "key", 1.0)
    nowhere._ragas = ragas._ragas
    assert nowhere.ask(COURTESY, "Hello", "Hi.").value is None


def test_nan_is_unmeasured(ragas: RagasJudge, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nan(*_: object) -> float:
        return math.nan

    monkeypatch.setattr(ragas, "_ask", nan)
    assert ragas.ask(COURTESY, "Hello", "Hi.") == Judged(None, "the judge's verdict was nan, neither 0 nor 1")


def test_without_ragas_it_is_unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ragas.llms", None)
    judged = RagasJudge("http://127.0.0.1:1", "judge", "key", 1.0).ask(COURTESY, "Hello", "Hi.")
    assert judged.value is None
    assert "pip install 'aftertune[judge]'" in judged.reason


def test_half_a_judge_is_refused() -> None:
    assert isinstance(configured_judge(EvalsSettings()), NoJudge)
    assert configured_judge(EvalsSettings(judge_url="http://j", judge_model="m")).model == "m"
    with pytest.raises(BadInput, match="AFTERTUNE_EVALS__JUDGE_MODEL"):
        configured_judge(EvalsSettings(judge_url="http://j"))


@pytest.mark.parametrize(
    ("mood", "n", "estimate", "detail"),
    [
        (Mood.NO, 4, 0.0, "Is it polite?"),
        (Mood.SERVER_ERROR, 0, None, "Unmeasured: courtesy: the judge gave no verdict: "),
        (None, 0, None, f"Unmeasured: courtesy: {NO_JUDGE}"),
    ],
)
def test_a_judged_metric_is_reported_and_never_gates(
    store: Store,
    clock: ManualClock,
    tmp_path_factory: pytest.TempPathFactory,
    fake: FakeJudge,
    ragas: RagasJudge,
    mood: Mood | None,
    n: int,
    estimate: float | None,
    detail: str,
) -> None:
    fake.mood = mood or Mood.YES
    judge = judge_at(fake, ragas) if mood else NoJudge()
    world = World(store, clock, small_suites(tmp_path_factory.mktemp("s")), judge)
    with served("v1") as engine:
        world.register("v1", engine.url, "manners")
        world.step()
    world.engines.close()

    run = world.run("registration-v1-manners")
    courtesy = run.scores[-1]
    assert (run.state, courtesy.metric) == (RunState.SUCCESSFUL, "courtesy")
    assert (courtesy.n, courtesy.unmeasured, courtesy.estimate) == (n, 4 - n, estimate)
    assert detail in courtesy.detail
    assert run.signature is not None
    assert ("ragas.aspect_critic" in run.signature.scorers) is (mood is not None)
    assert all(r.error.startswith("courtesy: ") or n for r in world.results(run.id))


def test_the_room_loads_neither_ragas_nor_a_model() -> None:
    script = "import sys, evals.__main__; print([m for m in ('ragas', 'langchain_core', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
