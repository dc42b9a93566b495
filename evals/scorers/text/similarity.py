"""How near an answer's meaning is to its references', as an encoder sees it.

The encoder is asked once, when the sample is answered (`evals.text.similarity`); what it said is kept with the answer,
so a stored run is scored again without it.
"""

from evals.scorers.scorer import Given, Scores, scorer
from evals.suite.metric import Kind, Metric
from evals.suite.sample import Sample
from evals.suite.scoring import Text
from evals.text.similarity import SIMILARITY


@scorer(
    "text.similarity",
    version="1",
    kinds=("text",),
    metrics=(
        Metric(
            SIMILARITY,
            "-1 to 1, mean over samples: cosine of the answer and the reference nearest to it",
            Kind.MEAN,
            low=-1.0,
        ),
    ),
    judged=True,
)
def similarity(sample: Sample, given: Given) -> Scores:
    """Without the encoder's word it is unmeasured."""
    assert isinstance(sample.scoring, Text)
    said = [each.value for each in given.judgements if each.question == SIMILARITY]
    return {SIMILARITY: said[-1] if said else None}
