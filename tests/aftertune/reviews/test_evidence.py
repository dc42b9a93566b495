"""Which scores say that an answer is worth a person's look."""

from aftertune.reviews.evidence import evidence_of_pair, evidence_of_results
from aftertune.reviews.sampling import draw
from aftertune.values.evaluation import Answer, Better, EvaluationRun, RunState, SampleResult, Score, Trigger
from aftertune.values.review import Risk
from tests.aftertune.reviews.campaigns import AT
from tests.aftertune.samples import pair, scores


def run(*lower: str) -> EvaluationRun:
    return EvaluationRun(
        id="ev-1",
        suite="tools",
        release="v1",
        trigger=Trigger.BY_HAND,
        state=RunState.SUCCESSFUL,
        requested_by="olga",
        requested_at=AT,
        scores=tuple(
            Score(metric=name, scorer="s", better=Better.LOWER, n=1, estimate=0, low=0, high=1, method="m")
            for name in lower
        ),
    )


def result(**measured: float | None) -> SampleResult:
    return SampleResult(run="ev-1", sample="s", release="v1", answers=(Answer(text="four"),), scores=measured)


def test_only_shares_of_which_more_is_better_are_read() -> None:
    lower = run("leaked", "seconds", "loss")
    found = evidence_of_results(
        "s", [result(exact=0.5, bleu=41.0, judged=None, leaked=1.0, seconds=0.7, loss=2.0)], [lower]
    )
    assert found == ("s", ({"exact": 0.5, "judged": None, "leaked": 0.0},), False, 4)


def test_a_refusal_is_seen_on_either_side() -> None:
    runs = [run("over_refusal")] * 2
    found = evidence_of_results("s", [result(over_refusal=0.0), result(over_refusal=1.0)], runs)
    assert found.refused
    (drawn,) = draw([found], 1, 0.5, "s")
    assert drawn.reasons == (Risk.FLIPPED, Risk.LOW_SCORE, Risk.REFUSAL)


def test_a_pair_is_read_by_its_legs() -> None:
    found = evidence_of_pair(
        pair(stable=scores(length=7), candidate=scores(valid_answer=0.0, refusal=1.0, length=3))
    )
    assert (found.refused, found.length) == (True, 7)
    assert [side["valid_answer"] for side in found.scores] == [1.0, 0.0]
