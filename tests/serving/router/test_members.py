"""Splicing touches one value and nothing else."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aftertune.values.route import Target
from serving.router.members import members
from serving.router.rewrite import NOWHERE, addressed, plain_model

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | st.just("model"), inner, max_size=3),
    max_leaves=12,
)
objects = st.dictionaries(
    texts | st.sampled_from(["model", "messages", 'a"model"', "mod\\u0065l"]), values, max_size=6
)
layouts = st.sampled_from(
    [(None, (",", ":")), (None, (", ", ": ")), (2, (" ,", " : ")), (1, (",\r\n", ":\t"))]
)


def spliced_into(text: bytes, target: Target) -> tuple[bytes, tuple[str, ...]]:
    """By the quick way where there is one; both ways must agree."""
    quick, thorough = addressed(text, plain_model(text), target), addressed(text, NOWHERE, target)
    assert quick == thorough
    return quick


def encoded(fields: dict[str, Any], layout: tuple[int | None, tuple[str, str]], ascii_only: bool) -> bytes:
    return json.dumps(fields, indent=layout[0], separators=layout[1], ensure_ascii=ascii_only).encode()


@given(objects, layouts, st.booleans())
def test_members_are_those_that_a_parser_finds(
    fields: dict[str, Any], layout: tuple[int | None, tuple[str, str]], ascii_only: bool
) -> None:
    text = b" \n" + encoded(fields, layout, ascii_only) + b"\n"
    found = list(members(text))
    assert {m.name: json.loads(text[m.value : m.end]) for m in found} == fields
    assert [m.name for m in found] == list(fields)


@given(objects, texts, texts, layouts, st.booleans())
def test_only_the_model_s_span_changes(
    fields: dict[str, Any],
    model: str,
    served: str,
    layout: tuple[int | None, tuple[str, str]],
    ascii_only: bool,
) -> None:
    fields["model"] = model
    text = encoded(fields, layout, ascii_only)
    spliced = spliced_into(text, Target(release="r", url="http://x", served_name=served))[0]
    assert json.loads(spliced) == {**fields, "model": served}
    (span,) = (m for m in members(text) if m.name == "model")
    assert spliced[: span.value] == text[: span.value]
    assert text[span.end :] == b"" or spliced.endswith(text[span.end :])


@given(objects, layouts, st.sets(st.sampled_from(["messages", "a", 'a"model"'])))
def test_fields_outside_the_list_are_left_out_and_named(
    fields: dict[str, Any], layout: tuple[int | None, tuple[str, str]], accepted: set[str]
) -> None:
    fields["model"] = "m"
    accepts = ("model", *accepted)
    sent, dropped = spliced_into(
        encoded(fields, layout, False), Target(release="r", url="http://x", served_name="s", accepts=accepts)
    )
    assert json.loads(sent) == {name: v for name, v in {**fields, "model": "s"}.items() if name in accepts}
    assert set(dropped) == set(fields) - set(accepts)


def test_a_model_named_twice_or_in_escapes_is_replaced_everywhere() -> None:
    text = b'{"model":"a","mod\\u0065l": "b","x":{"model":"c"}}'
    sent = spliced_into(text, Target(release="r", url="http://x", served_name="s"))[0]
    assert sent == b'{"model":"s","mod\\u0065l": "s","x":{"model":"c"}}'


@given(st.binary(max_size=200))
def test_garbage_never_raises(text: bytes) -> None:
    for member in members(text):
        assert 0 <= member.start <= member.value <= member.end <= len(text)


def test_an_unterminated_string_costs_linear_time() -> None:
    assert list(members(b'{"' + b'\\"' * 2_000_000)) == []
