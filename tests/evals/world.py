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
from aftertune.store import Store
from aftertune.values.deployment import Act
from aftertune.values.evaluation import EvaluationRun, RunState, SampleResult, Trigger
from aftertune.values.release import EngineKind, EngineState, EngineStatus
from evals.engines import Engines
from evals.judge_model import Judge, NoJudge
from evals.metrics import Metrics
from evals.room import LEASE, LEASE_S, Room
from evals.runner import Runner
from evals.schedule import Nightly, nightly_trigger
from evals.suite import Suite, load_suites
from tests.aftertune.samples import release
from tests.fakes.engine import FakeEngine, Quality

SAID = "TaskMaster here: I keep your tasks in order, one at a time."

CARD = """
name: {name}
version: "1"
description: a small one
licence: ours
scorer: {scorer}
tools: tools.json
max_tokens: 32
seed: 7
compares_with_base: {compares}
gates: [{{metric: {metric}, bound: {bound}, limit: {limit}}}]
{more}
"""


def small_suites(folder: Path) -> Mapping[str, Suite]:
    """`calls`: 18 requests and 2 questions; `memory`: 20 exact answers against the base; `manners`: 4, with a judge."""
    tools = [{"type": "function", "function": {"name": "create_task", "parameters": {"type": "object"}}}]
    folder.mkdir(exist_ok=True)
    (folder / "tools.json").write_text(json.dumps(tools))
    requests = [
        {"id": f"call-{n:02}", **asks(f"Create a task: water plant {n}"), "tools": True, "calls": [wanted(n)]}
        for n in range(18)
    ]
    questions = [{"id": f"none-{n}", **asks(f"Hello {n}"), "tools": True, "calls": []} for n in range(2)]
    _suite(folder, "calls", [*requests, *questions], "tool_calls.strict", "end_to_end", "score_low", 0.8)
    memories = [{"id": f"m-{n:02}", **asks(f"Say something {n}"), "text": SAID} for n in range(20)]
    _suite(folder, "memory", memories, "exact_match", "exact", "difference_low", -0.2, compares=True)
    manners = [{"id": f"p-{n}", **asks(f"Hello {n}"), "mentions": []} for n in range(4)]
    judged = "judged: {metric: courtesy, definition: 'Is it polite?'}"
    _suite(folder, "manners", manners, "persona.traits", "persona", "score_low", 0.4, more=judged)
    return load_suites(folder)


def asks(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def wanted(number: int) -> dict[str, Any]:
    return {"create_task": {"title": [f"water plant {number}"]}}


def _suite(
    folder: Path,
    name: str,
    samples: list[dict[str, Any]],
    scorer: str,
    metric: str,
    bound: str,
    limit: float,
    compares: bool = False,
    more: str = "",
) -> None:
    (folder / name).mkdir(exist_ok=True)
    card = CARD.format(
        name=name,
        scorer=scorer,
        metric=metric,
        bound=bound,
        limit=limit,
        compares=str(compares).lower(),
        more=more,
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
        self, store: Store, clock: ManualClock, suites: Mapping[str, Suite], judge: Judge | None = None
    ) -> None:
        self.store = store
        self.clock = clock
        self.suites = suites
        self.judge: Judge = judge or NoJudge()
        self.stop = threading.Event()
        self.restart()

    def restart(self, holder: str = "here") -> None:
        """A new process on the same database."""
        self.metrics = Metrics()
        self.engines = Engines(self.store, timeout_s=1.0)
        self.lease = Lease(self.store, self.clock, LEASE, holder, LEASE_S)
        self.nightly = Nightly(nightly_trigger("0 2 * * *", "UTC"), self.clock)
        runner = Runner(
            self.store,
            self.clock,
            self.suites,
            self.judge,
            self.metrics,
            self.engines.of,
            concurrency=2,
            lease=self.lease,
            stop=self.stop,
            backoff_s=(0.0, 0.01),
        )
        self.room = Room(
            self.store, self.clock, self.suites, runner, self.nightly, self.lease, self.metrics, self.stop
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

    def ask_for(self, release: str, suite: str, name: str = "run-1") -> None:
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
