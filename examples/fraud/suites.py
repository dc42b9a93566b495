"""`python -m examples.fraud.suites`: draws the samples of the suite `fraud_labels`, always the same ones."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from examples.fraud.payments import FRAUD, LEGITIMATE, LIMIT, Payment, payment

SEED = 2026
ACCOUNTS = 40
FILE = Path(__file__).parents[2] / "evals" / "suites" / "fraud_labels" / "samples.jsonl"
WANTED = {(FRAUD, False): 44, (LEGITIMATE, False): 44, (FRAUD, True): 16, (LEGITIMATE, True): 16}
"""Samples by label and by whether they are edge cases."""

SYSTEM = (
    "You are a fraud analyst. Add up points: amount at least 3 times the usual 1, at least 10 times 2; "
    "one or two declined attempts 1, three or more 2; abroad 1, but 3 if the last payment at home was less than 3 hours ago; "
    "unknown device 1; between 00:00 and 04:59 1; account younger than 14 days 1. "
    f"{LIMIT} points or more are fraud. "
    'Answer with JSON only: {"label": "fraud" or "legitimate", "risk": the probability of fraud from 0 to 1}.'
)


def drawn() -> Iterator[Payment]:
    """As many of each kind as wanted, in the order in which they were drawn."""
    rng, left, seen = random.Random(SEED), dict(WANTED), set()
    while any(left.values()):
        found = payment(rng, rng.randrange(ACCOUNTS))
        kind = (found.label, found.edge)
        if left[kind] and found.text() not in seen:
            left[kind] -= 1
            seen.add(found.text())
            yield found


def samples() -> Iterator[dict[str, Any]]:
    for number, each in enumerate(drawn(), 1):
        yield {
            "id": f"payment-{number:03}",
            "task": each.channel,
            "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": each.text()}],
            "scoring": {"kind": "label", "label": each.label, "edge": each.edge},
            "meta": {"account": each.account},
        }


def lines() -> str:
    """The suite's samples.jsonl."""
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in samples())


if __name__ == "__main__":
    FILE.write_text(lines(), encoding="utf-8")
