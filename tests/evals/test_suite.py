"""The suites that are shipped, and how a broken one is refused."""

import json
from pathlib import Path

import pytest

from aftertune.errors import BadInput
from aftertune.values.evaluation import Answer
from evals.harness.scored import score
from evals.suite.suite import load_suite, load_suites
from examples.task_api import suites as drawn

SHIPPED = load_suites()


def test_what_is_shipped() -> None:
    offered = {name: suite.as_offered() for name, suite in SHIPPED.items()}
    assert {"forgetting", "persona", "tool_calls"} <= set(offered)
    assert "base" in offered["forgetting"].baselines
    assert offered["tool_calls"].gates[0] == (
        "end_to_end: the lower end of its 95 % interval is at least 0.8"
    )
    for name, card in offered.items():
        assert card.licence, name
        assert card.forecast is not None
        assert card.forecast.requests >= card.samples
        assert card.forecast.prompt_tokens > 0


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_every_metric_has_a_meaning_and_a_name_of_its_own(name: str) -> None:
    metrics = [metric for _, metric in SHIPPED[name].metrics()]
    assert len({metric.name for metric in metrics}) == len(metrics) > 0
    assert all(metric.meaning for metric in metrics)


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_silence_is_scored_without_a_fault(name: str) -> None:
    """An empty answer is one: it is scored like every other, and no scorer falls over it."""
    suite = SHIPPED[name]
    for sample in suite.samples[:20]:
        scored = score(suite, sample, [Answer(text="")] * suite.card.ask.repeats, ())
        assert "failed" not in scored.error


def test_the_tools_are_those_of_the_task_api() -> None:
    example = Path(drawn.__file__).parent / "tools.json"
    assert json.loads(example.read_text()) == list(SHIPPED["tool_calls"].tools)


CARD = """
name: small
version: "1"
description: one question
licence: ours
scorers: [exact_match]
ask: {max_tokens: 8}
seed: 1
gates: [{metric: exact, bound: score_low, limit: 0.5}]
"""
SAMPLE = '{"id": "a", "messages": [{"role": "user", "content": "?"}], "scoring": {"kind": "exact_match", "answers": ["!"]}}\n'
OF_ONE_TASK = SAMPLE.replace('"id"', '"task": "one", "id"')
EXACT = '"kind": "exact_match", "answers": ["!"]'
CHOICES = '"kind": "open_or_choice", "answers": ["x"], "incorrect": ["y", "x"]'
DEEP = "[" * 5000 + "]" * 5000


def folder(tmp_path: Path, card: str, samples: str) -> Path:
    made = tmp_path / "small"
    made.mkdir()
    (made / "card.yaml").write_text(card)
    (made / "samples.jsonl").write_text(samples)
    return made


def test_a_suite_is_a_folder(tmp_path: Path) -> None:
    suite = load_suite(folder(tmp_path, CARD, SAMPLE))
    assert (suite.card.name, suite.samples[0].question, suite.tools) == ("small", "?", ())


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
        (CARD, SAMPLE.replace("messages", "mesages"), "Line 1 of .* is wrong at mesages"),
        (CARD, SAMPLE.replace("exact_match", "exact"), "Line 1 of .* is wrong at scoring"),
        (CARD, SAMPLE.replace('["!"]', "[]"), r"Line 1 of .* is wrong at scoring\.exact_match\.answers"),
        (
            CARD,
            SAMPLE.replace('"exact_match", "answers": ["!"]', '"no_tool_call"'),
            "Line 1 of .* no_tool_call, which exact_match cannot score",
        ),
        (CARD.replace("max_tokens: 8", "how: shout"), SAMPLE, "Unknown way of asking 'shout'. Known: .*chat"),
        (CARD, "", "holds no samples"),
        (CARD.replace("small", "large"), SAMPLE, "names the suite 'large'"),
        (CARD.replace("exact_match", "exakt"), SAMPLE, "Unknown scorer 'exakt'. Known: .*exact_match"),
        (CARD.replace("metric: exact", "metric: exakt"), SAMPLE, "Unknown metric of a gate .*Known: exact"),
        (CARD.replace("score_low", "difference_low"), SAMPLE, "needs it among the baselines"),
        (CARD.replace("score_low", "score_high"), SAMPLE, "stands on score_high, the end that is better"),
        (CARD.replace("0.5", ".nan"), SAMPLE, "wrong at gates.0.limit"),
        # The only task is the whole: it has no number of its own that a gate could stand on.
        (CARD.replace("exact,", "exact/one,") + "by_task: true\n", OF_ONE_TASK, "Unknown metric of a gate"),
        (CARD, SAMPLE.replace("}\n", ', "meta": {"weight": NaN}}\n'), "Line 1 of .* is no JSON"),
        (CARD, SAMPLE.replace("}\n", ', "meta": {"note": "\\ud800"}}\n'), "Line 1 of .* is no JSON"),
        (CARD, SAMPLE.replace("}\n", ', "meta": {"count": 9007199254740993}}\n'), "Line 1 of .* is no JSON"),
        (CARD, SAMPLE.replace("}\n", f', "meta": {{"deep": {DEEP}}}}}\n'), "Line 1 of .* is no JSON"),
        (
            CARD.replace("exact_match", "choice"),
            SAMPLE.replace(EXACT, CHOICES),
            "Line 1 of .* a choice is there twice",
        ),
        (
            CARD.replace("exact_match", "choice"),
            '{"id": "a", "scoring": {"kind": "multiple_choice", "choices": ["x", "y"], "answer_index": 0}}\n',
            "Line 1 of .* asks nothing",
        ),
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


def test_a_metric_that_cannot_say_what_it_counts_is_refused(tmp_path: Path) -> None:
    made = folder(tmp_path, CARD.replace("[exact_match]", "[exact_match, own]"), SAMPLE)
    (made / "scorer.py").write_text(
        "from evals.scorers.scorer import scorer\n"
        "from evals.suite.metric import Metric\n"
        'METRICS = (Metric("own", "own", applies=lambda sample: sample.meta["none"]),)\n'
        '@scorer("own", version="1", kinds=("exact_match",), metrics=METRICS)\n'
        "def own(sample, given):\n"
        "    return {}\n"
    )
    with pytest.raises(BadInput, match=r"Line 1 of .* a metric's `applies` failed: KeyError: 'none'"):
        load_suite(made)
