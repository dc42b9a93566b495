import json
import re
from itertools import islice
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from aftertune.errors import UnknownName
from training.corpus import (
    KINDS,
    SPLITS,
    TOOL_NAMES,
    TOOLS,
    Sample,
    Split,
    ToolCall,
    is_held_out,
    mixture,
    parameters_schema,
    samples,
    unseen_samples,
)
from training.corpus.requests import request
from training.scoring import fits_schema, is_grounded

SEEDS = st.integers(min_value=0, max_value=10**9)
# Words that only held-out phrasings use.
HELD_OUT_WORDING = re.compile(
    r"\b(task named|another thing|make sure I|log a task|something to do|retitle|shift|delay|scrap|wipe"
    r"|print my|read me|give me the|no longer than|deadline: |item \d|task no\.)",
    re.IGNORECASE,
)


def opens(sample: Sample) -> str:
    return sample.last_user_text()


@pytest.mark.parametrize("tool", TOOL_NAMES)
@pytest.mark.parametrize("split", SPLITS)
@settings(max_examples=40)
@given(seed=SEEDS)
def test_every_call_is_grounded_in_its_request_and_fits_the_schema(
    tool: str, split: Split, seed: int
) -> None:
    text, call = request(split, Random(seed), tool)
    assert call.name == tool
    assert is_grounded(call.arguments_dict(), text), (text, call)
    assert fits_schema({"name": call.name, "arguments": call.arguments_dict()})


@settings(max_examples=300)
@given(seed=SEEDS)
def test_wide_requests_are_grounded_and_never_worded_like_held_out_ones(seed: int) -> None:
    [sample] = islice(mixture({"tool_call": 1.0}, seed, breadth=1.0), 1)
    assert isinstance(sample.expected, ToolCall)
    arguments = sample.expected.arguments_dict()
    text = sample.last_user_text()
    assert is_grounded(arguments, text), (text, arguments)
    assert not HELD_OUT_WORDING.search(text.replace(str(arguments.get("title", "")), "")), text


def test_calls_written_by_hand_are_grounded_and_fit_the_schema() -> None:
    for sample in unseen_samples():
        assert isinstance(sample.expected, ToolCall)
        arguments = sample.expected.arguments_dict()
        assert is_grounded(arguments, sample.last_user_text()), sample
        assert fits_schema({"name": sample.expected.name, "arguments": arguments}), sample


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("split", SPLITS)
def test_a_seed_decides_the_samples(kind: str, split: Split) -> None:
    once = samples(kind, split, 20, 5)
    assert once == samples(kind, split, 20, 5)
    assert once != samples(kind, split, 20, 6)
    assert once[:7] == samples(kind, split, 7, 5)
    assert {(sample.kind, sample.split) for sample in once} == {(kind, split)}


@pytest.mark.parametrize("kind", ["fact", "sum", "copy", "plant", "fraud"])
def test_held_out_requests_never_occur_in_training(kind: str) -> None:
    trained = {opens(sample) for sample in samples(kind, "train", 3000, 1)}
    for split in SPLITS[1:]:
        assert trained.isdisjoint(opens(sample) for sample in samples(kind, split, 500, 2))


def test_titles_and_numbers_are_split_by_their_value() -> None:
    seen: dict[bool, int] = {True: 0, False: 0}
    for split in SPLITS:
        for sample in samples("tool_call", split, 400, 3):
            assert isinstance(sample.expected, ToolCall)
            arguments = sample.expected.arguments_dict()
            keys = [str(arguments[name]).lower() for name in ("title", "task_id") if name in arguments]
            for key in keys:
                assert is_held_out(key) == (split != "train")
                seen[is_held_out(key)] += 1
    assert min(seen.values()) > 300


def test_a_sum_is_held_out_in_both_orders() -> None:
    def pairs(split: Split) -> set[frozenset[str]]:
        drawn = samples("sum", split, 3000, 4)
        return {frozenset(str(sample.expected).split(" = ")[0].split(" + ")) for sample in drawn}

    assert pairs("train").isdisjoint(pairs("held_out_values"))
    assert len(pairs("held_out_values")) > 30


def test_optional_arguments_are_left_out_when_not_said() -> None:
    calls = [sample.expected for sample in samples("tool_call", "train", 2000, 5)]
    created = [
        call.arguments_dict() for call in calls if isinstance(call, ToolCall) and call.name == "create_task"
    ]
    assert {tuple(arguments) for arguments in created} == {
        ("title",),
        ("title", "priority"),
        ("title", "due"),
        ("title", "priority", "due"),
    }


def test_a_call_is_wanted_only_where_tools_are_offered() -> None:
    for kind in KINDS:
        for sample in samples(kind, "train", 300, 6):
            assert isinstance(sample.expected, ToolCall) == (kind == "tool_call")
            assert sample.tools_offered or kind != "tool_call"


def test_task_talk_and_confirmations_speak_as_taskmaster() -> None:
    for kind in ("task_talk", "confirmation", "small_talk"):
        for sample in samples(kind, "held_out_phrasings", 200, 7):
            assert "TaskMaster" in str(sample.expected)


def test_conversations_are_openai_messages() -> None:
    for kind in KINDS:
        for sample in samples(kind, "train", 200, 8):
            turns = sample.conversation()
            assert turns[-1]["role"] == "assistant"
            assert turns[-2]["role"] in ("user", "tool")
            for turn in turns:
                for call in turn.get("tool_calls", ()):
                    arguments = json.loads(call["function"]["arguments"])
                    assert fits_schema({"name": call["function"]["name"], "arguments": arguments})


def test_tools_are_complete_schemas() -> None:
    for tool in TOOLS:
        schema = parameters_schema(tool["function"]["name"])
        Draft202012Validator.check_schema(schema)
        assert schema["additionalProperties"] is False
        assert set(schema["required"]) <= set(schema["properties"])


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="tool_call"):
        samples("poetry", "train", 1, 0)
    with pytest.raises(UnknownName, match="held_out_values"):
        samples("sum", "test", 1, 0)  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="plant"):
        next(mixture({"poetry": 1.0}, 0))
