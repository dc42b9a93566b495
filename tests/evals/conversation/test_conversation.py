"""Asking in turns, and what the scorer makes of it: goals, reliability, errors, needless calls."""

import asyncio
import json
from math import comb
from typing import Any

import pytest

from aftertune.errors import BadInput, Unavailable
from aftertune.values.evaluation import Answer
from evals.asking.conversation import conversation as ask
from evals.asking.question import Question
from evals.conversation.course import CUT_SHORT, course
from evals.scorers.conversation import conversation as scorer
from evals.scorers.scorer import Given, Scores
from evals.suite.card import Ask
from evals.suite.sample import Sample
from evals.suite.scoring import Conversation
from evals.suite.suite import Suite, load_suites
from tests.evals.conversation.scripted import Scripted, calls, words

SUITE = load_suites()["task_conversations"]
BY_ID = {sample.id: sample for sample in SUITE.samples}
DONE = ("complete_task", {"task_id": 15})
LOOK: tuple[str, dict[str, Any]] = ("list_tasks", {})
GONE = ("delete_task", {"task_id": 21})


def talk(sample: Sample, *answers: Answer) -> tuple[Answer, Scripted]:
    engine = Scripted(*answers)
    question = Question(sample=sample, ask=SUITE.card.ask, tools=SUITE.tools, seed=1)
    return asyncio.run(ask(question, engine)), engine


def score(sample: Sample, *answers: Answer) -> Scores:
    return scorer.score(sample, Given(answers, tools=SUITE.tools))


def sample(**scoring: Any) -> Sample:
    """On the list are 12, 15 and 21; 15 is to be closed and 21 deleted, one a turn."""
    first = BY_ID["turns-001"]
    return first.model_copy(update={"scoring": first.scoring.model_copy(update=scoring)})


def test_calls_are_carried_out_and_turns_follow() -> None:
    answer, engine = talk(sample(), calls(DONE), words(), calls(GONE), words("All done."))
    assert [message["role"] for message in answer.transcript] == [
        "assistant", "tool", "assistant", "user", "assistant", "tool", "assistant",
    ]  # fmt: skip
    assert answer.text == "All done."
    assert [len(messages) for messages in engine.asked] == [1, 3, 5, 7]
    assert engine.asked[1][2] == {"role": "tool", "tool_call_id": "call_1", "content": '{"ok": "true"}'}
    assert engine.asked[2][-1] == {"role": "user", "content": "And delete task 21."}
    assert score(sample(), answer) == {
        "goal_reached": 1.0, "ended": 1.0, "needless_calls": 0.0, "pass_hat_1": 1.0,
    }  # fmt: skip


def test_tokens_and_time_are_of_all_parts() -> None:
    part: dict[str, Any] = {"prompt_tokens": 10, "completion_tokens": 3, "latency_s": 0.5}
    last: dict[str, Any] = {**part, "completion_tokens": None, "finish": "stop"}
    answer, _ = talk(sample(turns=()), calls(DONE, **part), words(**last))
    assert (answer.prompt_tokens, answer.completion_tokens, answer.latency_s) == (20, None, 1.0)
    assert answer.finish == "stop"


def test_several_calls_at_once_get_a_result_each() -> None:
    answer, engine = talk(sample(turns=()), calls(DONE, GONE), words())
    assert [m["tool_call_id"] for m in engine.asked[1] if m["role"] == "tool"] == ["call_1", "call_2"]
    assert score(sample(), answer)["goal_reached"] == 1.0


def test_the_number_of_calls_is_limited() -> None:
    answer, engine = talk(sample(most_calls=3), calls(LOOK))
    assert answer.finish == CUT_SHORT
    assert len(engine.asked) == 4
    assert len([m for m in answer.transcript if m["role"] == "tool"]) == 3
    scores = score(sample(most_calls=3), answer)
    assert (scores["ended"], scores["goal_reached"]) == (0.0, 0.0)
    flood, engine = talk(sample(most_calls=3), calls(*[LOOK] * 500))
    assert flood.finish == CUT_SHORT
    assert len(engine.asked) == 1
    assert len(course(flood.transcript).steps) == 500, "what was called is stored"


