"""Whether an encoder finds what answers a query: recall at k, and the reciprocal rank of the first document found."""

from evals.scorers.scorer import Given, Scores, scorer
from evals.suite.metric import Kind, Metric
from evals.suite.sample import Sample
from evals.suite.scoring import Search

CUTS = (1, 5, 10)
RANK = "mrr"


@scorer(
    "search",
    version="1",
    kinds=("search",),
    metrics=(
        *(
            Metric(
                f"recall_at_{k}",
                f"mean over queries: share of their relevant documents among the first {k}",
                Kind.MEAN,
            )
            for k in CUTS
        ),
        Metric(
            RANK,
            "mean over queries: 1 / rank of the first relevant document, 0 where the ranking holds none",
            Kind.MEAN,
        ),
    ),
)
def search(sample: Sample, given: Given) -> Scores:
    """An answer without a ranking is unmeasured."""
    assert isinstance(sample.scoring, Search)
    relevant, ranking = set(sample.scoring.relevant), given.answer.ranking
    if not ranking:
        return dict.fromkeys((*(f"recall_at_{k}" for k in CUTS), RANK), None)
    first = next((rank for rank, name in enumerate(ranking, 1) if name in relevant), None)
    scores = {f"recall_at_{k}": len(relevant & set(ranking[:k])) / len(relevant) for k in CUTS}
    return {**scores, RANK: 1 / first if first else 0.0}
