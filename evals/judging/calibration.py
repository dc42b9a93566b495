"""Judges against people: pure. A judged number without enough human labels beside it is called uncalibrated.

A suite's folder may hold calibration.jsonl, one human label a line, beside what the judge said of the same answer. The
labels of a closed review are turned into such lines by `calibration_lines`.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isnan
from pathlib import Path
from typing import NamedTuple

from pydantic import Field, ValidationError

from aftertune.errors import BadInput
from aftertune.reviews.labels import Label
from aftertune.stats.agreement import cohen_kappa, mean_bias
from aftertune.values.evaluation import Judgement, SampleResult
from aftertune.values.review import Scale
from aftertune.values.value import Value
from evals.scorers.judged import about, verdict

FILE = "calibration.jsonl"

LEAST_LABELS = 100
"""With fewer, a judge is uncalibrated: its agreement with people is hardly known."""

GRADES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""To the nearest of these a judge's mean and a person's label are rounded, before they are compared by kappa."""


class LabelledAnswer(Value):
    """A person's label of one answer, and the judge's number of the same answer: both in [0, 1]."""

    sample: str
    answer: str = Field(description="SHA-256 of what was said")
    criterion: str
    label: float = Field(ge=0, le=1)
    judge: str
    prompt: str = Field(description="SHA-256 of what the judge was asked")
    value: float = Field(ge=0, le=1)


class Calibration(NamedTuple):
    """How one judge's number of one criterion agrees with people. `bias` is judge − people: above 0 it is too kind.

    `kappa` is Cohen's with quadratic weights; None when all labels and all numbers are alike, as chance explains it.
    """

    criterion: str
    judge: str
    prompt: str
    n: int
    kappa: float | None
    bias: float
    bias_low: float | None
    bias_high: float | None

    @property
    def enough(self) -> bool:
        return self.n >= LEAST_LABELS

    def in_words(self) -> str:
        kappa = "not defined" if self.kappa is None else f"{self.kappa:.2f}"
        ends = "" if self.bias_low is None else f" [{self.bias_low:+.2f}, {self.bias_high:+.2f}]"
        measured = f"quadratic kappa {kappa}, mean bias {self.bias:+.2f}{ends} on {self.n} human labels"
        if self.enough:
            return f"{self.judge}: {measured}"
        return f"{self.judge}: uncalibrated, {measured}; {LEAST_LABELS} are needed"


def calibrations(labelled: Iterable[LabelledAnswer]) -> tuple[Calibration, ...]:
    """One for each criterion, judge and prompt. A label of an answer counts once: the last one."""
    groups: dict[tuple[str, str, str], dict[tuple[str, str], LabelledAnswer]] = defaultdict(dict)
    for each in labelled:
        groups[each.criterion, each.judge, each.prompt][each.sample, each.answer] = each
    return tuple(_calibration(*key, list(group.values())) for key, group in sorted(groups.items()))


def said_of(criterion: str, judgements: Iterable[Judgement], known: Sequence[Calibration]) -> tuple[str, ...]:
    """What stands beside a judged number: for each judge that gave it, its calibration, or that there is none."""
    judges = sorted({(each.judge, each.prompt) for each in about(criterion, judgements) if each.judge})
    by_key = {(each.criterion, each.judge, each.prompt): each for each in known}
    return tuple(
        by_key[criterion, judge, prompt].in_words()
        if (criterion, judge, prompt) in by_key
        else f"{judge}: uncalibrated, no human labels of what it was asked"
        for judge, prompt in judges
    )


def calibration_lines(
    labels: Iterable[Label], scales: Mapping[str, Scale], results: Iterable[SampleResult]
) -> Iterator[LabelledAnswer]:
    """A review's labels beside what judges said of the same answers in the run that was reviewed.

    `scales` are those of the review's criteria; a criterion without a judgement of its name, an unmeasured one, and a
    preference, which no judge was asked for, give no line.
    """
    by_answer = {(result.sample, result.release): result for result in results if result.answers}
    for label in labels:
        result = by_answer.get((label.sample, label.release))
        scale = scales[label.criterion]
        if result is None or scale is Scale.PREFERENCE:
            continue
        first = [each for each in about(label.criterion, result.judgements) if each.answer == 0]
        for judge, prompt in sorted({(each.judge, each.prompt) for each in first}):
            value = verdict([each for each in first if (each.judge, each.prompt) == (judge, prompt)])
            if value is not None:
                yield LabelledAnswer(
                    sample=label.sample,
                    answer=hashlib.sha256(result.said.encode()).hexdigest(),
                    criterion=label.criterion,
                    label=_share(label.label, scale),
                    judge=judge,
                    prompt=prompt,
                    value=value,
                )


def load_calibrations(suite: Path) -> tuple[Calibration, ...]:
    """Of a suite's folder; none without the file. Raises BadInput that names the line."""
    file = suite / FILE
    if not file.exists():
        return ()
    labelled = []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} cannot be read: {error}.") from None
    for number, line in enumerate(lines, 1):
        try:
            labelled.append(LabelledAnswer.model_validate(json.loads(line)))
        except (json.JSONDecodeError, RecursionError):
            raise BadInput(f"Line {number} of {file} is no JSON.") from None
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "its top"
            raise BadInput(f"Line {number} of {file} is wrong at {where}: {first['msg']}.") from None
    return calibrations(labelled)


def _calibration(criterion: str, judge: str, prompt: str, labelled: Sequence[LabelledAnswer]) -> Calibration:
    values, labels = [each.value for each in labelled], [each.label for each in labelled]
    kappa = cohen_kappa(_graded(values), _graded(labels), "quadratic", scale=GRADES)
    bias = mean_bias(values, labels)
    return Calibration(
        criterion,
        judge,
        prompt,
        len(labelled),
        None if isnan(kappa) else kappa,
        bias.estimate,
        bias.low,
        bias.high,
    )


def _graded(values: Iterable[float]) -> list[float]:
    return [min(GRADES, key=lambda grade: abs(grade - value)) for value in values]


def _share(label: float, scale: Scale) -> float:
    """On [0, 1]: the ends of the scale are its ends."""
    low, high = min(scale.values), max(scale.values)
    return (label - low) / (high - low)
