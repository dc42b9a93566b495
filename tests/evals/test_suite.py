"""The suites that are shipped, and how a broken one is refused."""

import json
from pathlib import Path

import pytest

from aftertune.engine import ChatAnswer
from aftertune.errors import BadInput
from aftertune.values.exchange import ToolCall
from evals.suite import SUITES, Suite, load_suite, load_suites
from examples.task_api import suites as drawn

SHIPPED = load_suites()


def test_what_is_shipped() -> None:
    offered = {name: suite.as_offered() for name, suite in SHIPPED.items()}
    assert {name: card.samples for name, card in offered.items()} == {
        "forgetting": 120,
        "persona": 40,
        "tool_calls": 110,
    }
    assert [name for name, card in offered.items() if card.compares_with_base] == ["forgetting"]
    assert offered["tool_calls"].gates[0] == (
        "end_to_end: the lower end of its 95 % interval is at least 0.8"
    )
    assert len({card.dataset for card in offered.values()}) == 3


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_the_samples_are_those_that_their_script_draws(name: str) -> None:
    assert (SUITES / name / "samples.jsonl").read_text(encoding="utf-8") == drawn.lines(name)


def test_the_tools_are_those_of_the_task_api() -> None:
    example = Path(drawn.__file__).parent / "tools.json"
    assert json.loads(example.read_text()) == list(SHIPPED["tool_calls"].tools)


def test_one_request_in_nine_needs_no_call() -> None:
    calls = [sample.calls for sample in SHIPPED["tool_calls"].samples]
    assert (len(calls), calls.count(())) == (110, 12)


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_no_question_is_asked_twice(name: str) -> None:
    asked = [json.dumps(sample.messages) for sample in SHIPPED[name].samples]
    assert len(set(asked)) == len(asked)


def test_the_right_answer_is_right() -> None:
    for suite in SHIPPED.values():
        for sample in suite.samples:
            if sample.mentions is None:
                scores = suite.scorer.score(sample, suite.tools, right_answer(suite, sample.id))
                assert set(scores.values()) == {1.0}, sample.id


def right_answer(suite: Suite, name: str) -> ChatAnswer:
    sample = next(sample for sample in suite.samples if sample.id == name)
    calls = [
        ToolCall(name=tool, arguments=json.dumps({key: values[0] for key, values in options.items()}))
        for call in sample.calls or ()
        for tool, options in call.items()
    ]
    said = sample.text or ("" if calls else "In words.")
    return ChatAnswer(text=said, tool_calls=tuple(calls))


CARD = """
name: small
version: "1"
description: one question
licence: ours
scorer: exact_match
max_tokens: 8
seed: 1
gates: [{metric: exact, bound: score_low, limit: 0.5}]
"""
SAMPLE = '{"id": "a", "messages": [{"role": "user", "content": "?"}], "text": "!"}\n'


def folder(tmp_path: Path, card: str, samples: str) -> Path:
    made = tmp_path / "small"
    made.mkdir()
    (made / "card.yaml").write_text(card)
    (made / "samples.jsonl").write_text(samples)
    return made


def test_a_suite_is_a_folder(tmp_path: Path) -> None:
    suite = load_suite(folder(tmp_path, CARD, SAMPLE))
    assert (suite.card.name, suite.samples[0].text, suite.tools) == ("small", "!", ())


def test_the_dataset_digest_follows_the_order(tmp_path: Path) -> None:
    other = SAMPLE.replace('"a"', '"b"')
    first = load_suite(folder(tmp_path, CARD, SAMPLE + other))
    (tmp_path / "small" / "samples.jsonl").write_text(other + SAMPLE)
    assert load_suite(tmp_path / "small").dataset != first.dataset


@pytest.mark.parametrize(
    ("card", "samples", "said"),
    [
        (CARD, SAMPLE + "{\n", r"Line 2 of .*samples\.jsonl is no JSON"),
        (CARD, SAMPLE + SAMPLE, "Line 2 of .* has the id 'a' again"),
        (CARD, SAMPLE.replace("text", "txt"), "Line 1 of .* is wrong at txt"),
        (CARD, SAMPLE.replace('"text": "!"', '"mentions": []'), "Line 1 of .* nothing that the scorer"),
        (CARD, "", "holds no samples"),
        (CARD.replace("small", "large"), SAMPLE, "names the suite 'large'"),
        (CARD.replace("exact_match", "exakt"), SAMPLE, "Unknown scorer 'exakt'. Known: exact_match"),
        (CARD.replace("metric: exact", "metric: exakt"), SAMPLE, "Unknown metric of a gate .*Known: exact"),
        (CARD.replace("score_low", "difference_low"), SAMPLE, "needs compares_with_base"),
        (CARD.replace("limit: 0.5", "limit: 5"), SAMPLE, r"wrong at gates\.0\.limit"),
        (CARD + "tools: none.json\n", SAMPLE, "none.json cannot be read"),
        (CARD + "- [", SAMPLE, "card.yaml cannot be read"),
    ],
)
def test_a_broken_suite_is_refused_with_its_place(tmp_path: Path, card: str, samples: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        load_suite(folder(tmp_path, card, samples))


@pytest.mark.parametrize("tools", ["{}", "[1]", '[{"function": {}}]'])
def test_a_broken_tools_list_is_refused(tmp_path: Path, tools: str) -> None:
    (tmp_path / "tools.json").write_text(tools)
    with pytest.raises(BadInput, match="is no OpenAI tools list"):
        load_suite(folder(tmp_path, CARD + "tools: tools.json\n", SAMPLE))
