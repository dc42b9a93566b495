"""A judge for one run that is not asked for ever: a dead one would hold up every other run of the room."""

import threading

from evals.judge_model import Judge, Judged
from evals.suite import JudgedMetric

MOST_FAILURES = 3
"""So many in a row, and the rest of the run is unmeasured without asking."""


class Breaker:
    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._lock = threading.Lock()
        self._failures = 0
        self._last = ""

    @property
    def model(self) -> str:
        return self._judge.model

    @property
    def version(self) -> str:
        return self._judge.version

    def ask(self, metric: JudgedMetric, question: str, answer: str) -> Judged:
        with self._lock:
            if self._failures >= MOST_FAILURES:
                return Judged(
                    None, f"not asked after {MOST_FAILURES} failures in a row, the last: {self._last}"
                )
        judged = self._judge.ask(metric, question, answer)
        with self._lock:
            self._failures = 0 if judged.value is not None else self._failures + 1
            self._last = judged.reason
        return judged
