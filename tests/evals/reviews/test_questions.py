"""What reviewers read beside an answer."""

from pathlib import Path
from typing import Any

import pytest

from evals.reviews.questions import questions
from evals.suite.suite import Suite, load_suites
from tests.evals.world import World, asks, write_suite

CALL = {"function": {"name": "create_task", "arguments": '{"title": "Ana"}'}}
EXACT = {"kind": "exact_match", "answers": ["x"]}


def suite_of(folder: Path, sample: dict[str, Any]) -> Suite:
    (folder / "tools.json").write_text("[]")
    write_suite(folder, "one", [sample], "exact_match", "exact", "score_low", 0.5)
    return load_suites(folder)["one"]


@pytest.mark.parametrize(
    ("messages", "shown"),
    [
        ([{"role": "user", "content": "Who?"}], "Who?"),
        ([{"role": "user", "content": [{"type": "text", "text": "Ä"}]}], '[{"type": "text", "text": "Ä"}]'),
        (
            [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Remind me"},
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "content": "ok"},
            ],
            'system: Be brief.\nuser: Remind me\nassistant: create_task({"title": "Ana"})\ntool: ok',
        ),
    ],
)
def test_a_question_is_text(tmp_path: Path, messages: list[dict[str, Any]], shown: str) -> None:
    suite = suite_of(tmp_path, asks("s-1", "", EXACT) | {"messages": messages})
    assert questions(suite) == {"s-1": shown}


def test_the_room_stores_the_questions_of_its_suites(world: World) -> None:
    world.step()
    with world.store.read() as tx:
        offered = {card.name: card.dataset for card in tx.evaluations.suites()}
        found = tx.questions.of(offered["calls"], ["call-03", "none-1", "m-00"])
    assert found == {"call-03": "Create a task: water plant 3", "none-1": "Hello 1"}
