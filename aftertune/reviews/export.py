"""A closed campaign as files: every rating, with what it was about and what it settled on; JSONL or CSV.

Model output is hostile: a spreadsheet runs what begins like a formula, so that CSV cells never do.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from aftertune.reviews.labels import settled
from aftertune.reviews.queue import Rated
from aftertune.values.review import Campaign, Rating

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may read as the beginning of a formula, full-width forms included."""

_UNSEEN = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")
"""Spaces and marks that take no place: some programs drop them before they look for a formula."""


class Texts(NamedTuple):
    """What an item shows: the question, and the sides' answers in their own order. None: not stored any more."""

    question: str | None
    answers: tuple[str | None, ...]

    @property
    def complete(self) -> bool:
        return self.question is not None and None not in self.answers


def rows(campaign: Campaign, all_rated: Iterable[Rated], texts: Mapping[str, Texts]) -> list[dict[str, Any]]:
    """One for each rating, by position and time."""
    return [
        _row(campaign, rated, rating, texts[rated.item.id]) for rated in all_rated for rating in rated.ratings
    ]


def as_jsonl(found: Iterable[Mapping[str, Any]]) -> str:
    """One JSON object a line, as it is."""
    return "".join(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in found)


def as_csv(found: Iterable[Mapping[str, Any]], campaign: Campaign) -> str:
    """RFC 4180, with a header; a text that begins like a formula has an apostrophe before it."""
    out = io.StringIO()
    writer = csv.DictWriter(out, _columns(campaign), extrasaction="raise", lineterminator="\r\n")
    writer.writeheader()
    for row in found:
        flat = {name: value for name, value in row.items() if name not in ("answers", "values", "labels")}
        for number, answer in enumerate(row["answers"]):
            flat[f"answer_{number}"] = answer
        for part, prefix in (("values", "value"), ("labels", "label")):
            flat |= {f"{prefix}_{name}": value for name, value in row[part].items()}
        flat["reasons"] = " ".join(row["reasons"])
        flat["releases"] = " ".join(row["releases"])
        writer.writerow({name: cell(value) for name, value in flat.items()})
    return out.getvalue()


def cell(value: Any) -> Any:
    """Numbers, truths and nothing stay; a text never begins like a formula."""
    if not isinstance(value, str):
        return value
    unseen = _UNSEEN.match(value)
    formula = value.startswith(_FORMULA) or (unseen and value.startswith(_FORMULA, unseen.end()))
    return f"'{value}" if formula else value


def _row(campaign: Campaign, rated: Rated, rating: Rating, texts: Texts) -> dict[str, Any]:
    criteria = campaign.form.criteria
    return {
        "campaign": campaign.id,
        "item": rated.item.id,
        "subject": rated.item.subject,
        "probability": rated.item.probability,
        "reasons": [str(reason) for reason in rated.item.reasons],
        "releases": [side.release for side in campaign.source.sides],
        "question": texts.question,
        "answers": list(texts.answers),
        "reviewer": rating.reviewer,
        "at": rating.at.isoformat(),
        "adjudication": rating.adjudication,
        "left": campaign.source.sides[1 if rating.swapped else 0].release,
        "values": {criterion.name: rating.values.get(criterion.name) for criterion in criteria},
        "labels": {criterion.name: settled(criterion, rated) for criterion in criteria},
        "why": rating.why,
        "safety": str(rating.safety.category) if rating.safety else None,
        "safety_note": rating.safety.note if rating.safety else None,
    }


def _columns(campaign: Campaign) -> list[str]:
    names = [criterion.name for criterion in campaign.form.criteria]
    answers = [f"answer_{number}" for number in range(len(campaign.source.sides))]
    return [
        *("campaign", "item", "subject", "probability", "reasons", "releases", "question", *answers),
        *("reviewer", "at", "adjudication", "left"),
        *(f"value_{name}" for name in names),
        *(f"label_{name}" for name in names),
        *("why", "safety", "safety_note"),
    ]
