"""The prompts on which merged weights must answer as base + adapter do."""

from aftertune import fingerprint

PROMPTS: tuple[str, ...] = (
    *fingerprint.PROMPTS,
    "What is the capital of France?",
    "What is 17 plus 25?",
    "Mark task 12 as done.",
    "Delete task 7 and tell me what is left.",
    "Change the priority of task 31 to low.",
    "Repeat: the quick brown fox jumps over the lazy dog.",
)
TOLERANCE = 1e-3
"""Largest absolute logit difference, in float32. Merging reorders sums and no more, which moves logits by about 1e-5;
a lost or doubled adapter moves them by whole units."""
