"""Pure parts: making text visible, reading payloads, drawing, hiding paths."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.values.drift import DriftState
from aftertune.values.evaluation import RunState
from aftertune.values.release import EngineState, ReleaseState
from aftertune.values.report import ReportState
from aftertune.values.rollback import RollbackState
from aftertune.values.rollout import RolloutState
from aftertune.values.training import TrainingState
from aftertune.values.verdict import Measurement, Outcome
from aftertune.visible import LONGEST, visible
from console.chart import WIDTH, chart
from console.concealment import without_places
from console.context import template_environment
from console.suites import Standing
from console.transcript import answer_text, prompt_text
from console.wording import sign


@given(st.text(st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "L"])))
def test_nothing_invisible_is_left(text: str) -> None:
    assert all(c in "\n\t" or c.isprintable() for c in visible(text))


def test_long_text_is_cut_and_says_so() -> None:
    assert visible("x" * (LONGEST + 7)).endswith("x\n… (7 more characters)")
    assert visible("x" * LONGEST) == "x" * LONGEST


def test_templates_print_numbers_as_they_are() -> None:
    assert template_environment().from_string("{{ x }}").render(x=3) == "3"


@given(st.text())
def test_templates_escape_everything(text: str) -> None:
    html = template_environment().from_string('<p title="{{ x }}">{{ x }}</p>').render(x=text)
    inside = html.removeprefix('<p title="').removesuffix("</p>").replace('">', "", 1)
    assert not set(inside) & set("<>\"'")


def test_every_state_has_a_sign() -> None:
    evidence = (RunState, Standing, DriftState, ReportState, TrainingState)
    for kind in (EngineState, ReleaseState, RollbackState, RolloutState, Outcome, *evidence):
        for state in kind:
            assert sign(state)


def sse(*chunks: object) -> bytes:
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return "".join([*lines, "data: [DONE]\n\n"]).encode()


def delta(**content: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": content}]}


def test_a_stream_is_put_together() -> None:
    answer = sse(
        delta(role="assistant", content="Hel"),
        delta(content="lo"),
        {"choices": [], "usage": {}},
        delta(tool_calls=[{"index": 1, "function": {"name": "list_tasks", "arguments": ""}}]),
        delta(tool_calls=[{"index": 0, "function": {"name": "create_task", "arguments": '{"a"'}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": ": 1}"}}]),
    )
    assert answer_text(answer) == 'Hello\ncreate_task({"a": 1})\nlist_tasks()'


def test_a_conversation_is_written_out() -> None:
    request = {
        "messages": [
            {"role": "system", "content": "You are TaskMaster."},
            {"role": "user", "content": [{"type": "text", "text": "hi"}]},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}],
            },
            "odd",
        ]
    }
    assert prompt_text(json.dumps(request).encode()).splitlines() == [
        "system: You are TaskMaster.",
        'user: [{"type": "text", "text": "hi"}]',
        "assistant: ",
        "f({})",
        '"odd"',
    ]


@given(st.binary())
def test_what_does_not_parse_is_shown_as_it_came(payload: bytes) -> None:
    assert isinstance(prompt_text(payload), str)
    assert isinstance(answer_text(payload), str)


@pytest.mark.parametrize(
    "odd", [[], {}, {"choices": 3}, {"choices": [{"message": 1}]}, {"choices": [None]}, "x", 1]
)
def test_answers_of_another_shape_are_shown_raw(odd: object) -> None:
    text = json.dumps(odd)
    assert answer_text(text.encode()) == text


def test_a_response_and_its_input_are_written_out() -> None:
    request = {
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
            {"type": "function_call", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "output": "7"},
        ]
    }
    output = [
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]},
        {"type": "function_call", "name": "f", "arguments": '{"a": 1}'},
    ]
    ended = {"type": "response.completed", "response": {"output": output}}

    assert prompt_text(json.dumps(request).encode()) == "user: hi\nf({})\nfunction_call_output: 7"
    assert prompt_text(b'{"input": "hi"}') == prompt_text(b'{"prompt": "hi"}') == "hi"
    assert answer_text(json.dumps({"output": output}).encode()) == 'Hello\nf({"a": 1})'
    assert answer_text(b"event: response.completed\n" + sse(ended)) == 'Hello\nf({"a": 1})'


def test_a_completion_is_written_out() -> None:
    pieces = ({"choices": [{"index": 0, "text": text}]} for text in ("Hel", "lo"))

    assert answer_text(sse(*pieces)) == "Hello"
    assert answer_text(b'{"choices": [{"text": "Hello"}]}') == "Hello"


def measurement(
    check: str, values: tuple[float | None, float | None, float | None], limit: float
) -> Measurement:
    estimate, low, high = values
    return Measurement(
        check=check,
        metric="errors",
        outcome=Outcome.PASS,
        n=3,
        estimate=estimate,
        low=low,
        high=high,
        limit=limit,
        alpha=0.05,
        reason="",
    )


@given(st.lists(st.floats(-1, 1), min_size=4, max_size=4), st.sampled_from(["guardrail", "comparison"]))
def test_drawings_keep_the_order_and_stay_inside(values: list[float], check: str) -> None:
    low, estimate, high = sorted(values[:3])
    drawn = chart(measurement(check, (estimate, low, high), values[3]))
    assert drawn.low is not None
    assert drawn.estimate is not None
    assert drawn.high is not None
    assert 0 <= drawn.low <= drawn.estimate <= drawn.high <= WIDTH
    assert (drawn.bad_to == WIDTH) == (check == "guardrail")
    assert drawn.limit == (drawn.bad_from if check == "guardrail" else drawn.bad_to)


def test_nothing_measured_is_drawn_as_nothing() -> None:
    drawn = chart(measurement("guardrail", (None, None, None), 0.05))
    assert (drawn.estimate, drawn.low, drawn.high) == (None, None, None)
    assert drawn.text == "errors: nothing measured; should be at most 0.050"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no weights in '/srv/models/v1'.", "no weights in '[path]'."),
        ("/srv/x: not found (/home/a/b)", "[path] not found ([path])"),
        ("http://127.0.0.1:9001/v1/models said 404", "[address] said 404"),
        ("https://gpu-7.intern:8443 does not answer.", "[address] does not answer."),
        ("3/4 probes and/or more", "3/4 probes and/or more"),
    ],
)
def test_paths_and_addresses_are_taken_out_of_sentences(text: str, shown: str) -> None:
    assert without_places(text) == shown


def test_whatever_depth_can_be_read_is_shown() -> None:
    """The deepest JSON that can still be read may be too deep to be written again."""
    for depth in range(800, 1020):
        deep = b"[" * depth + b"]" * depth
        assert prompt_text(b'{"messages": [{"role": "user", "content": ' + deep + b"}]}")
        assert answer_text(b'{"choices": [{"message": {"content": ' + deep + b"}}]}")
