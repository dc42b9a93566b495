"""ROUGE as rouge-score computes it, with its own words or with words in any script.

rouge-score's words are runs of a-z and 0-9: of a text in Greek or Hindi it sees nothing. The second scorer parts words by
Unicode instead. It has names and a signature of its own, since its numbers do not compare with the first one's.
"""

from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from evals.scorers.scorer import Given, Scores, scorer
from evals.suite.metric import Kind, Metric
from evals.suite.sample import Sample
from evals.suite.scoring import Text
from evals.text.words import UnicodeWords

if TYPE_CHECKING:
    from rouge_score.rouge_scorer import RougeScorer

TYPES = ("rouge1", "rouge2", "rougeL")
UNICODE = "_unicode"


def signature(rouge: str, *, unicode_words: bool) -> str:
    """rouge-score has none: what its numbers depend on, in sacrebleu's manner."""
    name, words = (f"{rouge}+tok:unicode", "nfc-casefold-uax29") if unicode_words else (rouge, "a-z0-9")
    return f"{name}|nrefs:var|best:f|tok:{words}|stem:no|agg:mean|version:{version('rouge-score')}"


def _metrics(*, unicode_words: bool) -> tuple[Metric, ...]:
    return tuple(
        Metric(
            f"{rouge}{UNICODE if unicode_words else ''}",
            f"mean over samples of the F measure of {rouge}, against the reference that suits best",
            Kind.MEAN,
            signature=signature(rouge, unicode_words=unicode_words),
        )
        for rouge in TYPES
    )


@scorer("text.rouge", version="1", kinds=("text",), metrics=_metrics(unicode_words=False))
def rouge(sample: Sample, given: Given) -> Scores:
    return _scores(sample, given, unicode_words=False)


@scorer("text.rouge_unicode", version="1", kinds=("text",), metrics=_metrics(unicode_words=True))
def rouge_unicode(sample: Sample, given: Given) -> Scores:
    return _scores(sample, given, unicode_words=True)


def _scores(sample: Sample, given: Given, *, unicode_words: bool) -> Scores:
    assert isinstance(sample.scoring, Text)
    found = _rouge(unicode_words=unicode_words).score_multi(sample.scoring.references, given.answer.text)
    ending = UNICODE if unicode_words else ""
    return {f"{name}{ending}": float(found[name].fmeasure) for name in TYPES}


@cache
def _rouge(*, unicode_words: bool) -> "RougeScorer":
    # Here, since it takes seconds to load and only suites that score text want it.
    from rouge_score.rouge_scorer import RougeScorer  # noqa: PLC0415

    return RougeScorer(list(TYPES), use_stemmer=False, tokenizer=UnicodeWords() if unicode_words else None)
