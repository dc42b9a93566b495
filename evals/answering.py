"""One sample to one release: ask, try again, score. What cannot be answered is unmeasured, never wrong."""

import json
import threading
from typing import NamedTuple

from aftertune.clock import Clock
from aftertune.engine import ChatAnswer, ChatEngine
from aftertune.errors import Unavailable
from aftertune.values.evaluation import SampleResult
from evals.judge_model import Judge
from evals.sample import Sample
from evals.suite import Suite

BACKOFF_S = (0.5, 1.0, 2.0)
"""Waits before the second, third and fourth try."""

LONGEST_ASK_S = 20.0
"""After so long no other try is begun: an engine that hangs must not hold up everything else that waits."""

LONGEST_ANSWER = 20_000
"""Characters of an answer that are kept."""

LONGEST_REASON = 500
"""Characters of what an engine said instead of an answer; it may send a whole page."""


class Stopped(Exception):
    """The room ends, or somebody else holds its lease: the run is resumed later."""


class Asker(NamedTuple):
    """What asking needs. `backoff_s`: waits between tries."""

    suite: Suite
    judge: Judge
    clock: Clock
    stop: threading.Event
    backoff_s: tuple[float, ...] = BACKOFF_S

    def ask(
        self, run: str, sample: Sample, release: str, engine: ChatEngine, *, judged: bool
    ) -> SampleResult:
        """Raises Stopped. `judged`: whether the suite's judged metric is asked for as well."""
        started = self.clock.monotonic()
        answer = self._answer(sample, engine)
        latency_s = self.clock.monotonic() - started
        if isinstance(answer, str):
            metrics = self._metrics(sample, judged)
            return SampleResult(
                run=run,
                sample=sample.id,
                release=release,
                answer="",
                scores=dict.fromkeys(metrics),
                error=answer,
            )
        scores: dict[str, float | None] = {**self.suite.scorer.score(sample, self.suite.tools, answer)}
        error = ""
        if judged and self.suite.card.judged:
            metric = self.suite.card.judged
            verdict = self.judge.ask(metric, sample.question, spoken(answer))
            scores[metric.metric] = verdict.value
            error = f"{metric.metric}: {verdict.reason}" if verdict.value is None else ""
        return SampleResult(
            run=run,
            sample=sample.id,
            release=release,
            answer=spoken(answer)[:LONGEST_ANSWER],
            scores=scores,
            error=error,
            latency_s=latency_s,
        )

    def _answer(self, sample: Sample, engine: ChatEngine) -> ChatAnswer | str:
        """The answer, or why there is none."""
        reason, tries, started = "", 0, self.clock.monotonic()
        for wait_s in (0.0, *self.backoff_s):
            if self.clock.monotonic() - started >= LONGEST_ASK_S:
                break
            tries += 1
            if self.stop.wait(wait_s) if wait_s else self.stop.is_set():
                raise Stopped
            try:
                return engine.chat(
                    sample.messages,
                    tools=self.suite.tools_for(sample),
                    max_tokens=self.suite.card.max_tokens,
                )
            except Unavailable as error:
                reason = str(error)[:LONGEST_REASON]
        return f"no answer in {tries} {'try' if tries == 1 else 'tries'}: {reason}"

    def _metrics(self, sample: Sample, judged: bool) -> tuple[str, ...]:
        metric = self.suite.card.judged
        return (*self.suite.scorer.expects(sample), *((metric.metric,) if judged and metric else ()))


def spoken(answer: ChatAnswer) -> str:
    """The text, or the tool calls as JSON."""
    if not answer.tool_calls:
        return answer.text
    calls = [{"name": call.name, "arguments": call.arguments} for call in answer.tool_calls]
    return json.dumps(
        {"text": answer.text, "tool_calls": calls} if answer.text else calls, ensure_ascii=False
    )
