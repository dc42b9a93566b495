"""`python -m examples.plant_maintenance.suites`: draws the samples of the suite `plant_maintenance`, always the same ones."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from examples.plant_maintenance.procedures import Fixing, Procedure, procedures

SEED = 2026
FILE = Path(__file__).parents[2] / "evals" / "suites" / "plant_maintenance" / "samples.jsonl"
SYSTEM = (
    "You are a maintenance assistant. Answer from the procedure only. "
    "Copy numbers, units, part numbers and steps exactly; never convert a unit."
)


def samples() -> Iterator[dict[str, Any]]:
    """Three questions on each procedure: a torque, the parts, and the steps."""
    for procedure in procedures(SEED):
        for what, question, terms, forbidden in (
            ("torque", *_torque(procedure)),
            ("parts", *_parts(procedure)),
            ("steps", *_steps(procedure)),
        ):
            yield {
                "id": f"{procedure.code}-{what}".lower(),
                "task": procedure.plant,
                "messages": [
                    {"role": "system", "content": SYSTEM},
                    {"role": "user", "content": f"{procedure.text()}\n\n{question}"},
                ],
                "scoring": {"kind": "critical_terms", "terms": terms, "forbidden": forbidden},
                "meta": {"procedure": procedure.code, "machine": procedure.machine, "asks": what},
            }


Asked = tuple[str, list[dict[str, Any]], list[dict[str, Any]]]
"""The question, what the answer has to hold, and what it must not."""


def _torque(procedure: Procedure) -> Asked:
    """The other fixing's torque would be a broken bolt."""
    asked, other = procedure.fixings
    question = (
        f"Which bolts hold the {asked.where}, how tight, and at what pressure is it tested? "
        f"Leave out the {other.where}."
    )
    terms = [_bolt(asked), _tight(asked), _quantity(procedure.pressure)]
    return question, terms, [_tight(other)]


def _parts(procedure: Procedure) -> Asked:
    question = "Which part numbers do I order, for which procedure, and how hot may the oil get?"
    terms = [{"kind": "part", "text": number} for number, _ in procedure.parts]
    return question, [*terms, {"kind": "code", "text": procedure.code}, _quantity(procedure.temperature)], []


def _steps(procedure: Procedure) -> Asked:
    question = f"List the steps in order, and the torque of the {procedure.fixings[0].where} bolts."
    terms = [{"kind": "step", "text": step} for step in procedure.steps]
    return question, [*terms, _tight(procedure.fixings[0])], []


def _tight(fixing: Fixing) -> dict[str, Any]:
    """The ways in which one writes the same number of newton metres."""
    n = fixing.torque
    return {"kind": "torque", "text": fixing.spec, "spellings": [f"{n} Nm", f"{n}Nm", f"{n}N·m", f"{n} N⋅m"]}


def _bolt(fixing: Fixing) -> dict[str, Any]:
    return {"kind": "part", "text": fixing.bolt, "spellings": [fixing.bolt.replace("×", "x")]}


def _quantity(text: str) -> dict[str, Any]:
    return {"kind": "quantity", "text": text, "spellings": [text.replace(" ", "")]}


def lines() -> str:
    """The suite's samples.jsonl."""
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in samples())


if __name__ == "__main__":
    FILE.write_text(lines(), encoding="utf-8")
