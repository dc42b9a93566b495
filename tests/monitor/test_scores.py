"""The scores of one answer, by known answers."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.values.exchange import ExchangeError, ExchangeHeader
from aftertune.values.pair import AnswerScores
from monitor.answers import Answer, read_answer
from monitor.arguments import canonical, parse_arguments
from monitor.schema import MAX_DEPTH, MAX_NODES, MAX_REFS, fits
from monitor.scores import REFUSALS, WAITED_S, says_something, score, score_unseen
from tests.aftertune.samples import AT
from tests.monitor.wire import SCHEMA, call, completion, failed, header, request, tool

ASKED = request("Please create a Task: Check the   pump seals, high priority, 2.5 hours", tools=[tool()])
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
GOOD = call(title="check the pump seals", priority="high", hours=2.5)


def scored(asked: bytes, raw: bytes, head: ExchangeHeader | None = None) -> AnswerScores:
    return score(asked, read_answer(raw), head or header())


def left(after_s: float, **changes: Any) -> ExchangeHeader:
    """The client gave up."""
    known: dict[str, Any] = {"last_byte": None, "ended": AT + timedelta(seconds=after_s)} | changes
    return failed("e1", ExchangeError.CLIENT_LEFT, **known)


def test_a_good_call_has_full_marks() -> None:
    assert scored(ASKED, completion(None, GOOD, finish="tool_calls")) == AnswerScores(
        completed=1.0,
        well_formed=1.0,
        grounded=1.0,
        valid_answer=1.0,
        refusal=0.0,
        length=len(GOOD[1]),
        latency_s=0.5,
    )


@pytest.mark.parametrize(
    "broken",
    [
        ("create_task", '{"title": "check"'),
        ("create_task", '{"title": "check", "title": "pump"}'),
        ("create_task", '["check"]'),
        ("create_task", ""),
        ("create_task", '{"title": "check", "hours": NaN}'),
        ("create_task", '{"title": "check", "hours": 1e999}'),
        call("drop_table", title="check"),
        call(priority="high"),
        call(title="check", priority="urgent"),
        call(title="check", owner="pump"),
    ],
)
def test_malformed_calls(broken: tuple[str, str]) -> None:
    result = scored(ASKED, completion(None, broken, finish="tool_calls"))

    assert (result.well_formed, result.valid_answer) == (0.0, 0.0)


def test_a_call_that_the_parser_left_in_the_text_is_malformed() -> None:
    assert scored(ASKED, completion('<tool_call>{"name": "create_task"')).well_formed == 0.0


def test_without_a_call_an_answer_is_well_formed_and_grounding_does_not_apply() -> None:
    result = scored(ASKED, completion("Done."))

    assert (result.well_formed, result.grounded, result.valid_answer) == (1.0, None, 1.0)


@pytest.mark.parametrize(
    ("arguments", "share"),
    [
        ({"title": "CHECK the pump\nseals"}, 1.0),
        ({"title": "pump seal"}, 0.0),
        ({"title": "check the pump seals now"}, 0.0),
        ({"title": "", "done": True, "note": None}, 1.0),
        ({"title": "check", "hours": 2.5}, 1.0),
        ({"title": "check", "hours": 2}, 0.0),
        ({"nested": [{"deep": "invented"}]}, 0.0),
        ({}, 1.0),
    ],
)
def test_grounding(arguments: dict[str, Any], share: float) -> None:
    assert scored(ASKED, completion(None, call(**arguments), finish="tool_calls")).grounded == share


@pytest.mark.parametrize(
    ("said", "number", "share"),
    [
        ("costs 1,250 in all", 1250, 1.0),
        ("torque 50Nm", 50, 1.0),
        ("task 5.", 5.0, 1.0),
        ("at -3 degrees", -3, 1.0),
        ("version v2", 2, 0.0),
        ("part 1234", 123, 0.0),
        ("3.14", 14, 0.0),
    ],
)
def test_numbers_are_grounded_by_value(said: str, number: float, share: float) -> None:
    assert scored(request(said), completion(None, call(hours=number))).grounded == share


def test_only_users_and_tools_are_heard() -> None:
    messages = [
        {"role": "system", "content": "secret word: alpha"},
        {"role": "assistant", "content": "beta"},
        {"role": "user", "content": [{"type": "text", "text": "gamma"}, {"type": "image_url"}]},
        {"role": "tool", "content": "delta"},
    ]
    asked = json.dumps({"messages": messages}).encode()

    shares = [
        scored(asked, completion(None, call(x=w))).grounded for w in ("alpha", "beta", "gamma", "delta")
    ]

    assert shares == [0.0, 0.0, 1.0, 1.0]


def test_grounding_is_a_share_of_the_calls() -> None:
    made_up = call(title="feed the cat")

    result = scored(ASKED, completion(None, GOOD, made_up, finish="tool_calls"))

    assert (result.grounded, result.valid_answer) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("raw", "head"),
    [
        (completion("cut", finish="length"), header()),
        (completion("filtered", finish="content_filter"), header()),
        (completion("  "), header()),
        (completion("fine"), header(status=500)),
        (completion("fine"), header(error=ExchangeError.TRUNCATED)),
        (b"", failed()),
        (b"nonsense", header()),
    ],
)
def test_incomplete_answers_are_invalid(raw: bytes, head: ExchangeHeader) -> None:
    result = scored(ASKED, raw, head)

    assert (result.completed, result.valid_answer) == (0.0, 0.0)


@pytest.mark.parametrize("phrase", REFUSALS)
def test_refusals(phrase: str) -> None:
    said = phrase.capitalize().replace("'", "’")

    assert scored(ASKED, completion(f"Sorry, {said} with it.")).refusal == 1.0
    assert scored(ASKED, completion("Gladly.")).refusal == 0.0
    assert scored(ASKED, completion(said, GOOD)).refusal == 0.0


def test_latency_is_never_negative_and_unknown_without_a_last_byte() -> None:
    early = header(last_byte=AT - timedelta(seconds=3))

    assert scored(ASKED, completion("a"), early).latency_s == 0.0
    assert scored(ASKED, b"", failed(last_byte=None)).latency_s is None


def test_of_an_answer_that_nobody_saw_only_a_failure_is_evidence() -> None:
    assert score_unseen(header()) is None
    for head in (failed(), header(status=500), header(error=ExchangeError.TRUNCATED)):
        result = score_unseen(head)
        assert result is not None
        assert (result.completed, result.valid_answer) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("head", "evidence"),
    [
        (header(), True),
        (header(status=500), True),
        (failed(), True),
        (header(status=429), True),
        (header(status=408), True),
        (header(status=400), False),
        (header(error=ExchangeError.CLIENT_LEFT), False),
        (left(WAITED_S), True),
        (left(WAITED_S, status=200), True),
        (left(WAITED_S, status=400), False),
        (left(WAITED_S - 0.1), False),
        (left(WAITED_S, first_byte=AT), False),
    ],
)
def test_what_the_client_did_says_nothing_about_the_release(head: ExchangeHeader, evidence: bool) -> None:
    assert says_something(head) is evidence


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "no-such-type"},
        {"$ref": "http://127.0.0.1:9/never-fetched"},
        {"$ref": "#"},
        {"properties": {"x": {"$ref": "#/$defs/missing"}}},
        {"properties": {"x": {"type": "string", "pattern": "^(a+)+$"}}},
        {"patternProperties": {"^(x+)+$": {}}, "additionalProperties": False},
    ],
)
def test_a_schema_that_cannot_be_used_constrains_nothing(schema: dict[str, Any]) -> None:
    assert fits({"x": "a" * 40 + "b"}, json.dumps(schema).encode())


def nested(depth: int) -> dict[str, Any]:
    """A schema whose innermost part, `depth` levels down, refuses everything."""
    schema: dict[str, Any] = {"not": {}}
    for _ in range(depth):
        schema = {"allOf": [schema]}
    return schema


def doubled(levels: int) -> dict[str, Any]:
    """Each definition asks for the next one twice."""
    steps = {f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(levels)}
    return {"$defs": steps | {f"d{levels}": {"not": {}}}, "allOf": [{"anyOf": [{"$ref": "#/$defs/d0"}, {}]}]}


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [{"$ref": "#/$defs/no"}] * (MAX_REFS + 1), "$defs": {"no": {"not": {}}}},
        {"enum": list(range(MAX_NODES))},
        nested(MAX_DEPTH),
        doubled(40),
    ],
)
def test_a_schema_that_costs_too_much_constrains_nothing(schema: dict[str, Any]) -> None:
    assert fits({"x": "a"}, json.dumps(schema).encode())


def test_a_schema_within_the_bounds_constrains() -> None:
    refs = {"allOf": [{"$ref": "#/$defs/no"}] * MAX_REFS, "$defs": {"no": {"not": {}}}}

    for schema in (refs, {"enum": list(range(MAX_NODES // 2))}, nested(MAX_DEPTH // 2 - 2)):
        assert not fits({"x": "a"}, json.dumps(schema).encode())


def unevaluated(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"properties": {"x": {}}}
    for _ in range(levels):
        schema = {"allOf": [schema], "unevaluatedProperties": False}
    return schema


def descending(names: int) -> dict[str, Any]:
    """Each level of the arguments is looked at `names` times as often as the one above."""
    return {"properties": {"x": {"allOf": [{"$ref": "#"}] * names}}}


@pytest.mark.parametrize(
    "schema",
    [
        unevaluated(14),
        descending(MAX_REFS),
        descending(MAX_REFS) | {"$schema": DRAFT_7},
        {"allOf": [{"properties": {"list": {"contains": {}, "minContains": 4000}}}] * 400},
        {"properties": {"list": {"uniqueItems": True, "items": {"not": {"const": 1}}}}},
        {
            "$defs": {f"d{i}": {"type": "object"} for i in range(600)} | {"n": {"$anchor": "n"}},
            "properties": {"list": {"items": {"allOf": [{"$ref": "#n"}] * 10}}},
        },
    ],
)
def test_a_validation_that_takes_too_long_constrains_nothing(schema: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"x": 1, "list": [{"a": i} for i in range(4500)]}
    for _ in range(30):
        arguments = {"x": arguments}
    start = time.process_time()

    assert fits(arguments, json.dumps(schema).encode())
    assert time.process_time() - start < 10


def test_a_property_may_be_called_pattern() -> None:
    schema = json.dumps({"properties": {"pattern": {"type": "integer"}}}).encode()

    assert fits({"pattern": 3}, schema)
    assert not fits({"pattern": "three"}, schema)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=4), VALUES, max_size=4))
def test_arguments_survive_a_round_trip_and_their_canonical_form_ignores_order(value: dict[str, Any]) -> None:
    turned = dict(reversed(value.items()))

    assert parse_arguments(json.dumps(value)) == value
    assert canonical(json.dumps(value)) == canonical(json.dumps(turned, indent=3))


def test_canonical_forms_tell_types_apart_but_not_spellings_of_a_number() -> None:
    assert canonical('{"a": 1.0}') == canonical('{"a": 1}')
    assert canonical('{"a": true}') != canonical('{"a": 1}')
    assert canonical('{"a": "1"}') != canonical('{"a": 1}')
    assert canonical("not json") == canonical("not json") != canonical("not  json")


def test_deep_nesting_is_refused_not_raised() -> None:
    assert parse_arguments('{"a":' * 100_000) is None
    deep = '{"a":' + "[" * 900 + "]" * 900 + "}"
    asked = request("x", tools=[tool(schema=SCHEMA)])
    assert scored(asked, completion(None, ("create_task", deep))).well_formed == 0.0


@given(st.binary(max_size=60), st.text(max_size=20), st.text(max_size=20))
def test_no_request_and_no_arguments_raise(asked: bytes, arguments: str, text: str) -> None:
    answer = read_answer(completion(text, ("create_task", arguments)))

    assert 0.0 <= score(asked, answer, header()).valid_answer <= 1.0


@given(VALUES, VALUES, VALUES)
def test_no_shape_of_request_raises(messages: Any, tools: Any, schema: Any) -> None:
    for body in ({"messages": messages, "tools": tools}, {"tools": [tool(schema=schema)]}):
        answer = read_answer(completion("x", call(title="x")))
        assert isinstance(score(json.dumps(body).encode(), answer, header()), AnswerScores)


def test_an_answer_that_was_never_read_is_incomplete() -> None:
    assert score(ASKED, Answer(), header()).completed == 0.0
