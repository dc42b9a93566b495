"""`python -m examples.skills.suite`: writes the samples of the suite `skills`, always the same ones.

The domain is the Task API assistant's. *Mixed* asks general questions where the domain's tools are offered and its system
prompt stands: what is often forgotten first.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from examples.skills.following import following
from examples.skills.knowledge import knowledge
from examples.skills.language import language
from examples.skills.reasoning import reasoning
from examples.task_api.suites import alternatives
from training.corpus import ToolCall, samples

SEED = 2026
EACH = 80
FILE = Path(__file__).parents[2] / "evals" / "suites" / "skills" / "samples.jsonl"

_DOMAIN_PROMPT = "You are the Task API assistant. Use the tools when a task is to be changed or looked up."


def suite() -> Iterator[dict[str, Any]]:
    """80 samples of each skill."""
    random = Random(SEED)
    drawn = {
        "general_knowledge": _drawn(knowledge(random), random),
        "language": _drawn(language(), random),
        "reasoning": list(islice(reasoning(random), 2 * EACH)),
        "instruction_following": list(islice(following(random), EACH)),
        "domain": list(_domain()),
    }
    general, sums = drawn["general_knowledge"], drawn["reasoning"]
    drawn["mixed"] = [_in_domain(sample) for sample in (*general[EACH:], *sums[EACH:])][:EACH]
    for skill, found in drawn.items():
        for number, sample in enumerate(found[:EACH], 1):
            yield {"id": f"{skill}-{number:03}", "task": skill, **sample}


def _domain() -> Iterator[dict[str, Any]]:
    """Requests with values that training never saw, drawn apart from those of the suite tool_calls."""
    drawn = {
        each.last_user_text(): each for each in samples("tool_call", "held_out_values", 3 * EACH, SEED + 1)
    }
    for sample in drawn.values():
        assert isinstance(sample.expected, ToolCall)
        calls = [{sample.expected.name: alternatives(sample, sample.expected)}]
        yield {
            "messages": sample.openai_messages(),
            "tools": True,
            "scoring": {"kind": "tool_calls", "ground_truth": calls},
        }


def _drawn(samples: Iterable[dict[str, Any]], random: Random) -> list[dict[str, Any]]:
    found = list(samples)
    random.shuffle(found)
    return found


def _in_domain(sample: dict[str, Any]) -> dict[str, Any]:
    system = {"role": "system", "content": _DOMAIN_PROMPT}
    return {**sample, "messages": [system, *sample["messages"]], "tools": True}


def lines() -> str:
    """The suite's samples.jsonl."""
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in suite())


if __name__ == "__main__":
    FILE.write_text(lines(), encoding="utf-8")