def test_arguments_that_are_no_json_are_stored_but_not_sent_again() -> None:
    answer, engine = talk(sample(turns=()), calls(("complete_task", '{"task_id":')), words())
    (made,) = engine.asked[1][1]["tool_calls"]
    assert made["function"]["arguments"] == "{}"
    (step,) = course(answer.transcript).steps
    assert step.call.arguments == '{"task_id":'
    assert step.result is not None
    assert step.result["code"] == "malformed"


def test_an_error_that_is_tried_again_is_recovered_and_costs_no_needless_call() -> None:
    asked = BY_ID["retry-017"]
    answer, _ = talk(asked, calls(DONE), calls(DONE), words())
    scores = score(asked, answer)
    assert (scores["goal_reached"], scores["errors_recovered"], scores["needless_calls"]) == (1.0, 1.0, 0.0)
    gave_up, _ = talk(asked, calls(DONE), words("It did not work."))
    scores = score(asked, gave_up)
    assert (scores["goal_reached"], scores["errors_recovered"]) == (0.0, 0.0)


def test_an_error_that_stays_is_not_one_to_recover_from() -> None:
    asked = BY_ID["refused-022"]
    answer, _ = talk(asked, calls(("complete_task", {"task_id": 99})), words("There is no task 99."))
    scores = score(asked, answer)
    assert scores["goal_reached"] == 1.0
    assert "errors_recovered" not in scores


def test_needless_calls_are_a_share_of_the_calls() -> None:
    answer, _ = talk(sample(turns=()), calls(LOOK), calls(DONE), calls(LOOK), calls(GONE), words())
    assert score(sample(), answer)["needless_calls"] == pytest.approx(0.5)
    assert score(sample(), talk(sample(), words())[0])["needless_calls"] == 0.0


def test_pass_hat_k_over_repeats() -> None:
    good, _ = talk(sample(turns=()), calls(DONE, GONE), words())
    bad, _ = talk(sample(turns=()), words())
    scores = score(sample(), good, bad, good, good)
    assert scores["goal_reached"] == 0.75
    for k in (1, 2, 3, 4):
        assert scores[f"pass_hat_{k}"] == pytest.approx(comb(3, k) / comb(4, k))


def test_what_was_no_conversation_is_unmeasured() -> None:
    assert set(score(sample(), words()).values()) == {None}
    question = Question(
        sample=Sample.model_validate({"id": "s", "scoring": {"kind": "served"}}), ask=Ask(), tools=(), seed=1
    )
    with pytest.raises(BadInput, match="no conversation"):
        asyncio.run(ask(question, Scripted(words())))


def test_an_engine_that_fails_leaves_no_half_conversation() -> None:
    class Failing(Scripted):
        async def chat(self, *args: Any, **settings: Any) -> Answer:
            if self.asked:
                raise Unavailable("The engine is away.")
            return await super().chat(*args, **settings)

    question = Question(sample=sample(), ask=SUITE.card.ask, tools=SUITE.tools, seed=1)
    with pytest.raises(Unavailable):
        asyncio.run(ask(question, Failing(calls(DONE))))


def reference(sample: Sample) -> list[Answer]:
    """A perfect model: the reference calls, each again while it meets a passing error, told in one turn or in several."""
    made = [(name, json.dumps(given)) for each in sample.meta["reference"] for name, given in each.items()]
    assert isinstance(sample.scoring, Conversation)
    faults = sum(fault.times for fault in sample.scoring.faults)
    repeated = [made[0]] * faults + made if made else []
    return [*(calls(each) for each in repeated), words()]


@pytest.mark.parametrize("asked", SUITE.samples, ids=lambda each: each.id)
def test_the_reference_reaches_each_goal_and_doing_nothing_does_not(asked: Sample) -> None:
    answer, _ = talk(asked, *reference(asked))
    scores = score(asked, answer)
    assert (scores["goal_reached"], scores["needless_calls"], scores["ended"]) == (1.0, 0.0, 1.0)
    idle, _ = talk(asked, words())
    changes = any(name != "list_tasks" for each in asked.meta["reference"] for name in each)
    refused = asked.id in ("refused-022", "refused-023")
    assert score(asked, idle)["goal_reached"] == float(refused or not changes)


def test_the_suite_is_asked_as_its_card_says() -> None:
    assert isinstance(SUITE, Suite)
    assert (SUITE.card.ask.how, SUITE.card.ask.repeats) == ("conversation", 4)
    assert {sample.task for sample in SUITE.samples} >= {"turns", "lookup", "retry", "refused"}
