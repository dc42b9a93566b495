"""How far a campaign is, counted by the database: its items and ratings are not read to be counted.

`aftertune.reviews.queue` says what is counted: `progress`, `disagreement`, `offered`.
"""

from datetime import datetime

from sqlalchemy import (
    CTE,
    JSON,
    ColumnElement,
    Integer,
    Select,
    Subquery,
    Text,
    and_,
    case,
    cast,
    func,
    not_,
    or_,
    select,
)
from sqlmodel import Session, col

from aftertune.records import ClaimRow, RatingRow, ReviewItemRow
from aftertune.reviews.queue import Standing, Warned, least_apart
from aftertune.values.review import RATERS, Campaign, Criterion, Progress, Rating

# PostgreSQL reads no part of a JSON text that holds a zero character, and a stored note may. What is read here are no notes.
_BODY = func.json(func.replace(cast(col(RatingRow.body), Text), r"\u0000", r"\u0001"), type_=JSON)
_FIRST_HAND = not_(_BODY["adjudication"].as_boolean())
_WARNS = _BODY[("safety", "category")].as_string().is_not(None)


def standing(session: Session, campaign: Campaign, reviewer: str, now: datetime) -> Standing:
    said, held = _said(campaign, reviewer), _held(campaign, reviewer, now)
    first, waiting = func.coalesce(said.c.first_hand, 0), func.coalesce(held.c.others, 0)
    rated = first >= RATERS
    decided, mine = func.coalesce(said.c.decided, 0) > 0, func.coalesce(said.c.mine, 0) > 0
    undecided = and_(rated, not_(decided), func.coalesce(said.c.differ, 0) > 0)
    (row,) = session.execute(
        select(
            func.count(),
            _count(rated),
            _count(and_(said.c.item.is_not(None), not_(rated))),
            _count(undecided),
            _count(decided),
            _count(func.coalesce(said.c.flagged, 0) > 0),
            _count(mine),
            _count(and_(not_(mine), first + waiting < RATERS)),
            _count(and_(not_(mine), undecided, waiting == 0)),
        )
        .select_from(ReviewItemRow)
        .outerjoin(said, said.c.item == col(ReviewItemRow.id))
        .outerjoin(held, held.c.item == col(ReviewItemRow.id))
        .where(col(ReviewItemRow.campaign) == campaign.id)
    )
    items, rated_, begun, disagreements, adjudicated, flagged, by_them, left, open_ = map(int, row)
    progress = Progress(
        items=items,
        rated=rated_,
        begun=begun,
        disagreements=disagreements,
        adjudicated=adjudicated,
        flagged=flagged,
    )
    return Standing(progress, by_them, left, open_)


def warnings(session: Session, campaign: str, *, complete_only: bool) -> list[Warned]:
    """By the items' position, then in the order in which they were given; `complete_only`: of items that two have rated."""
    query = (
        select(ReviewItemRow.position, RatingRow.body)  # type: ignore[call-overload]
        .join(
            ReviewItemRow,
            and_(
                col(ReviewItemRow.campaign) == col(RatingRow.campaign),
                col(ReviewItemRow.id) == col(RatingRow.item),
            ),
        )
        .where(col(RatingRow.campaign) == campaign, _WARNS)
    )
    if complete_only:
        query = query.where(col(RatingRow.item).in_(_complete(campaign)))
    found = [(position, Rating.model_validate(body)) for position, body in session.execute(query)]
    found.sort(key=lambda each: (each[0], each[1].item, each[1].at, each[1].reviewer))
    return [Warned(rating.item, rating.safety) for _, rating in found if rating.safety is not None]


def _complete(campaign: str) -> Select[str]:
    return (
        select(col(RatingRow.item))
        .where(col(RatingRow.campaign) == campaign, _FIRST_HAND)
        .group_by(col(RatingRow.item))
        .having(func.count() >= RATERS)
    )


def _said(campaign: Campaign, reviewer: str) -> Subquery:
    """A row for each item that somebody rated."""
    ratings = _ratings(campaign)
    first_hand, warns = ratings.c.first_hand, ratings.c.warns
    first, warned = _count(first_hand), _count(and_(first_hand, warns))
    alone = and_(first >= RATERS, warned > 0, warned < first)
    apart = (_differ(each, ratings.c[_value(n)]) for n, each in enumerate(campaign.form.criteria))
    return (
        select(
            ratings.c.item,
            first.label("first_hand"),
            _count(not_(first_hand)).label("decided"),
            _count(warns).label("flagged"),
            _count(ratings.c.reviewer == reviewer).label("mine"),
            case((or_(alone, *apart), 1), else_=0).label("differ"),
        )
        .group_by(ratings.c.item)
        .subquery()
    )


def _ratings(campaign: Campaign) -> CTE:
    """What is counted of each rating; of a third person's, no values. Materialized: each body is taken apart once."""
    values = (
        case((_FIRST_HAND, _BODY[("values", criterion.name)].as_integer())).label(_value(n))
        for n, criterion in enumerate(campaign.form.criteria)
    )
    return (
        select(
            col(RatingRow.item).label("item"),
            col(RatingRow.reviewer).label("reviewer"),
            _FIRST_HAND.label("first_hand"),
            _WARNS.label("warns"),
            *values,
        )
        .where(col(RatingRow.campaign) == campaign.id)
        .cte()
        .prefix_with("MATERIALIZED")
    )


def _value(criterion: int) -> str:
    """Its column's name: a criterion may have that of another column."""
    return f"value_{criterion}"


def _differ(criterion: Criterion, value: ColumnElement[int]) -> ColumnElement[bool]:
    return and_(func.count(value) >= RATERS, func.max(value) - func.min(value) >= least_apart(criterion))


def _held(campaign: Campaign, reviewer: str, now: datetime) -> Subquery:
    """By others, a row for each item."""
    return (
        select(col(ClaimRow.item).label("item"), func.count().label("others"))
        .where(
            col(ClaimRow.campaign) == campaign.id,
            col(ClaimRow.reviewer) != reviewer,
            col(ClaimRow.until) > now,
        )
        .group_by(col(ClaimRow.item))
        .subquery()
    )


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """How many rows it holds for; 0 without rows."""
    return cast(func.coalesce(func.sum(case((condition, 1), else_=0)), 0), Integer)
