"""Our harness as a benchmark runs it: a suite of so many samples, a real store, one release, no judge.

`python -m benchmarks.harness.ours URL SAMPLES CONCURRENCY`
"""

import asyncio
import json
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path

from aftertune.clock import SystemClock
from aftertune.lease import Lease
from aftertune.migrations import upgrade
from aftertune.store import Store
from aftertune.values.evaluation import EvaluationRun, RunState, Trigger
from aftertune.values.release import EngineKind, EngineState, EngineStatus, Release, ReleaseState
from evals.conclusion.conclude import conclude
from evals.executor import LocalExecutor
from evals.harness.harness import Harness, Limits
from evals.harness.keeping import Plan
from evals.suite.suite import load_suite

CARD = """
name: sums
version: "1"
description: one sum, many times
licence: ours
scorers: [exact_match]
ask: {max_tokens: 8}
seed: 1
"""


def sums(folder: Path, samples: int) -> Path:
    """A suite's folder; the peers read its samples.jsonl too."""
    made = folder / "sums"
    made.mkdir()
    (made / "card.yaml").write_text(CARD)
    lines = (
        {
            "id": f"s-{number:05}",
            "messages": [{"role": "user", "content": f"Sample {number}: what is 2 + 2?"}],
            "scoring": {"kind": "exact_match", "answers": ["4"]},
        }
        for number in range(samples)
    )
    (made / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return made


def measure(url: str, samples: int, concurrency: int) -> None:
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as name:
        suite = load_suite(sums(Path(name), samples))
        with closing(Store(f"sqlite:///{name}/aftertune.db")) as store:
            upgrade(store.engine)
            run = _prepared(store, clock, url)
            lease = Lease(store, clock, "evals", "benchmark", 60.0)
            limits = Limits(concurrency, timeout_s=60.0)
            harness = Harness(store, clock, LocalExecutor(), limits, lease, threading.Event())
            tally = asyncio.run(harness.measure(Plan(run, suite, ("v1",))))
            concluded = conclude(suite, "v1", {}, tally.results)
    assert concluded.scores[0].n == samples
    assert concluded.scores[0].estimate == 1.0


def _prepared(store: Store, clock: SystemClock, url: str) -> EvaluationRun:
    now = clock.now()
    run = EvaluationRun(
        id="run",
        suite="sums",
        release="v1",
        trigger=Trigger.BY_HAND,
        state=RunState.RUNNING,
        requested_by="benchmark",
        requested_at=now,
    )
    with store.write() as tx:
        tx.releases.add(
            Release(
                id="v1",
                engine=EngineKind.EXTERNAL,
                state=ReleaseState.READY,
                url=url,
                created_by="benchmark",
                created_at=now,
            )
        )
        tx.releases.save_engine(
            EngineStatus(
                release="v1", kind=EngineKind.EXTERNAL, state=EngineState.READY, url=url, updated_at=now
            )
        )
        tx.evaluations.add(run)
    return run


if __name__ == "__main__":
    measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
