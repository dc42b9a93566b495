"""BLEU as sacrebleu computes it, of all samples together and of each sentence.

The corpus figure is no mean of sentences: it is computed from n-gram counts that are added up over samples, so each
sample keeps its counts, and what is resampled is they.
"""

from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from evals.scorers.scorer import Given, Scores, scorer
from evals.suite.metric import Kind, Metric
from evals.suite.sample import Sample
from evals.suite.scoring import Text

if TYPE_CHECKING:
    from sacrebleu.metrics import bleu as library

BLEU = "bleu"
SENTENCE_BLEU = "sentence_bleu"
ORDER = 4
HIGHEST = 100.0

_TAIL = f"smooth:exp|order:{ORDER}|version:{version('sacrebleu')}"
SIGNATURE = f"nrefs:var|case:mixed|eff:no|tok:13a|{_TAIL}"
"""sacrebleu's own, with the highest n-gram order, which it leaves out."""

SENTENCE_SIGNATURE = f"nrefs:var|case:mixed|eff:yes|tok:13a|{_TAIL}"


def corpus_bleu(counts: NDArray[np.float64]) -> float:
    """0 to 100, from one row a sample: length, closest reference length, matches by order, n-grams by order."""
    length, reference, *grams = counts.sum(axis=0).tolist()
    metric = _bleu(effective_order=False)
    found = metric.compute_bleu(
        correct=grams[:ORDER],
        total=grams[ORDER:],
        sys_len=int(length),
        ref_len=int(reference),
        smooth_method=metric.smooth_method,
        max_ngram_order=ORDER,
    )
    return float(found.score)


@scorer(
    "text.bleu",
    version="1",
    kinds=("text",),
    metrics=(
        Metric(
            BLEU,
            "0 to 100, of all samples together: n-grams shared with the references",
            Kind.AGGREGATE,
            aggregate=corpus_bleu,
            signature=SIGNATURE,
            high=HIGHEST,
        ),
        Metric(
            SENTENCE_BLEU,
            "0 to 100, mean over samples of each one's own BLEU, with effective order",
            Kind.MEAN,
            signature=SENTENCE_SIGNATURE,
            high=HIGHEST,
        ),
    ),
)
def bleu(sample: Sample, given: Given) -> Scores:
    assert isinstance(sample.scoring, Text)
    said, references = given.answer.text, list(sample.scoring.references)
    counted = _bleu(effective_order=False).corpus_score([said], [[reference] for reference in references])
    sentence = _bleu(effective_order=True).sentence_score(said, references)
    row = (counted.sys_len, counted.ref_len, *counted.counts, *counted.totals)
    return {BLEU: tuple(map(float, row)), SENTENCE_BLEU: min(HIGHEST, float(sentence.score))}


@cache
def _bleu(*, effective_order: bool) -> "library.BLEU":
    # Here, since it is loaded only where a suite scores text.
    from sacrebleu.metrics import bleu as library  # noqa: PLC0415

    # `force` keeps it from warning that a text looks tokenised.
    return library.BLEU(effective_order=effective_order, max_ngram_order=ORDER, tokenize="13a", force=True)
