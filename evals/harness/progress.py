"""How far a run is: counted from what was answered, with the pace of this attempt."""

from collections.abc import Sequence

from aftertune.clock import Clock
from aftertune.values.evaluation import EvaluationRun, Progress, SampleResult
from evals.conclusion.unmeasured import MOST_UNMEASURED, is_unanswered
from evals.harness.answering import Answered
from evals.harness.scored import is_cut_off


class Tally:
    """`known`: what earlier attempts stored."""

    def __init__(
        self,
        run: EvaluationRun,
        samples: int,
        releases: Sequence[str],
        known: Sequence[SampleResult],
        clock: Clock,
    ) -> None:
        self.results = list(known)
        self._run = run
        self._samples = samples
        self._releases = tuple(releases)
        self._clock = clock
        self._began = clock.monotonic()
        self._asked = 0
        self._of = dict.fromkeys(releases, 0)
        self._unanswered: set[str] = set()
        self._truncated = 0
        self._cached, self._retries = run.progress.from_cache, run.progress.retries
        for result in known:
            self._count(result)

    def add(self, answered: Answered, result: SampleResult) -> None:
        self.results.append(result)
        self._asked += not answered.cached
        self._cached += answered.cached
        self._retries += answered.retries
        self._count(result)

    @property
    def done(self) -> int:
        """Samples that every release has answered."""
        return min(self._of.values(), default=0)

    @property
    def hopeless(self) -> bool:
        """So much is unmeasured that the run can only end as an error."""
        return len(self._unanswered) > MOST_UNMEASURED * self._samples

    def progress(self) -> Progress:
        asked, total = sum(self._of.values()), self._samples * len(self._releases)
        spent_s = self._clock.monotonic() - self._began
        rate = self._asked / spent_s if self._asked and spent_s > 0 else None
        return Progress(
            asked=asked,
            total=total,
            rate=rate,
            seconds_left=(total - asked) / rate if rate else None,
            from_cache=self._cached,
            truncated=self._truncated,
            retries=self._retries,
        )

    def as_run(self) -> EvaluationRun:
        return self._run.model_copy(update={"done": self.done, "progress": self.progress()})

    def _count(self, result: SampleResult) -> None:
        self._of[result.release] += 1
        self._truncated += sum(is_cut_off(answer) for answer in result.answers)
        if is_unanswered(result):
            self._unanswered.add(result.sample)
