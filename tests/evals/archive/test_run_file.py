"""A run as a file: the same bytes for the same run, whole or not at all, and broken ones refused with their line."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.errors import BadInput
from aftertune.values.evaluation import Answer, SampleResult
from evals.archive.files import write_whole
from evals.archive.run_file import document, read_run, run_file, write_run
from evals.engine.completion import text_of
from tests.evals.archive.conftest import Measured


def test_what_is_written_is_read(measured: Measured, tmp_path: Path) -> None:
    file, path = measured("calls"), tmp_path / "run.jsonl"
    write_run(path, file)
    assert read_run(path) == file
    assert len(path.read_text().splitlines()) == 1 + 20 + 20


def test_equal_runs_are_equal_bytes(measured: Measured) -> None:
    file = measured("calls")
    shuffled = run_file(file.run, file.samples[::-1], file.results[::-1])
    assert document(shuffled) == document(file)


@given(st.text())
def test_whatever_was_answered_survives(tmp_path_factory: pytest.TempPathFactory, said: str) -> None:
    answers = (Answer(text=text_of(said)),)
    result = SampleResult(run="r", sample="s", release="v", answers=answers, scores={"exact": None})
    assert SampleResult.model_validate_json(result.model_dump_json()) == result


def test_a_broken_line_is_named(measured: Measured, tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    write_run(path, measured("calls"))
    lines = path.read_text().splitlines()
    for broken, said in (
        ([*lines[:5], "{"], "Line 6 of .* is no JSON"),
        ([*lines, "[1]"], "Line 42 of .* is no JSON object"),
        ([*lines, '{"result": {}}'], "Line 42 of .* is wrong at run"),
        (lines[1:], "Line 1 of .* does not begin a run"),
        ([*lines, lines[1]], "holds a sample twice"),
        ([*lines, lines[-1].replace("run-1", "run-2")], "holds results of another run"),
        ([], "is empty"),
    ):
        path.write_text("\n".join(broken))
        with pytest.raises(BadInput, match=said):
            read_run(path)
    with pytest.raises(BadInput, match="cannot be read"):
        read_run(tmp_path / "none.jsonl")


def test_a_file_is_never_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.jsonl"
    write_whole(path, "before")

    def full(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BadInput, match="no space left"):
        write_whole(path, "after")
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
