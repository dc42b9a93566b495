"""Vectors of made-up traffic: topics are directions, texts lie around them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from monitor.drift.reference import Vector
from monitor.drift.watch import Observation, Watch

SIZE = 32


class Traffic:
    """Prompts of six topics; an answer is its prompt turned by a fixed map, and noise."""

    def __init__(self, seed: int, spread: float = 0.12) -> None:
        self._rng = np.random.default_rng(seed)
        world = np.random.default_rng(7)
        self._topics = world.normal(size=(12, SIZE))
        self._answering = world.normal(size=(SIZE, SIZE)) / np.sqrt(SIZE)
        self._damaged = world.normal(size=(SIZE, SIZE)) / np.sqrt(SIZE)
        self._spread = spread
        self._made = 0

    def usual(self, n: int, release: str = "v1") -> Iterator[Observation]:
        for _ in range(n):
            yield self._one(int(self._rng.integers(6)), release, self._answering)

    def other_topics(self, n: int, release: str = "v1") -> Iterator[Observation]:
        for _ in range(n):
            yield self._one(6 + int(self._rng.integers(6)), release, self._answering)

    def other_answers(self, n: int, release: str = "v1") -> Iterator[Observation]:
        for _ in range(n):
            yield self._one(int(self._rng.integers(6)), release, self._damaged)

    def _one(self, topic: int, release: str, answering: NDArray[np.float64]) -> Observation:
        self._made += 1
        prompt = self._near(self._topics[topic])
        answer = self._near(answering @ prompt)
        return Observation(f"e{self._made}", f"c{self._made}", prompt, answer, release)

    def _near(self, centre: NDArray[np.float64]) -> Vector:
        vector = centre / np.linalg.norm(centre) + self._rng.normal(size=SIZE) * self._spread
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def watch(traffic: Traffic, reference: int = 100, run_length: int = 10_000) -> Watch:
    """A watch that has learnt its reference."""
    made = Watch(reference, "test", "v1")
    for observation in traffic.usual(reference):
        made.observe(observation, run_length)
    return made


def until_alarm(made: Watch, observations: Iterator[Observation], run_length: int = 10_000) -> int | None:
    """How many observations it took; None: they did not alarm."""
    for count, observation in enumerate(observations, start=1):
        made.observe(observation, run_length)
        if made.alarm is not None:
            return count
    return None
