"""What stands beside every judged number: how the judges did, and how far they agree with people. Pure."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from aftertune.values.evaluation import Judgement, SampleResult
from evals.judging.calibration import Calibration, said_of
from evals.judging.canary import PREFIX
from evals.judging.health import health
from evals.judging.unheard import unheard
from evals.persona.probing import PROBE
from evals.scorers.persona import JUDGED_PERSONA, JUDGED_PREFIX, PROBED_PERSONA, PROBED_PREFIX

OF_TRAITS = "How far judges agree with people is told beside each trait."


class _About(NamedTuple):
    """Which judgements a metric is made of; `question` is empty where it is made of all."""

    question: str
    probes: bool | None

    def takes(self, judgement: Judgement) -> bool:
        """Canaries belong to every question that was asked of a judge."""
        if self.probes is not None and judgement.judge.startswith(PROBE.strip()) is not self.probes:
            return False
        return not self.question or judgement.question == self.question or is_canary(judgement)


def beside(metric: str, results: Iterable[SampleResult], known: Sequence[Calibration]) -> str:
    """Sentences; `metric` is a judged scorer's, `results` are those of the samples that count for it."""
    about = _about(metric)
    by_sample = [[each for each in result.judgements if about.takes(each)] for result in results]
    parts = [each.in_words() for each in health(by_sample) if each.judgements]
    if not parts:
        return ""
    everything = [each for judgements in by_sample for each in judgements]
    calibrated = said_of(about.question, everything, known) if about.question else ()
    return " ".join(
        (*(f"{part}." for part in (*parts, *calibrated)), *(() if about.question else (OF_TRAITS,)))
    )


def why_unmeasured(metric: str, result: SampleResult) -> str:
    """Of a judged metric: what its own judges said, else what is wrong with the whole sample."""
    about = _about(metric)
    asked = [each for each in result.judgements if about.takes(each) and not is_canary(each)]
    return unheard(asked) or result.error


def is_canary(judgement: Judgement) -> bool:
    return judgement.question.startswith(PREFIX)


def _about(metric: str) -> _About:
    if metric in (JUDGED_PERSONA, PROBED_PERSONA):
        return _About("", metric == PROBED_PERSONA)
    for prefix, probes in ((JUDGED_PREFIX, False), (PROBED_PREFIX, True)):
        if metric.startswith(prefix):
            return _About(metric.removeprefix(prefix), probes)
    return _About(metric, None)
