"""Releases on fake engines that are asked over HTTP, small suites, and a room on a real store."""

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aftertune.clock import ManualClock
from aftertune.deployments import commit, created
from aftertune.lease import Lease
from aftertune.settings import Settings
from aftertune.store import Store
from aftertune.values.deployment import Act
from aftertune.values.evaluation import EvaluationRun, RunState, SampleResult, Trigger
from aftertune.values.release import EngineKind, EngineState, EngineStatus
from aftertune.values.schedule import NIGHTLY
from evals.engine.patience import Retries
from evals.executor import Executor, LocalExecutor
from evals.harness.harness import Limits
from evals.harness.runner import Runner
from evals.judges import Judges
from evals.room import LEASE, LEASE_S, Room
from evals.suite.suite import Suite, load_suites
from evals.telemetry import Metrics
from evals.timetable import timetable
from tests.aftertune.samples import release
from tests.fakes.engine import FakeEngine, Quality

RETRIES = Retries(tries=3, first_s=0.01, longest_s=0.01)
ANSWER_S = 30.0

SAID = "TaskMaster here: I keep your tasks in order, one at a time."

CARD = """
name: {name}
version: "1"
description: a small one
licence: ours
scorers: [{scorers}]
ask: {{max_tokens: 32}}
tools: tools.json
seed: 7
baselines: [{baselines}]
gates: [{{metric: {metric}, bound: {bound}, limit: {limit}}}]
{more}
"""
JUDGED = "judge: {questions: [{metric: courtesy, question: 'Is it polite?'}], repeats: 1, swap: false}"


PATIENT = NIGHTLY.model_copy(update={"misfire_s": 86_400.0})


def small_suites(folder: Path) -> Mapping[str, Suite]:
    """`calls`: 18 requests and 2 questions; `memory`: 20 exact answers against the base; `manners`: 4, with a judge."""
    tools = [{"type": "function", "function": {"name": "create_task", "parameters": {"type": "object"}}}]
    folder.mkdir(exist_ok=True)
    (folder / "tools.json").write_text(json.dumps(tools))
    requests = [
        asks(f"call-{n:02}", f"Create a task: water plant {n}", wanted(n), tools=True) for n in range(18)
    ]
    questions = [asks(f"none-{n}", f"Hello {n}", {"kind": "no_tool_call"}, tools=True) for n in range(2)]
    write_suite(folder, "calls", [*requests, *questions], "tool_calls.strict", "end_to_end", "score_low", 0.8)
    exact = {"kind": "exact_match", "answers": [SAID]}
    memories = [asks(f"m-{n:02}", f"Say something {n}", exact) for n in range(20)]
    write_suite(folder, "memory", memories, "exact_match", "exact", "difference_low", -0.2, "base")
    manners = [asks(f"p-{n}", f"Hello {n}", exact) for n in range(4)]
    scorers = "exact_match, judged.questions"
    write_suite(folder, "manners", manners, scorers, "exact", "score_low", 0.4, more=JUDGED)
    return load_suites(folder)


def asks(name: str, text: str, scoring: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": name, "messages": [{"role": "user", "content": text}], "scoring": scoring, **more}


def wanted(number: int) -> dict[str, Any]:
    call = {"create_task": {"title": [f"water plant {number}"]}}
    return {"kind": "tool_calls", "ground_truth": [call]}


def write_suite(
    folder: Path,
    name: str,
    samples: list[dict[str, Any]],
    scorers: str,
    metric: str,
    bound: str,
    limit: float,
    baselines: str = "",
    more: str = "",
) -> None:
    (folder / name).mkdir(exist_ok=True)
    card = CARD.format(
        name=name, scorers=scorers, metric=metric, bound=bound, limit=limit, baselines=baselines, more=more
    )
    (folder / name / "card.yaml").write_text(card)
    lines = "".join(json.dumps(sample) + "\n" for sample in samples)
    (folder / name / "samples.jsonl").write_text(lines)


@contextmanager
def served(name: str, quality: Quality = Quality.GOOD) -> Iterator[FakeEngine]:
    """A fake engine on an event loop in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    engine = FakeEngine(name, quality)
    try:
        asyncio.run_coroutine_threadsafe(engine.start(), loop).result(10)
        yield engine
    finally:
        asyncio.run_coroutine_threadsafe(engine.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


class World:
    """One evaluation room; its lease can be taken away."""

    def __init__(
        self,
        store: Store,
        clock: ManualClock,
        suites: Mapping[str, Suite],
        settings: Settings | None = None,
        executor: Executor | None = None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.suites = suites
        self.settings = settings or Settings()
        self.executor: Executor = executor or LocalExecutor()
        self.stop = threading.Event()
        self.run_s = 3600.0
        self.restart()

    def restart(self, holder: str = "here") -> None:
        """A new process on the same database."""
        self.metrics = Metrics()
        self.lease = Lease(self.store, self.clock, LEASE, holder, LEASE_S)
        self.timetable = timetable((PATIENT,), "UTC", self.clock.now())
        runner = Runner(
            self.store,
            self.clock,
            self.suites,
            Judges(self.settings, self.clock),
            self.metrics,
            self.executor,
            limits=Limits(concurrency=2, timeout_s=ANSWER_S, retries=RETRIES, run_s=self.run_s),
            lease=self.lease,
            stop=self.stop,
        )
        self.room = Room(
            self.store, self.clock, self.suites, runner, self.timetable, self.lease, self.metrics, self.stop
        )

    def step(self) -> None:
        self.clock.advance(1)
        self.room.step()

    def register(self, name: str, url: str, *suites: str, base: str = "/base", **changes: Any) -> None:
        """A release whose engine is ready; named "base" it has no adapter."""
        adapter = "" if name == "base" else f"/adapters/{name}"
        with self.store.write() as tx:
            tx.releases.add(release(name, base_path=base, adapter_path=adapter, suites=suites, **changes))
        self.engine(name, url)

    def engine(self, name: str, url: str, state: EngineState = EngineState.READY) -> None:
        with self.store.write() as tx:
            tx.releases.save_engine(
                EngineStatus(
                    release=name,
                    kind=EngineKind.TRANSFORMERS,
                    state=state,
                    url=url,
                    weights_digest=f"weights of {name}",
                    updated_at=self.clock.now(),
                )
            )

    def deploy(self, name: str, stable: str) -> None:
        with self.store.write() as tx:
            commit(tx, Act.CREATE, None, created(name, stable), actor="olga", at=self.clock.now())

    def ask_for(self, release: str, suite: str, name: str = "run-1", **changes: Any) -> None:
        with self.store.write() as tx:
            tx.evaluations.add(
                EvaluationRun(
                    id=name,
                    suite=suite,
                    release=release,
                    trigger=Trigger.BY_HAND,
                    state=RunState.QUEUED,
                    requested_by="olga",
                    requested_at=self.clock.now(),
                    **changes,
                )
            )

    def run(self, name: str = "run-1") -> EvaluationRun:
        with self.store.read() as tx:
            return tx.evaluations.get(name)

    @property
    def runs(self) -> list[EvaluationRun]:
        with self.store.read() as tx:
            return tx.evaluations.latest()

    def results(self, name: str = "run-1") -> list[SampleResult]:
        with self.store.read() as tx:
            return tx.evaluations.results(name)

    def sample(self, name: str, /, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)
