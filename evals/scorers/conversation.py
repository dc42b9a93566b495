"""Conversations in the simulated Task API: the final state counts, and whether it is reached every time.

pass^k is the chance that k runs of a sample all reach the goal (`aftertune.stats.reliability`): reliability, not luck.
"""

from aftertune.stats.reliability import pass_hat_k
from aftertune.values.evaluation import Answer, Better
from evals.conversation.course import CUT_SHORT, course
from evals.conversation.goal import reached
from evals.conversation.world import World
from evals.scorers.scorer import Given, Per, Scores, scorer
from evals.suite.metric import Kind, Metric
from evals.suite.sample import Sample
from evals.suite.scoring import Conversation

MOST_K = 4

METRICS = (
    Metric("goal_reached", "of all conversations: the tasks end as they should"),
    Metric("ended", "of all conversations: they ended before the limit on calls"),
    *(
        Metric(
            f"pass_hat_{k}",
            f"the chance that {k} runs of a sample all reach the goal, over samples run {k} times or more",
            kind=Kind.MEAN,
            reached=k > 1,
        )
        for k in range(1, MOST_K + 1)
    ),
    Metric(
        "errors_recovered",
        "of the passing errors that calls met, in conversations with some: the same tool was used with success later",
        kind=Kind.MEAN,
        reached=True,
    ),
    Metric(
        "needless_calls",
        "of the calls of a conversation: beyond the fewest that reach the goal, passing errors aside",
        kind=Kind.MEAN,
        better=Better.LOWER,
    ),
)


@scorer("conversation", version="1", kinds=("conversation",), metrics=METRICS, per=Per.SAMPLE)
def conversation(sample: Sample, given: Given) -> Scores:
    assert isinstance(sample.scoring, Conversation)
    ends = [_reached(answer, sample.scoring) for answer in given.answers]
    if None in ends:
        return dict.fromkeys((m.name for m in METRICS if not m.reached), None)
    n, right = len(ends), sum(end is True for end in ends)
    courses = [course(answer.transcript) for answer in given.answers]
    found: dict[str, float | None] = {
        "goal_reached": right / n,
        "ended": sum(answer.finish != CUT_SHORT for answer in given.answers) / n,
        "needless_calls": sum(each.needless(sample.scoring.fewest_calls) for each in courses) / n,
    }
    for k in range(1, min(n, MOST_K) + 1):
        found[f"pass_hat_{k}"] = pass_hat_k(right, n, k)
    if errors := sum(each.passing_errors for each in courses):
        found["errors_recovered"] = sum(each.recovered for each in courses) / errors
    return found


def _reached(answer: Answer, scoring: Conversation) -> bool | None:
    """None where there was no conversation."""
    return None if answer.state is None else reached(World.model_validate(answer.state), scoring.goal)
