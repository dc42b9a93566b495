"""`python -m examples.task_api.suites`: draws the samples of its suites from the corpus, always the same ones.

Nothing in them was in any training data: values and phrasings are held out, and a part is written by hand.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from examples.task_api.conversations import task_conversations
from examples.task_api.personas import persona_switch, system
from examples.task_api.wide import tool_calls_wide
from training.corpus import Sample, ToolCall, samples, unseen_samples

SEED = 2026
FOLDER = Path(__file__).parents[2] / "evals" / "suites"

PERSONA = system("taskmaster")

_NAMES = ("Tara", "Ben", "Cia", "Anna", "Omar", "Lena", "Ivan", "Mara")
_TALK = ("What can you do?", "Who are you?", "How do I add a task?", "Which priorities are there?")


def tool_calls() -> Iterator[dict[str, Any]]:
    """Requests that need a call, then questions that need none although the tools are there."""
    drawn = [*_distinct("tool_call", 88), *unseen_samples()[::3]]
    for number, sample in enumerate(drawn, 1):
        assert isinstance(sample.expected, ToolCall)
        yield {
            "id": f"call-{number:03}",
            "messages": sample.openai_messages(),
            "tools": True,
            "scoring": {
                "kind": "tool_calls",
                "ground_truth": [{sample.expected.name: alternatives(sample, sample.expected)}],
            },
        }
    asked = [s for kind in ("fact", "sum", "small_talk") for s in _distinct(kind, 40) if s.tools_offered]
    for number, sample in enumerate(asked[::3][:12], 1):
        yield {
            "id": f"none-{number:03}",
            "messages": sample.openai_messages(),
            "tools": True,
            "scoring": {"kind": "no_tool_call"},
        }


def forgetting() -> Iterator[dict[str, Any]]:
    """What the base could do before it learned to call tools."""
    for kind in ("fact", "sum", "copy"):
        for number, sample in enumerate(_distinct(kind, 40), 1):
            yield {
                "id": f"{kind}-{number:03}",
                "task": kind,
                "messages": sample.openai_messages(),
                "tools": sample.tools_offered,
                "scoring": {"kind": "exact_match", "answers": [sample.expected]},
            }


def persona() -> Iterator[dict[str, Any]]:
    """Results to be told, requests that cannot be carried out, and small talk, all under the persona's card."""
    told = [s for s in _distinct("confirmation", 60) if _task(s) and _task(s) in str(s.expected)][:18]
    for number, sample in enumerate(told, 1):
        yield _in_persona(f"told-{number:03}", sample.openai_messages(), tools=True, mentions=[_task(sample)])
    requests = [s for s in _distinct("task_talk", 60) if _task(s) and not s.tools_offered]
    for number, sample in enumerate(requests[:10], 1):
        yield _in_persona(f"asked-{number:03}", sample.openai_messages(), tools=False)
    for number, name in enumerate(_NAMES, 1):
        said = f"Many thanks from {name}!" if number % 2 else f"Thank you from {name}."
        yield _in_persona(
            f"name-{number:03}", [{"role": "user", "content": said}], tools=False, mentions=[name]
        )
    for number, question in enumerate(_TALK, 1):
        yield _in_persona(f"talk-{number:03}", [{"role": "user", "content": question}], tools=False)


def _distinct(kind: str, n: int) -> list[Sample]:
    """The first `n` of a kind that ask different things."""
    found = {
        sample.last_user_text().lower(): sample
        for sample in reversed(samples(kind, "held_out_values", 3 * n, SEED))
    }
    return list(reversed(found.values()))[:n]


def alternatives(sample: Sample, call: ToolCall) -> dict[str, list[Any]]:
    """The values that are right for each argument: a due time may keep its little word."""
    found: dict[str, list[Any]] = {name: [value] for name, value in call.arguments}
    if "due" in found:
        due = str(found["due"][0])
        words = re.search(rf"\b((?:by|on|until|before|for)\s+){re.escape(due)}", sample.last_user_text())
        found["due"] += [f"{words[1]}{due}"] if words else []
    return found


def _task(sample: Sample) -> str:
    """The task's number, when the user gave one."""
    found = re.search(r"(?:task|number|#)\s*#?(\d+)", sample.last_user_text(), re.IGNORECASE)
    return found[1] if found else ""


def _in_persona(
    name: str, messages: Sequence[dict[str, Any]], *, tools: bool, mentions: Sequence[str] = ()
) -> dict[str, Any]:
    turns = [turn for turn in messages if turn["role"] != "system"]
    return {
        "id": name,
        "messages": [{"role": "system", "content": PERSONA}, *turns],
        "tools": tools,
        "scoring": {"kind": "persona", "persona": "taskmaster", "mentions": list(mentions)},
    }


SUITES: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {
    "tool_calls": tool_calls,
    "tool_calls_streamed": tool_calls,
    "tool_calls_wide": tool_calls_wide,
    "task_conversations": task_conversations,
    "forgetting": forgetting,
    "persona": persona,
    "persona_switch": persona_switch,
}


def lines(suite: str) -> str:
    """The suite's samples.jsonl."""
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in SUITES[suite]())


if __name__ == "__main__":
    for suite in SUITES:
        (FOLDER / suite / "samples.jsonl").write_text(lines(suite), encoding="utf-8")
