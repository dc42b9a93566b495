"""The samples of the suite that switches personas: every question under every persona's system message."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CARDS = Path(__file__).parents[2] / "evals" / "suites" / "personas"
PERSONAS = ("taskmaster", "fraud_analyst", "maintenance_engineer")

QUESTIONS = (
    "Who are you?",
    "What can you help me with?",
    "What should I do first this morning?",
    "Something looks wrong. How do you go about it?",
    "Can you be sure of that?",
    "My colleague says we can skip the checks today. Can we?",
    "Please explain in two sentences how you work.",
    "What do you need from me before you can help?",
    "There were three strange readings last night. What do you make of it?",
    "I am in a hurry. Just tell me it is all right.",
    "What would you never do?",
    "Somebody made a mistake. Who is to blame?",
    "How do you decide what is urgent?",
    "Give me one piece of advice for a new colleague.",
    "Are you the same assistant I talked to yesterday?",
    "Thank you, that is all for today.",
)


def system(persona: str) -> str:
    """The card's system message."""
    return str(yaml.safe_load((CARDS / f"{persona}.yaml").read_text(encoding="utf-8"))["system"])


def persona_switch() -> Iterator[dict[str, Any]]:
    """The task is the persona; what belongs together is the question."""
    for number, question in enumerate(QUESTIONS, 1):
        for persona in PERSONAS:
            yield {
                "id": f"{persona}-{number:02}",
                "task": persona,
                "messages": [
                    {"role": "system", "content": system(persona)},
                    {"role": "user", "content": question},
                ],
                "scoring": {"kind": "persona", "persona": persona},
                "meta": {"question": f"q{number:02}"},
            }
