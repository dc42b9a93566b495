"""A judge that fails over and over is left alone; one that comes back in time is not."""

from evals.breaker import MOST_FAILURES, Breaker
from evals.judge_model import Judged
from evals.suite import JudgedMetric

METRIC = JudgedMetric(metric="courtesy", definition="Is it polite?")


class ScriptedJudge:
    model = "judge-1"
    version = "0"

    def __init__(self, *verdicts: float | None) -> None:
        self.verdicts = list(verdicts)

    def ask(self, metric: JudgedMetric, question: str, answer: str) -> Judged:
        value = self.verdicts.pop(0)
        return Judged(value, "" if value is not None else "it hangs")


def test_after_failures_in_a_row_it_is_not_asked_again() -> None:
    judge = ScriptedJudge(1.0, *[None] * MOST_FAILURES, 1.0)
    breaker = Breaker(judge)
    verdicts = [breaker.ask(METRIC, "q", "a") for _ in range(MOST_FAILURES + 5)]
    assert [verdict.value for verdict in verdicts] == [1.0] + [None] * (MOST_FAILURES + 4)
    assert judge.verdicts == [1.0]
    assert verdicts[-1].reason == f"not asked after {MOST_FAILURES} failures in a row, the last: it hangs"


def test_a_verdict_in_between_starts_the_count_anew() -> None:
    breaker = Breaker(ScriptedJudge(None, None, 0.0, None, None, 1.0))
    assert [breaker.ask(METRIC, "q", "a").value for _ in range(6)] == [None, None, 0.0, None, None, 1.0]
