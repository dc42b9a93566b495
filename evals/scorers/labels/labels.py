"""Labels: accuracy for any suite of labels, and a scorer of their classes for a suite that says what they are."""

from collections.abc import Callable, Sequence

from evals.scorers.labels.confusion import cells, confusion_metrics
from evals.scorers.labels.risk import risk_metrics, risk_scores
from evals.scorers.labels.verdict import EXTRACTOR, Verdict, folded, verdict
from evals.scorers.scorer import Given, Scorer, Scores, scorer
from evals.suite.metric import Metric
from evals.suite.sample import Sample
from evals.suite.scoring import Label

ACCURACY = "accuracy"
ACCURACY_CLEAR = "accuracy_clear"
ACCURACY_EDGE = "accuracy_edge"
PARSED = "label_parsed"
VERSION = "1"


def _is_edge(sample: Sample) -> bool:
    return isinstance(sample.scoring, Label) and sample.scoring.edge


def _is_clear(sample: Sample) -> bool:
    return isinstance(sample.scoring, Label) and not sample.scoring.edge


_METRICS = (
    Metric(
        ACCURACY, "of all samples: the label is right; an unparseable answer is wrong", signature=EXTRACTOR
    ),
    Metric(PARSED, "of all samples: the answer states one label", signature=EXTRACTOR),
    Metric(
        ACCURACY_CLEAR,
        "of the samples that nobody would doubt: the label is right",
        applies=_is_clear,
        signature=EXTRACTOR,
    ),
    Metric(
        ACCURACY_EDGE,
        "of the edge cases: the label is right",
        applies=_is_edge,
        signature=EXTRACTOR,
    ),
)


@scorer("labels", version=VERSION, kinds=("label",), metrics=_METRICS)
def labels(sample: Sample, given: Given) -> Scores:
    """Whatever the classes are called."""
    return _accuracy(sample, _said(given))


def label_scorer(name: str, classes: Sequence[str], *, risk_of: str = "", version: str = VERSION) -> Scorer:
    """A scorer with precision, recall and F1 of these classes; of stated risks too, where `risk_of` names their class.

    A suite's own scorer.py is one line with it. A label that is none of the classes is unparseable. Raises ValueError
    for classes that are fewer than two, alike, or do not hold `risk_of`.
    """
    known = tuple(map(folded, classes))
    if len(known) < 2 or len(set(known)) < len(known):
        raise ValueError(f"a suite of labels has two classes or more, no two alike, not {list(classes)}")
    if risk_of and folded(risk_of) not in known:
        raise ValueError(f"risk_of is {risk_of!r}, which is none of the classes {list(classes)}")
    confusion, recalls = confusion_metrics(known), tuple(map(_recall, known))
    metrics = (*_METRICS, *recalls, *confusion, *(risk_metrics(risk_of) if risk_of else ()))

    @scorer(name, version=version, kinds=("label",), metrics=metrics)
    def of_classes(sample: Sample, given: Given) -> Scores:
        assert isinstance(sample.scoring, Label)
        said, right = _said(given), folded(sample.scoring.label)
        named = said.label if said.label in known else None
        row = cells(known, right, named)
        scores = {
            **_accuracy(sample, said._replace(label=named)),
            f"recall_{_word(right)}": float(named == right),
            **{each.name: row for each in confusion},
        }
        if not risk_of:
            return scores
        return {**scores, **risk_scores(said.risk, outcome=right == folded(risk_of))}

    return of_classes


def _recall(label: str) -> Metric:
    """Its own interval, other than that of a resampled number, holds when every sample is right, too."""
    return Metric(
        f"recall_{_word(label)}",
        f"of the samples of the class {label!r}: the label is right",
        applies=_is_of(label),
    )


def _is_of(label: str) -> Callable[[Sample], bool]:
    def applies(sample: Sample) -> bool:
        return isinstance(sample.scoring, Label) and folded(sample.scoring.label) == label

    return applies


def _word(label: str) -> str:
    return label.replace(" ", "_")


def _said(given: Given) -> Verdict:
    """A tool call states no label."""
    return Verdict(None, None) if given.answer.tool_calls else verdict(given.answer.text)


def _accuracy(sample: Sample, said: Verdict) -> dict[str, float | tuple[float, ...]]:
    assert isinstance(sample.scoring, Label)
    right = float(said.label == folded(sample.scoring.label))
    return {
        ACCURACY: right,
        PARSED: float(said.label is not None),
        ACCURACY_EDGE if sample.scoring.edge else ACCURACY_CLEAR: right,
    }
