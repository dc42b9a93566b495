"""chrF as sacrebleu computes it: character n-grams shared with the references, of all samples together.

The right measure for languages that bend their words or write no blanks between them.
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
    from sacrebleu.metrics import chrf as library

CHRF = "chrf"
SIGNATURE = f"nrefs:var|case:mixed|eff:yes|nc:6|nw:0|space:no|version:{version('sacrebleu')}"
"""sacrebleu's own; `nc` and `nw` are its n-gram orders."""


def corpus_chrf(counts: NDArray[np.float64]) -> float:
    """0 to 100, from one row a sample: for each order the n-grams of the answer, of the reference, and shared."""
    # sacrebleu computes from counts only behind its public methods; a test holds the result to those.
    return float(_chrf()._compute_f_score(counts.sum(axis=0).tolist()))  # noqa: SLF001


@scorer(
    "text.chrf",
    version="1",
    kinds=("text",),
    metrics=(
        Metric(
            CHRF,
            "0 to 100, of all samples together: character n-grams shared with the references",
            Kind.AGGREGATE,
            aggregate=corpus_chrf,
            signature=SIGNATURE,
            high=100.0,
        ),
    ),
)
def chrf(sample: Sample, given: Given) -> Scores:
    """Of several references the one that suits the answer best counts."""
    assert isinstance(sample.scoring, Text)
    references = [[reference] for reference in sample.scoring.references]
    (row,) = _chrf()._extract_corpus_statistics([given.answer.text], references)  # noqa: SLF001
    return {CHRF: tuple(map(float, row))}


@cache
def _chrf() -> "library.CHRF":
    # Here, since it is loaded only where a suite scores text.
    from sacrebleu.metrics import chrf as library  # noqa: PLC0415

    return library.CHRF(char_order=6, word_order=0, beta=2)
