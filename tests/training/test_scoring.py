import pytest

from training.corpus import Message, Sample, ToolCall
from training.scoring import CallScore, is_exact, is_grounded, parse_call, score_call

ASKED = Sample(
    (Message("user", "Add a task to call Wei, high priority."),),
    tools_offered=True,
    expected=ToolCall.of("create_task", {"title": "call Wei", "priority": "high"}),
    kind="tool_call",
    split="held_out_values",
)


def wrapped(body: str) -> str:
    return f"<tool_call>\n{body}\n</tool_call>"


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        (
            wrapped('{"name": "create_task", "arguments": {"priority": "high", "title": "call Wei"}}'),
            CallScore(valid_json=True, right_tool=True, right_arguments=True, grounded=True),
        ),
        (
            wrapped('{"name": "create_task", "arguments": {"title": "call W", "priority": "high"}}'),
            CallScore(valid_json=True, right_tool=True, right_arguments=False, grounded=False),
        ),
        (
            wrapped('{"name": "create_task", "arguments": {"title": "call Wei"}}'),
            CallScore(valid_json=True, right_tool=True, right_arguments=False, grounded=True),
        ),
        (
            wrapped('{"name": "create_task", "arguments": {"title": "call Wei", "priority": "low"}}'),
            CallScore(valid_json=True, right_tool=True, right_arguments=False, grounded=False),
        ),
        (
            wrapped('{"name": "list_tasks", "arguments": {}}'),
            CallScore(valid_json=True, right_tool=False, right_arguments=False, grounded=True),
        ),
        (
            wrapped('{"name": "send_mail", "arguments": {}}'),
            CallScore(valid_json=True, right_tool=False, right_arguments=False, grounded=False),
        ),
        (
            wrapped('{"name": "create_task", "arguments": {"title": "call Wei"'),
            CallScore(valid_json=False, right_tool=False, right_arguments=False, grounded=False),
        ),
        (
            "TaskMaster here.",
            CallScore(valid_json=False, right_tool=False, right_arguments=False, grounded=False),
        ),
    ],
)
def test_scores_of_calls(answer: str, score: CallScore) -> None:
    assert score_call(ASKED, answer) == score


def test_two_calls_are_not_the_one_wanted() -> None:
    one = wrapped('{"name": "list_tasks", "arguments": {}}')
    assert parse_call(one) is not None
    assert parse_call(one + one) is None


def test_arguments_that_are_no_object_are_no_call() -> None:
    assert parse_call(wrapped('{"name": "list_tasks", "arguments": "all"}')) is None
    assert parse_call(wrapped('["list_tasks"]')) is None


@pytest.mark.parametrize(
    ("value", "text", "grounded"),
    [
        ("high", "with high priority", True),
        ("high", "the highest shelf", False),
        ("High", "with high priority", False),
        (41, "delete task #41.", True),
        (41, "delete task 417", False),
    ],
)
def test_grounding_minds_spelling_and_word_ends(value: str | int, text: str, *, grounded: bool) -> None:
    assert is_grounded({"value": value}, text) is grounded


def test_text_is_compared_to_the_letter() -> None:
    asked = Sample((Message("user", "2 + 3"),), False, "2 + 3 = 5", "sum", "held_out_values")
    assert is_exact(asked, "2 + 3 = 5\n")
    assert not is_exact(asked, "2 + 3 = 6")
    with pytest.raises(TypeError, match="sum"):
        score_call(asked, "2 + 3 = 5")
