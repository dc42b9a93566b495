"""One sequential detector: it learns a reference, then weighs each observation against it."""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.drift.evidence import BETTORS, NARROWEST_TAIL, Evidence
from monitor.drift.ranks import BINS, Ranks
from monitor.drift.reference import AnswerReference, Matrix, PromptReference, Vector

RECENT = 50
EXAMPLES = 5


class Reference(Protocol):
    def scores(self, rows: Matrix) -> list[Any]:
        """A tuple of numbers in [-2, 2] for each row, larger is stranger; None: not to be judged."""
        ...


class _Kind(NamedTuple):
    make: type[PromptReference] | type[AnswerReference]
    scores: int


KINDS: Mapping[str, _Kind] = {
    "prompts": _Kind(PromptReference, 1),
    "answers": _Kind(AnswerReference, 2),
}


class Chart:
    """`name` is `prompts` (rows are prompts) or `answers` (rows are prompt and answer side by side).

    The first half of the reference window is what later rows are measured against. The second half, which is later
    in time, only tells how far ordinary rows lie from the first, so the reference's own closeness cannot mislead.
    """

    def __init__(self, name: str, wanted: int) -> None:
        self.name = name
        self.wanted = wanted
        self.learnt = 0
        self.digest = ""
        self.observations = 0
        self._rows: list[Vector] = []
        self._reference: Reference | None = None
        self._ranks = [Ranks() for _ in range(KINDS[name].scores)]
        self._evidence = [Evidence() for _ in range(KINDS[name].scores)]
        self._recent: list[tuple[float, str]] = []

    @property
    def watching(self) -> bool:
        return self._reference is not None

    @property
    def statistic(self) -> float:
        """The strongest evidence of a score, over the number of scores: they share what the chart may err."""
        return max(evidence.statistic for evidence in self._evidence) / len(self._evidence)

    def observe(self, row: Vector, identity: str) -> None:
        """Rows are rounded to 16 bits first, as they are stored. `identity` decides ties, the same way each time."""
        row = row.astype(np.float16).astype(np.float32)
        if self._reference is None:
            self._learn(row)
            return
        scores = self._reference.scores(row[None])[0]
        if scores is None:
            return
        self.observations += 1
        least = 1.0
        for index, score in enumerate(scores):
            ranks = self._ranks[index]
            self._evidence[index].observe(ranks.p_value(score, _luck(f"{self.name} {index} {identity}")))
            least = min(least, ranks.p_value(score, 1.0))  # Luck makes nothing strange.
            ranks.add(score)
        self._recent = [*self._recent, (least, identity)][-RECENT:]

    def strangest(self) -> tuple[str, ...]:
        """Which of the last observations spoke for a change: those in the narrowest tail that is bet on, newest first."""
        newest_first = reversed(self._recent)
        found = sorted(newest_first, key=lambda seen: max(seen[0], NARROWEST_TAIL))
        return tuple(identity for _, identity in found[:EXAMPLES])

    def _learn(self, row: Vector) -> None:
        self._rows.append(row)
        self.learnt += 1
        if self.learnt < self.wanted:
            return
        window = np.stack(self._rows)
        self.digest = hashlib.sha256(window.astype("<f2").tobytes()).hexdigest()
        half = self.wanted // 2
        self._rows = self._rows[:half]
        self._reference = KINDS[self.name].make(window[:half])
        for scores in self._reference.scores(window[half:]):
            for ranks, score in zip(self._ranks, scores or (), strict=False):
                ranks.add(score)

    def rows(self) -> NDArray[np.float16]:
        """What is kept of the reference; changes only while it is learnt."""
        return np.stack(self._rows).astype(np.float16) if self._rows else np.zeros((0, 0), np.float16)

    def numbers(self) -> dict[str, Any]:
        """All the rest, as JSON would have it."""
        return {
            "wanted": self.wanted,
            "learnt": self.learnt,
            "digest": self.digest,
            "observations": self.observations,
            "recent": self._recent,
        }

    def counts(self) -> NDArray[np.int64]:
        return np.stack([ranks.counts for ranks in self._ranks])

    def capital(self) -> NDArray[np.float64]:
        return np.stack([evidence.capital for evidence in self._evidence])

    @classmethod
    def restored(
        cls,
        name: str,
        numbers: Mapping[str, Any],
        rows: NDArray[np.float16],
        counts: NDArray[np.int64],
        capital: NDArray[np.float64],
    ) -> "Chart":
        """The chart that `rows`, `numbers`, `counts` and `capital` were read from. Raises ValueError, KeyError."""
        chart = cls(name, numbers["wanted"])
        shape = (len(chart._ranks),)
        if counts.shape != (*shape, BINS) or capital.shape != (*shape, BETTORS):
            raise ValueError(f"the state of the {name} chart has another shape")
        chart.learnt = numbers["learnt"]
        chart.digest = numbers["digest"]
        chart.observations = numbers["observations"]
        chart._recent = [(p, identity) for p, identity in numbers["recent"]]
        chart._rows = [row.astype(np.float32) for row in rows]
        chart._ranks = [Ranks(row.copy()) for row in counts]
        chart._evidence = [Evidence(row.copy()) for row in capital]
        if chart.learnt >= chart.wanted:
            chart._reference = KINDS[name].make(np.stack(chart._rows))
        return chart


def _luck(text: str) -> float:
    """Uniform in [0, 1), and the same for the same text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2.0**48
