"""Samples from elsewhere become a suite that loads, or nothing at all and the line that is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from aftertune.errors import BadInput, Conflict, UnknownName
from evals.archive.importing import import_suite
from evals.suite.suite import load_suite
from tests.evals.world import asks

EXACT = {"kind": "exact_match", "answers": ["4"]}
GENERATED = {
    "doc_id": 0,
    "doc": {"question": "2 + 2?", "answer": "4"},
    "target": "4",
    "arguments": {"gen_args_0": {"arg_0": "Q: 2 + 2?\nA:", "arg_1": {"until": ["\n"]}}},
    "resps": [["4"]],
    "filtered_resps": ["4"],
}
CHOSEN = {
    "doc_id": 7,
    "doc": {"question": "Sky?", "choices": {"text": ["red", "blue"], "label": ["A", "B"]}},
    "target": "B",
    "arguments": [["Sky? ", " red"], ["Sky? ", " blue"]],
}


def lines(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_our_own_layout(tmp_path: Path) -> None:
    rows = [asks(f"a-{n}", "2 + 2?", EXACT, task=task) for n, task in enumerate(("sums", "facts", "sums"))]
    out = tmp_path / "sums"
    assert import_suite("public", [lines(tmp_path / "a.jsonl", *rows)], out, "ours", "task") == 3
    suite = load_suite(out)
    assert (suite.card.licence, suite.card.scorers, suite.card.cluster) == ("ours", ("exact_match",), "task")
    assert suite.card.by_task
    assert [sample.id for sample in suite.samples] == ["a-0", "a-1", "a-2"]


def test_several_kinds_have_several_scorers(tmp_path: Path) -> None:
    rows = [asks("a", "2 + 2?", EXACT), asks("b", "Hello", {"kind": "no_tool_call"})]
    import_suite("public", [lines(tmp_path / "a.jsonl", *rows)], tmp_path / "mixed", "ours")
    assert load_suite(tmp_path / "mixed").card.scorers == ("exact_match", "tool_calls.strict")


def test_logs_of_lm_evaluation_harness(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "Two?"}]
    templated = {**GENERATED, "doc_id": 1, "arguments": [[json.dumps(messages), {"until": []}]]}
    document = {"id": "d", "question": "3 + 1?", "answer": 4}
    by_index = {"doc_id": 8, "doc": {"query": "Grass?", "choices": ["green", "blue"]}, "target": 0}
    source = lines(tmp_path / "samples_sums.jsonl", GENERATED, templated, CHOSEN, document, by_index)
    import_suite("lm-eval", [source], tmp_path / "sums", "MIT")
    samples = {sample.id: sample for sample in load_suite(tmp_path / "sums").samples}
    assert [*samples] == ["sums-0", "sums-1", "sums-7", "sums-d", "sums-8"]
    assert samples["sums-0"].messages[0]["content"] == "Q: 2 + 2?\nA:"
    assert samples["sums-1"].messages == tuple(messages)
    assert samples["sums-7"].scoring.model_dump() == {
        "kind": "multiple_choice",
        "choices": ("red", "blue"),
        "answer_index": 1,
    }
    assert samples["sums-d"].scoring.model_dump()["answers"] == ("4",)
    assert samples["sums-8"].question == "Grass?"


@pytest.mark.parametrize(
    ("layout", "row", "said"),
    [
        ("public", {"id": "b"}, "Line 2 of .* is wrong at scoring"),
        ("public", asks("a", "again?", EXACT), "Line 2 of .* has the id 'a' again"),
        ("public", asks("b", "?", {"kind": "served"}), "No scorer is chosen for samples of kind served"),
        ("lm-eval", {"doc": {"question": "?"}}, "Line 2 of .* has no target"),
        ("lm-eval", {"doc": {"answer": "4"}}, "Line 2 of .* has no prompt"),
        ("lm-eval", {**CHOSEN, "target": "E"}, "Line 2 of .* none of its 2 choices"),
    ],
)
def test_a_broken_line_is_named_and_nothing_is_written(
    tmp_path: Path, layout: str, row: dict[str, Any], said: str
) -> None:
    first = asks("a", "2 + 2?", EXACT) if layout == "public" else GENERATED
    source = lines(tmp_path / "a.jsonl", first, row)
    with pytest.raises(BadInput, match=said):
        import_suite(layout, [source], tmp_path / "out" / "suite", "ours")
    assert not list(tmp_path.glob("out/*"))


def test_what_is_there_stays(tmp_path: Path) -> None:
    source = lines(tmp_path / "a.jsonl", asks("a", "2 + 2?", EXACT))
    import_suite("public", [source], tmp_path / "sums", "ours")
    with pytest.raises(Conflict, match="is there already"):
        import_suite("public", [source], tmp_path / "sums", "ours")
    with pytest.raises(UnknownName, match="Known: lm-eval, public"):
        import_suite("csv", [source], tmp_path / "other", "ours")
    with pytest.raises(BadInput, match="is wrong at name"):
        import_suite("public", [source], tmp_path / "No-Name", "ours")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "sums"]
