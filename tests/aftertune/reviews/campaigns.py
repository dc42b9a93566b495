"""Campaigns, items and ratings to start from; a test changes what it is about."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from aftertune.reviews.forms import FORMS
from aftertune.values.review import (
    Campaign,
    Criterion,
    Form,
    Rating,
    ReviewItem,
    Scale,
    Side,
    Source,
    SourceKind,
)

AT = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)
GRADES = Form(
    name="grades",
    criteria=(
        Criterion(name="right", question="Is it right?", scale=Scale.ONE_TO_FIVE, anchors=tuple("abcde")),
        Criterion(name="usable", question="Can it be used?", scale=Scale.YES_NO, anchors=("no", "yes")),
    ),
)
COMPARISON = FORMS["comparison"]


def campaign(form: Form = GRADES, **changes: Any) -> Campaign:
    sides = (Side(release="v1", run="ev-1"), Side(release="v2", run="ev-2"))
    source = Source(
        kind=SourceKind.RUNS if form.compares else SourceKind.RUN,
        sides=sides if form.compares else sides[1:],
        suite="tools",
        dataset="d" * 64,
    )
    known: dict[str, Any] = {
        "id": "rv-1",
        "title": "Are they right?",
        "form": form,
        "source": source,
        "seed": "5eed" * 8,
        "items": 3,
        "frame": 9,
        "opened_by": "olga",
        "opened_at": AT,
    }
    return Campaign(**(known | changes))


def item(number: int = 0, probability: float = 1.0) -> ReviewItem:
    return ReviewItem(
        campaign="rv-1",
        id=f"it-{number}",
        position=number,
        subject=f"s-{number}",
        probability=probability,
        reasons=(),
    )


def rating(
    item: str, reviewer: str, values: Mapping[str, int | None], minutes: int = 0, **changes: Any
) -> Rating:
    known: dict[str, Any] = {
        "campaign": "rv-1",
        "item": item,
        "reviewer": reviewer,
        "at": AT + timedelta(minutes=minutes),
        "values": dict(values),
    }
    return Rating(**(known | changes))


def grade(item: str, reviewer: str, right: int | None, usable: int | None = 1, **changes: Any) -> Rating:
    return rating(item, reviewer, {"right": right, "usable": usable}, **changes)


def preference(item: str, reviewer: str, value: int | None, **changes: Any) -> Rating:
    return rating(item, reviewer, {"preference": value}, **changes)
