"""A run as Inspect's eval log: what that format requires is there, whatever was answered."""

import json
from typing import Any

import pytest

from aftertune.errors import UnknownName
from aftertune.values.evaluation import Answer
from aftertune.values.exchange import ToolCall
from evals.archive.inspect_log import document, inspect_log
from evals.archive.run_file import RunFile
from tests.evals.archive.conftest import Measured
from tests.fakes.engine import FakeEngine, Fault

REQUIRED = {
    "": {"version", "status", "eval", "plan", "results", "stats", "samples"},
    "eval": {"created", "task", "dataset", "model", "config"},
    "results": {"total_samples", "completed_samples", "scores"},
    "stats": {"started_at", "completed_at"},
}
"""Of EvalLog, EvalSpec, EvalResults and EvalStats of inspect_ai 0.3.285; the log there is of version 2."""
SAMPLE = {"id", "epoch", "input", "target", "messages", "scores"}


def log_of(file: RunFile, release: str = "") -> dict[str, Any]:
    read: dict[str, Any] = json.loads(document(inspect_log(file, release)))
    return read


def test_everything_that_the_format_requires_is_there(measured: Measured) -> None:
    log = log_of(measured("calls"))
    for part, names in REQUIRED.items():
        assert names <= set(log[part] if part else log)
    assert (log["version"], log["status"], log["eval"]["model"]) == (2, "success", "aftertune/v1")
    assert len(log["samples"]) == 20
    assert all(set(sample) >= SAMPLE for sample in log["samples"])
    scored = {score["name"]: score["metrics"]["estimate"]["value"] for score in log["results"]["scores"]}
    assert scored["end_to_end"] == 1.0


def test_calls_are_theirs_and_broken_ones_say_so(measured: Measured) -> None:
    file = measured("calls")
    first = log_of(file)["samples"][0]
    (call,) = first["output"]["choices"][0]["message"]["tool_calls"]
    assert (call["function"], call["arguments"]) == ("create_task", {"title": "water plant 0"})

    broken = Answer(tool_calls=(ToolCall(name="create_task", arguments='{"title": '),), finish="length")
    result = file.results[0].model_copy(update={"answers": (broken, broken)})
    one, two = log_of(file._replace(results=(result,)))["samples"]
    (call,) = one["output"]["choices"][0]["message"]["tool_calls"]
    assert (call["arguments"], call["parse_error"]) == ({}, 'no JSON object: {"title": ')
    assert [one["epoch"], two["epoch"]] == [1, 2]
    assert one["output"]["choices"][0]["stop_reason"] == "max_tokens"


def test_what_was_not_answered_is_an_error_without_a_score(measured: Measured, engine: FakeEngine) -> None:
    engine.fault = Fault.BAD_REQUEST
    log = log_of(measured("calls"))
    assert log["status"] == "error"
    assert log["error"]["message"]
    assert all(sample["error"]["message"] and not sample["scores"] for sample in log["samples"])
    assert log["results"]["scores"] == []


def test_a_baseline_has_a_log_of_its_own(measured: Measured, others: None) -> None:
    file = measured("memory")
    assert log_of(file, "base")["eval"]["model"] == "aftertune/base"
    with pytest.raises(UnknownName, match="Known: base, v1"):
        inspect_log(file, "v9")
