"""The watch over one deployment: two charts on one budget of false alarms, and what their alarm means.

An alarm is due when either chart reaches four times the run length, L. The p-values of one score are independent of
each other but not of the other scores', so no sum of evidences is a martingale and each is bounded alone (Doob): the
evidence of one of a chart's k scores reaches 4kL within n observations with a chance of at most n / 4kL. Over all scores
of both charts that is n / 2L: a false alarm within n conversations is no likelier, and the expected time to one, the
sum of what is left of one over all n, is at least L.
"""

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from math import log10
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aftertune.errors import Corrupt
from aftertune.values.drift import DriftCause, DriftChart, DriftState
from monitor.drift.chart import Chart
from monitor.drift.reference import Vector

CHARTS = 2
ON_ITS_WAY = 0.1
"""So much of the threshold on the prompts chart speaks for the users as the cause."""
REMEMBERED = 1024
"""Names of conversations that are known to have begun; older ones show by their history."""


@dataclass(frozen=True)
class Observation:
    """A conversation's opening. `answer` is None where stable did not answer in text; `conversation` "" is unknown."""

    exchange_id: str
    conversation: str
    prompt: Vector
    answer: Vector | None
    release: str


@dataclass(frozen=True)
class Alarm:
    """What was decided when a chart reached the threshold; it stands until the watch is made anew."""

    cause: DriftCause
    reason: str
    examples: tuple[str, ...]


class Watch:
    """`reference`: conversations in the reference window of each chart."""

    def __init__(self, reference: int, encoder: str, release: str) -> None:
        self.encoder = encoder
        self.release = release
        self.prompts = Chart("prompts", reference)
        self.answers = Chart("answers", reference)
        self.alarm: Alarm | None = None
        self._seen: list[str] = []

    @property
    def state(self) -> DriftState:
        if self.alarm is not None:
            return DriftState.ALARM
        return DriftState.WATCHING if self.prompts.watching else DriftState.LEARNING

    @property
    def observations(self) -> int:
        return self.prompts.observations

    @property
    def progress(self) -> tuple[str, int, int]:
        """Changes whenever the kept reference does."""
        return self.release, self.prompts.learnt, self.answers.learnt

    def follow(self, stable: str) -> None:
        """Another stable release may answer otherwise: its answers get a reference of their own."""
        if stable != self.release:
            self.release = stable
            self.answers = Chart("answers", self.answers.wanted)

    def observe(self, observation: Observation, run_length: int) -> bool:
        """Weigh one opening; False for one that is not counted: of a known conversation, or after the alarm."""
        if self.alarm is not None or self._known(observation.conversation):
            return False
        self.prompts.observe(observation.prompt, observation.exchange_id)
        if observation.answer is not None and observation.release == self.release:
            row = np.concatenate((observation.prompt, observation.answer))
            self.answers.observe(row, observation.exchange_id)
        self.alarm = self._due(run_length)
        return True

    def charts(self, run_length: int) -> tuple[DriftChart, ...]:
        """Those that watch, on a scale of powers of ten."""
        return tuple(
            DriftChart(
                name=chart.name,
                statistic=round(log10(max(1.0, chart.statistic)), 4),
                threshold=round(log10(threshold(run_length)), 4),
                observations=chart.observations,
            )
            for chart in (self.prompts, self.answers)
            if chart.watching
        )

    def _due(self, run_length: int) -> Alarm | None:
        limit = threshold(run_length)
        chart = next((chart for chart in (self.prompts, self.answers) if chart.statistic >= limit), None)
        if chart is None:
            return None
        # Where prompts are well on their way to an alarm, strange answers are no evidence against the model.
        users = chart is self.prompts or self.prompts.statistic >= ON_ITS_WAY * limit
        told = (
            "What users ask has moved away from the reference"
            if users
            else (f"{self.release} answers familiar prompts unlike it did in the reference")
        )
        return Alarm(
            DriftCause.USERS_CHANGED if users else DriftCause.MODEL_CHANGED,
            f"{told}: the {chart.name} chart reached its threshold after {chart.observations} conversations.",
            chart.strangest(),
        )

    def _known(self, conversation: str) -> bool:
        if not conversation:
            return False
        name = hashlib.sha256(conversation.encode()).hexdigest()[:12]
        if name in self._seen:
            return True
        self._seen = [*self._seen, name][-REMEMBERED:]
        return False

    def saved_reference(self) -> bytes:
        """The kept vectors; changes only while a chart learns."""
        return _npz(prompts=self.prompts.rows(), answers=self.answers.rows())

    def saved_state(self) -> bytes:
        """All but the vectors; the same watch gives the same bytes."""
        numbers = {
            "encoder": self.encoder,
            "release": self.release,
            "seen": self._seen,
            "alarm": None
            if self.alarm is None
            else [self.alarm.cause, self.alarm.reason, list(self.alarm.examples)],
            "prompts": self.prompts.numbers(),
            "answers": self.answers.numbers(),
        }
        return _npz(
            numbers=np.frombuffer(json.dumps(numbers, sort_keys=True).encode(), dtype=np.uint8),
            prompts_counts=self.prompts.counts(),
            prompts_capital=self.prompts.capital(),
            answers_counts=self.answers.counts(),
            answers_capital=self.answers.capital(),
        )

    @classmethod
    def restored(cls, state: bytes, reference: bytes) -> "Watch":
        """The watch that both were read from. Raises Corrupt."""
        try:
            arrays, rows = _arrays(state), _arrays(reference)
            numbers: dict[str, Any] = json.loads(arrays["numbers"].tobytes())
            watch = cls(numbers["prompts"]["wanted"], numbers["encoder"], numbers["release"])
            watch.prompts, watch.answers = (
                Chart.restored(
                    name, numbers[name], rows[name], arrays[f"{name}_counts"], arrays[f"{name}_capital"]
                )
                for name in ("prompts", "answers")
            )
            watch._seen = list(numbers["seen"])
            if numbers["alarm"] is not None:
                cause, reason, examples = numbers["alarm"]
                watch.alarm = Alarm(DriftCause(cause), reason, tuple(examples))
        except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise Corrupt(
                f"The drift watch's stored state cannot be read: {error}.", "Let the deployment relearn."
            ) from error
        return watch


def threshold(run_length: int) -> float:
    """What either chart must reach so that both together keep the run length: each has half of n / 2L."""
    return 2.0 * CHARTS * run_length


def _npz(**arrays: Any) -> bytes:
    """Byte for byte the same for the same arrays: the format stores no time."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _arrays(raw: bytes) -> dict[str, NDArray[Any]]:
    with np.load(io.BytesIO(raw), allow_pickle=False) as found:
        return dict(found)
