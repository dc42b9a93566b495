import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.errors import BadInput
from tests.training.jobs import EXAMPLE
from training.conversation import conversation
from training.corpus import KINDS, TOOLS, samples
from training.dataset import read_data
from training.recipes import sample_conversation, sample_line
from training.spec import DataSpec

GOOD = sample_line(samples("tool_call", "train", 1, 1)[0])
USER = {"role": "user", "content": "Hello"}


def files(folder: Path, train: bytes) -> DataSpec:
    (folder / "train.jsonl").write_bytes(train)
    (folder / "validation.jsonl").write_text(f"{GOOD}\n")
    return DataSpec(
        train=folder / "train.jsonl", validation=folder / "validation.jsonl", tools=EXAMPLE / "tools.json"
    )


def call(arguments: str, name: str = "delete_task") -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": function}]}


def row(*messages: dict[str, Any], **more: object) -> bytes:
    return json.dumps({"messages": list(messages)} | more).encode()


def answer(**more: object) -> dict[str, Any]:
    return {"role": "assistant", "content": "Hi"} | more


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b'{"messages": [', "not JSON: Expecting value at column 15"),
        (b"", "empty line"),
        (b"\xff", "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[]", "no JSON object"),
        (b"{}", "messages: Field required"),
        (row(), "messages: List should have at least 1 item"),
        (row(USER), "the last message must be the assistant's"),
        (row(USER, answer(weight=0)), "every assistant message has weight 0"),
        (row(USER, answer(wieght=1)), r"messages\.1\.wieght: Extra inputs are not permitted"),
        (row(USER, answer(), label="x"), "label: Extra inputs"),
        (row({"role": "robot", "content": ""}, answer()), r"messages\.0\.role: Input should be 'system'"),
        (row(USER, {"role": "assistant"}), r"messages\.1: a message has content or tool_calls"),
        (row(USER | {"weight": 0}, answer()), "only the assistant has tool_calls and a weight"),
        (row(USER | {"tool_call_id": "c"}, answer()), "a tool's message, and no other, has a tool_call_id"),
        (row({"role": "tool", "content": "", "tool_call_id": "z"}, answer()), "'z' answers no earlier call"),
        (row(USER, call("{}")), "it calls 'delete_task', which is not offered; offered: none"),
        (
            row(USER, call("{}", "fly"), tools="default"),
            "it calls 'fly', .*offered: complete_task, create_task",
        ),
        (row(USER, call("{"), tools="default"), "the arguments of delete_task are not JSON"),
        (row(USER, call("[]"), tools="default"), "the arguments of delete_task are no JSON object"),
        (row(USER, answer(), tools="mine"), "tools"),
    ],
)
def test_a_broken_line_is_named_with_its_fault(tmp_path: Path, line: bytes, fault: str) -> None:
    content = b"\n".join([GOOD.encode(), line, GOOD.encode()])
    with pytest.raises(BadInput, match=rf"1 broken line, nothing was started:\n.*train\.jsonl:2: .*{fault}"):
        read_data(files(tmp_path, content))


def test_all_broken_lines_are_counted_and_the_first_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"(?s)7 broken lines.*:5: .*and 2 more") as caught:
        read_data(files(tmp_path, b"{}\n" * 7))
    assert ":6:" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_a_file_without_rows(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadInput, match="has no rows"):
        read_data(files(tmp_path, content))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    spec = files(tmp_path, GOOD.encode())
    with pytest.raises(BadInput, match=r"away\.jsonl cannot be read: No such file"):
        read_data(spec.model_copy(update={"train": tmp_path / "away.jsonl"}))
    (tmp_path / "tools.json").write_text("{}")
    with pytest.raises(BadInput, match="is no OpenAI tools list"):
        read_data(spec.model_copy(update={"tools": tmp_path / "tools.json"}))
    with pytest.raises(BadInput, match=r"the spec names no data\.tools"):
        read_data(spec.model_copy(update={"tools": None}))


@pytest.mark.parametrize("kind", KINDS)
def test_the_corpus_reads_back_as_it_was_drawn(kind: str) -> None:
    for sample in samples(kind, "train", 20, 5):
        assert conversation(json.loads(sample_line(sample)), TOOLS) == sample_conversation(sample)


def test_rows_that_stand_in_both_files_are_counted(tmp_path: Path) -> None:
    other = sample_line(samples("copy", "train", 1, 1)[0])
    data = read_data(files(tmp_path, f"{other}\n{GOOD}\n".encode()))
    assert data.validation.shared_with(data.train) == 1
    assert len(data.train.rows) == 2


@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["messages", "role", "content", "tools", "tool_calls"]) | st.text(), inner
            )
        ),
    )
)
def test_whatever_a_line_holds_it_is_read_or_refused(content: Any) -> None:
    with suppress(ValueError):
        assert conversation(content, None).messages
