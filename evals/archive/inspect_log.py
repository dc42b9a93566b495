"""A run as Inspect's eval log: one release of it, JSON, version 2 of that format (inspect_ai 0.3)."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from aftertune.errors import UnknownName
from aftertune.values.evaluation import Answer, EvaluationRun, RunState, SampleResult, Score
from aftertune.values.exchange import ToolCall
from evals.archive.run_file import RunFile
from evals.suite.sample import Sample

VERSION = 2

_STATUS = {
    RunState.QUEUED: "started",
    RunState.RUNNING: "started",
    RunState.SUCCESSFUL: "success",
    RunState.FAILED: "success",
    RunState.ERROR: "error",
}
"""A gate that is not met is a measured run, which is what their success means."""

_STOP = {
    "stop": "stop",
    "length": "max_tokens",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
}

Json = dict[str, Any]


def inspect_log(file: RunFile, release: str = "") -> Json:
    """Of the release under test, or of another one of the run. Raises UnknownName.

    An epoch is a repeat; each carries its sample's scores. What is unmeasured has no score there, and its error says why.
    """
    run = file.run
    release = release or run.release
    known = {result.release for result in file.results} | {run.release}
    if release not in known:
        raise UnknownName("release of the run", release, known)
    results = [result for result in file.results if result.release == release]
    samples = {sample.id: sample for sample in file.samples}
    log: Json = {
        "version": VERSION,
        "status": _STATUS[run.state],
        "eval": _spec(run, release, results),
        "plan": {"name": "plan", "steps": [], "config": _config(run)},
        "results": _results(run, release, results),
        "stats": {
            "started_at": _time(run.started_at or run.requested_at),
            "completed_at": _time(run.ended_at or run.requested_at),
            "model_usage": {},
        },
        "samples": [each for result in results for each in _samples(result, samples.get(result.sample))],
    }
    if run.state is RunState.ERROR:
        log["error"] = {"message": run.reason, "traceback": "", "traceback_ansi": ""}
    return log


def document(log: Json) -> str:
    return json.dumps(log, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _spec(run: EvaluationRun, release: str, results: list[SampleResult]) -> Json:
    signature = run.signature
    return {
        "eval_id": run.id,
        "run_id": run.id,
        "created": _time(run.requested_at),
        "task": run.suite,
        "task_id": run.suite,
        "task_version": signature.suite_version if signature else "",
        "task_attribs": {},
        "task_args": {},
        "dataset": {
            "name": run.suite,
            "samples": len(results),
            "sample_ids": [result.sample for result in results],
        },
        "model": f"aftertune/{release}",
        "model_args": {},
        "config": {"epochs": max((len(result.answers) for result in results), default=1) or 1},
        "packages": dict(signature.versions) if signature else {},
        "metadata": {
            "trigger": run.trigger,
            "gates": [gate.model_dump(mode="json") for gate in run.gates],
            "signature": signature.model_dump(mode="json") if signature else None,
        },
    }


def _config(run: EvaluationRun) -> Json:
    decoding = run.signature.decoding if run.signature else {}
    return {name: decoding[name] for name in ("max_tokens", "temperature", "top_p") if name in decoding}


def _results(run: EvaluationRun, release: str, results: list[SampleResult]) -> Json:
    scores = [_score(score) for score in run.scores] if release == run.release else []
    return {
        "total_samples": run.samples,
        "completed_samples": sum(bool(result.answers) for result in results),
        "scores": [score for score in scores if score["metrics"]],
    }


def _score(score: Score) -> Json:
    figures = {"estimate": score.estimate, "low": score.low, "high": score.high}
    return {
        "name": score.metric,
        "scorer": score.scorer,
        "scored_samples": score.n,
        "unscored_samples": score.unmeasured,
        "params": {},
        "metrics": {
            name: {"name": name, "value": value, "params": {}}
            for name, value in figures.items()
            if value is not None
        },
        "metadata": {"method": score.method, "detail": score.detail},
    }


def _samples(result: SampleResult, sample: Sample | None) -> Iterator[Json]:
    scores = {
        name: {"value": value, "answer": result.said}
        for name, value in result.scores.items()
        if value is not None
    }
    asked = [_message(message) for message in sample.messages] if sample else []
    target = json.dumps(sample.scoring.model_dump(mode="json"), ensure_ascii=False) if sample else ""
    for epoch, answer in enumerate(result.answers or (None,), 1):
        told: Json = {
            "id": result.sample,
            "epoch": epoch,
            "input": asked or "",
            "target": target,
            "messages": asked,
            "scores": scores,
            "metadata": {"task": sample.task, **sample.meta} if sample else {},
            "store": {},
            "events": [],
            "model_usage": {},
            "attachments": {},
        }
        if answer is not None:
            told["output"] = _output(answer, result.release)
            told["messages"] = [*asked, told["output"]["choices"][0]["message"]]
        if result.latency_s is not None:
            told["total_time"] = result.latency_s
        if result.error:
            told["error"] = {"message": result.error, "traceback": "", "traceback_ansi": ""}
        yield told


def _output(answer: Answer, release: str) -> Json:
    calls = [_call(f"call_{number}", call) for number, call in enumerate(answer.tool_calls)]
    message: Json = {"role": "assistant", "content": answer.text, "source": "generate"}
    if calls:
        message["tool_calls"] = calls
    used = {"input_tokens": answer.prompt_tokens or 0, "output_tokens": answer.completion_tokens or 0}
    return {
        "model": release,
        "choices": [{"message": message, "stop_reason": _STOP.get(answer.finish or "", "unknown")}],
        "completion": answer.text,
        "usage": {**used, "total_tokens": sum(used.values())},
    }


def _call(name: str, call: ToolCall) -> Json:
    """Arguments that are no JSON object are kept as they are, with the fault named."""
    try:
        arguments = json.loads(call.arguments)
    except (ValueError, RecursionError):
        arguments = None
    whole = isinstance(arguments, dict)
    told: Json = {
        "id": name,
        "function": call.name,
        "arguments": arguments if whole else {},
        "type": "function",
    }
    return told if whole else {**told, "parse_error": f"no JSON object: {call.arguments}"}


def _message(message: Mapping[str, Any]) -> Json:
    """An OpenAI chat message as theirs."""
    told: Json = {"role": message.get("role"), "content": message.get("content") or ""}
    if message.get("role") == "tool":
        told["tool_call_id"] = message.get("tool_call_id")
    if calls := message.get("tool_calls"):
        told["tool_calls"] = [
            _call(
                str(call.get("id", "")),
                ToolCall(name=call["function"]["name"], arguments=call["function"].get("arguments") or "{}"),
            )
            for call in calls
        ]
    return told


def _time(at: Any) -> str:
    return str(at.isoformat())
