"""Reading calls out of generated text: what is kept, what is left over, and that nothing makes it raise or hang."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.values.exchange import ToolCall
from evals.scorers.tool_calls.extraction import Extracted, extract

TOOLS = {"add", "drop"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
MARKERS = ("<tool_call>", "</tool_call>", "[TOOL_CALLS]", "[ARGS]", "<|python_tag|>", "<function=add>", "</function>",
           "<think>", "</think>", "```json\n", "```", "add(", "[add(a=", '{"name": "add", "arguments": ', "}", ")", ";")  # fmt: skip


@given(st.sampled_from(["add", "drop", "x.y-z"]), st.dictionaries(st.text(), JSON, max_size=4))
def test_arguments_come_out_as_they_went_in(name: str, arguments: dict[str, object]) -> None:
    written = json.dumps({"name": name, "arguments": arguments})
    for text in (
        f"<tool_call>\n{written}\n</tool_call>",
        f"[TOOL_CALLS] [{written}]",
        f"<|python_tag|>{written}",
    ):
        (call,) = extract(text, TOOLS).calls
        assert call.name == name
        assert json.loads(call.arguments) == arguments


@pytest.mark.parametrize("inside", MARKERS, ids=ascii)
@pytest.mark.parametrize(
    "form",
    [
        '<tool_call>{"name": "add", "arguments": %s}</tool_call>',
        '[TOOL_CALLS][{"name": "add", "arguments": %s}]',
        "[TOOL_CALLS]add[ARGS]%s",
        '<|python_tag|>{"name": "add", "arguments": %s}; {"name": "add", "parameters": %s}',
        "<function=add>%s</function>",
    ],
)
def test_a_marker_inside_an_argument_is_text(form: str, inside: str) -> None:
    arguments = json.dumps({"a": f"see {inside} there", inside: None})
    text = form.replace("%s", arguments)
    calls = extract(f"{text}\n{text}", TOOLS).calls
    assert [json.loads(call.arguments) for call in calls] == [json.loads(arguments)] * 2 * form.count("%s")
    assert {call.name for call in calls} == {"add"}


def test_a_repeated_argument_in_python_stays_visible() -> None:
    (call,) = extract('[add(a=1, a="2")]', TOOLS).calls
    assert call == ToolCall(name="add", arguments='{"a": 1, "a": "2"}')


def test_what_an_end_tag_in_a_text_cannot_do() -> None:
    text = '<tool_call>{"name": "add", "arguments": {"a": "</tool_call><tool_call>"}}</tool_call>'
    assert extract(text, TOOLS).calls == (ToolCall(name="add", arguments='{"a": "</tool_call><tool_call>"}'),)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Hello.", "Hello."),
        ('Noted. <tool_call>{"name": "add", "arguments": {}}</tool_call>', "Noted."),
        ('Before\n```json\n{"name": "add", "arguments": {}}\n```\nAfter', "Before\n\nAfter"),
        ("<think>so</think> Hello. <|im_end|>", "Hello."),
        ("{} and more", "{} and more"),
    ],
)
def test_words_are_left_over(text: str, left: str) -> None:
    assert extract(text, TOOLS).text == left


def test_python_is_read_and_not_run() -> None:
    text = '[add(a=[1, {"b": true}], c=None, d=-1.5, e=("x",)), drop()]'
    first, second = extract(text, TOOLS).calls
    assert json.loads(first.arguments) == {"a": [1, {"b": True}], "c": None, "d": -1.5, "e": ["x"]}
    assert second == ToolCall(name="drop", arguments="{}")
    assert extract('[add(a=__import__("os").getcwd())]', TOOLS).calls[0].name == ""


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        '{"a":' * 100_000,
        "<tool_call>" * 20_000,
        "[TOOL_CALLS]" * 20_000,
        "<|python_tag|>" * 20_000,
        "<function=add>" * 20_000,
        "```\n" * 50_000,
        "<tool_call>" + "[" * 100_000,
        "add(a=" + "-" * 15_000 + "1)",
        "add(a=" + "[" * 15_000,
        "add(a=" + "1+" * 8_000 + "1)",
        "add" + "(a)" * 6_000,
        '[add(a="\\d\x00")]',
        '[add(a="\\d")]',
        "add(a=1" + "0" * 15_000 + ")",
        '{"name": "add", "arguments": {"a": ' + "9" * 50_000 + "}}",
        "<think>" * 50_000,
        " " * 300_000 + "<",
        "</s> " * 50_000 + "{",
        "{" + "</s> " * 50_000,
        "<function=" * 20_000,
        "<tool_call>{" * 20_000,
        "```" * 60_000,
        "```" + " " * 200_000,
        "[" + " " * 200_000,
        "add" + " " * 200_000 + "(",
    ],
    ids=lambda text: f"{text[:24]!r}",
)
def test_hostile_text_is_read_in_no_time(text: str) -> None:
    assert isinstance(extract(text, TOOLS), Extracted)


@given(st.lists(st.sampled_from(MARKERS) | st.text(max_size=8), max_size=12).map("".join))
def test_any_mixture_of_markers_is_read(text: str) -> None:
    extracted = extract(text, TOOLS)
    assert all(isinstance(call, ToolCall) for call in extracted.calls)
    assert len(extracted.text) <= len(text)
