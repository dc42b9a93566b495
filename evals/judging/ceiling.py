"""Too many failures of judges, and a gate on what they say has no verdict: pure. The rest of the run stands."""

from aftertune.values.evaluation import Gate
from evals.suite.card import JudgeCard


def withheld(gate: Gate, judge: JudgeCard | None, *, unmeasured: int, counted: int) -> Gate:
    """The gate, without a verdict when more of the samples are unmeasured than the card allows."""
    most = (judge or JudgeCard()).most_unmeasured
    if not counted or unmeasured <= most * counted:
        return gate
    return gate.model_copy(
        update={
            "passed": None,
            "reason": (
                f"{gate.metric}: the verdict is withheld, for {unmeasured} of {counted} samples were not judged, "
                f"more than {most:.0%}. {gate.reason}"
            ),
        }
    )
