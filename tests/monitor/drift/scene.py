"""A deployment with stored exchanges, and an encoder that is told what to do."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zlib import crc32

import numpy as np

from aftertune.clock import ManualClock
from aftertune.deployments import canary_started, commit, created, promoted, shadow_started
from aftertune.errors import Unavailable
from aftertune.settings.sections import DriftSettings
from aftertune.store import Store
from aftertune.store.exchanges import Payload
from aftertune.values.deployment import Act
from aftertune.values.drift import DriftReading
from aftertune.values.exchange import CapturePolicy
from monitor.drift.reference import Matrix
from monitor.drift.watcher import DriftWatcher
from monitor.metrics import Metrics
from tests.aftertune.samples import exchange, release
from tests.monitor.wire import completion, request

NAME = "tasks"
SETTINGS = DriftSettings(reference=50)


class FakeEncoder:
    """The first word is the topic, a fixed direction; the rest of the text moves the vector a little."""

    def __init__(self) -> None:
        self.fault = ""
        self.name = "fake"
        self.size = 24
        self.asked: list[str] = []

    def identity(self) -> str:
        if self.fault:
            raise Unavailable(self.fault)
        return self.name

    def embed(self, texts: Sequence[str]) -> Matrix:
        if self.fault:
            raise Unavailable(self.fault)
        self.asked += texts
        rows = np.stack([self._one(text) for text in texts])
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)

    def _one(self, text: str) -> Matrix:
        topic = np.random.default_rng(crc32(text.split(maxsplit=1)[0].encode())).normal(size=self.size)
        noise = np.random.default_rng(crc32(text.encode())).normal(size=self.size)
        return np.asarray(topic + 0.5 * noise, dtype=np.float32)


class Scene:
    def __init__(self, store: Store, clock: ManualClock, capture: CapturePolicy = CapturePolicy.FULL) -> None:
        self.store = store
        self.clock = clock
        self.encoder = FakeEncoder()
        self.metrics = Metrics()
        self.said = 0
        with store.write() as tx:
            for each in ("v1", "v2"):
                tx.releases.add(release(each))
            deployment = created(NAME, "v1").model_copy(update={"capture": capture})
            commit(tx, Act.CREATE, None, deployment, actor="olga", at=clock.now())
        self.watcher = self.restarted()

    def restarted(self, store: Store | None = None) -> DriftWatcher:
        self.watcher = DriftWatcher(store or self.store, self.clock, self.encoder, SETTINGS, self.metrics)
        return self.watcher

    def ask(self, n: int, topic: str = "tasks", answer: str = "", **changes: Any) -> None:
        """`n` conversations of one exchange each."""
        with self.store.write() as tx:
            for _ in range(n):
                self.said += 1
                self.clock.advance(0.1)
                known: dict[str, Any] = {
                    "conversation": f"c{self.said}",
                    "arrival": self.clock.now(),
                    "ended": self.clock.now(),
                }
                leg = exchange(f"e{self.said:05}", **(known | changes))
                text = f"{answer or topic} {self.said % 97} is done"
                raw = Payload(request(f"{topic} number {self.said % 89}"), completion(text))
                tx.exchanges.add(leg, raw, None)

    def ask_raw(self, body: Any, answer: bytes = b"", **changes: Any) -> None:
        self.said += 1
        self.clock.advance(0.1)
        with self.store.write() as tx:
            leg = exchange(f"e{self.said:05}", arrival=self.clock.now(), **changes)
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            tx.exchanges.add(leg, Payload(raw, answer), None)

    def look(self, times: int = 1) -> DriftReading:
        """Ticks, then the newest reading."""
        for _ in range(times):
            self.clock.advance(1.0)
            self.watcher.tick()
        found = self.reading
        assert found is not None
        return found

    def learn(self, n: int = SETTINGS.reference) -> None:
        self.ask(n)
        self.look(4)

    def promote(self) -> None:
        with self.store.write() as tx:
            stable = tx.deployments.get(NAME)
            shadow = shadow_started(stable, "v2", "r1", 1.0)
            canary = canary_started(shadow, 0.5, 1.0)
            for act, before, after in (
                (Act.START_SHADOW, stable, shadow),
                (Act.START_CANARY, shadow, canary),
                (Act.PROMOTE, canary, promoted(canary)),
            ):
                commit(tx, act, before, after, actor="olga", at=self.clock.now())

    @property
    def reading(self) -> DriftReading | None:
        with self.store.read() as tx:
            return tx.drift.reading(NAME)

    @property
    def readings(self) -> list[DriftReading]:
        with self.store.read() as tx:
            return tx.drift.readings(NAME, 1000)

    @property
    def state(self) -> bytes | None:
        with self.store.read() as tx:
            return tx.drift.watch(NAME)

    @property
    def audit(self) -> list[str]:
        with self.store.read() as tx:
            return [entry.action for entry in tx.audit.entries()]

    def gauge(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, {"deployment": NAME, **labels})

    def waiting(self) -> int:
        with self.store.read() as tx:
            return tx.drift.backlog(NAME, self.clock.now() - timedelta(days=1))
