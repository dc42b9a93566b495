"""Following instructions: a subject to write about, and one or two instructions that a rule can check."""

from collections.abc import Iterator
from itertools import pairwise, product
from random import Random
from typing import Any

_SUBJECTS = (
    "a walk in the rain", "how bread is made", "a lost umbrella", "the first day at a new job", "a quiet library",
    "repairing a bicycle", "the sea in winter", "a train that is late",
)  # fmt: skip

_Instruction = tuple[str, str, dict[str, Any]]

_ASKED: tuple[_Instruction, ...] = (
    ("Do not use any commas.", "punctuation:no_comma", {}),
    ("Write in small letters only.", "change_case:english_lowercase", {}),
    ("Write in capital letters only.", "change_case:english_capital", {}),
    ("Put the whole answer in double quotation marks.", "startend:quotation", {}),
    ("End with the words: That is all.", "startend:end_checker", {"end_phrase": "That is all."}),
    (
        "Write at least 30 words.",
        "length_constraints:number_words",
        {"relation": "at least", "num_words": 30},
    ),
    (
        "Write fewer than 20 words.",
        "length_constraints:number_words",
        {"relation": "less than", "num_words": 20},
    ),
    (
        "Write at least 3 sentences.",
        "length_constraints:number_sentences",
        {"relation": "at least", "num_sentences": 3},
    ),
    ("Use the word morning.", "keywords:existence", {"keywords": ["morning"]}),
    ("Do not use the word very.", "keywords:forbidden_words", {"forbidden_words": ["very"]}),
    (
        "Give exactly 3 bullet points, each beginning with *.",
        "detectable_format:number_bullet_lists",
        {"num_bullets": 3},
    ),
    ("Begin with a title in double angular brackets, such as <<title>>.", "detectable_format:title", {}),
    ("Answer in JSON.", "detectable_format:json_format", {}),
)
_APART = frozenset(
    {"change_case:english_lowercase", "change_case:english_capital", "detectable_format:json_format"}
)
"""Instructions that few others can be kept beside."""


def following(random: Random) -> Iterator[dict[str, Any]]:
    """First each subject with each instruction alone, then pairs of compatible ones."""
    singles = [(subject, (asked,)) for subject, asked in product(_SUBJECTS, _ASKED)]
    random.shuffle(singles)
    free = [asked for asked in _ASKED if asked[1] not in _APART and not asked[1].startswith("startend")]
    pairs = [
        (subject, (first, second))
        for subject in _SUBJECTS
        for first, second in pairwise(free)
        if first[1] != second[1]
    ]
    random.shuffle(pairs)
    for subject, asked in [each for both in zip(singles, pairs, strict=False) for each in both]:
        text = " ".join((f"Write about {subject}.", *(instruction for instruction, _, _ in asked)))
        yield {
            "messages": [{"role": "user", "content": text}],
            "scoring": {
                "kind": "verifiable_instructions",
                "instructions": [{"id": name, "kwargs": arguments} for _, name, arguments in asked],
            },
        }
