"""The answers of one sample's repeated runs, by three definitions that each is somebody's "consistency".

Each is a number of the sample, so repeats of one question never count as independent of each other.
"""

from aftertune.stats.consistency import all_identical, modal_share, pairwise_agreement
from evals.scorers.scorer import Given, Per, Scores, scorer
from evals.suite.metric import Kind, Metric
from evals.suite.sample import Sample
from evals.text.sameness import NORMALISATION, sameness

MODAL = "consistency_modal"
PAIRWISE = "consistency_pairwise"
ALL = "consistency_all"

KINDS = (
    *(
        "text",
        "exact_match",
        "label",
        "final_number",
        "multiple_choice",
        "continuation_choice",
        "open_or_choice",
    ),
    *("tool_calls", "any_tool_call", "no_tool_call", "verifiable_instructions"),
    *("critical_terms", "persona", "refusal", "retrieval_answer"),
)
"""Whatever is answered by a chat."""


@scorer(
    "consistency",
    version="1",
    kinds=KINDS,
    metrics=(
        Metric(
            MODAL,
            "mean over samples: the share of runs that gave the sample's most frequent answer",
            Kind.MEAN,
            signature=NORMALISATION,
        ),
        Metric(
            PAIRWISE,
            "mean over samples: the share of pairs of runs that gave the same answer",
            Kind.MEAN,
            signature=NORMALISATION,
        ),
        Metric(ALL, "of all samples: every run gave the same answer", signature=NORMALISATION),
    ),
    per=Per.SAMPLE,
)
def consistency(sample: Sample, given: Given) -> Scores:
    """Unmeasured with a single run."""
    assert sample.scoring.kind in KINDS
    answers = [sameness(answer) for answer in given.answers]
    return {
        MODAL: modal_share(answers),
        PAIRWISE: pairwise_agreement(answers),
        ALL: all_identical(answers),
    }
