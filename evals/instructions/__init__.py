"""Instructions that a rule can check, by their IFEval ids (Zhou et al., "Instruction-Following Evaluation for Large Language
Models", 2023). The checks are ours, written from the paper's descriptions; where they are undecided we say what we take.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from evals.instructions import case, form, frame, language, length, words

Check = Callable[[str, Mapping[str, Any]], bool]
"""Whether an answer, which is not blank, follows the instruction with these arguments. Nothing in an answer raises."""

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        **words.CHECKS,
        **length.CHECKS,
        **form.CHECKS,
        **frame.CHECKS,
        **case.CHECKS,
        **language.CHECKS,
    }
)

ARGUMENTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **words.ARGUMENTS,
        **length.ARGUMENTS,
        **form.ARGUMENTS,
        **frame.ARGUMENTS,
        **case.ARGUMENTS,
        **language.ARGUMENTS,
    }
)
"""The arguments that an instruction needs; one that is absent needs none."""


def is_followed(instruction: str, arguments: Mapping[str, Any], answer: str) -> bool:
    """Strictly: the answer as it is."""
    return bool(answer.strip()) and CHECKS[instruction](answer, arguments)


def is_followed_loosely(instruction: str, arguments: Mapping[str, Any], answer: str) -> bool:
    """Forgives a first line, a last line, both, and asterisks: any of eight readings of the answer."""
    return any(is_followed(instruction, arguments, reading) for reading in _readings(answer))


def _readings(answer: str) -> Sequence[str]:
    lines = answer.split("\n")
    cut = ["\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1])]
    return [reading for text in (answer, *cut) for reading in (text, text.replace("*", ""))]
