"""One item of a campaign: taken, looked at, rated. Which answer is whose stays hidden until the campaign is closed."""

from datetime import datetime, timedelta
from typing import Annotated, TypeVar

from pydantic import Field, StringConstraints

from aftertune.errors import BadInput, Conflict, UnknownName
from aftertune.identity import Permission
from aftertune.reviews.blind import swapped
from aftertune.reviews.queue import Rated, offered, undecided, with_ratings
from aftertune.store import Transaction
from aftertune.values.review import (
    RATERS,
    Campaign,
    Form,
    Rating,
    Risk,
    Safety,
    SafetyCategory,
)
from aftertune.values.value import Value
from console.access import Caller, CallerOf, ContextOf, guarded_router, needs
from console.acting import Acting, ActingOf
from console.names import PathName
from console.review_sources import first_complete, texts_of
from console.reviews import rated_items

router = guarded_router("reviews")

Each = TypeVar("Each")

HOLD = timedelta(minutes=30)
"""How long a taken item is kept for a person."""

Note = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")
]


class TakeNext(Value):
    """`adjudicate`: an item on which two others disagree."""

    adjudicate: bool = False


class Taken(Value):
    """None: there is nothing left for this person."""

    item: str | None


class SafetyBox(Value):
    category: SafetyCategory
    note: Note = Field(default="", max_length=2000)


class Word(Value):
    """A value for every criterion; null: cannot tell. Of a preference −1: the left is better, 0: a tie, 1: the right."""

    values: dict[str, int | None] = Field(max_length=12)
    why: Note = Field(default="", max_length=4000)
    safety: SafetyBox | None = None
    adjudicate: bool = False


class Said(Value):
    """What somebody said, in the order in which the caller sees the answers. Names are told when it is closed."""

    reviewer: str
    adjudication: bool
    values: dict[str, int | None]
    why: str
    safety: Safety | None


class ItemView(Value):
    """`said` by others is there once two have rated it; `releases`, `subject` and `reasons` once it is closed."""

    campaign: str
    title: str
    item: str
    form: Form
    closed: bool
    question: str | None = Field(description="null: not stored any more")
    answers: tuple[str | None, ...] = Field(description="one, or the left and the right one")
    mine: Said | None
    said: tuple[Said, ...]
    complete: bool = Field(description="two have rated it")
    undecided: bool
    flagged: bool = Field(description="somebody saw a danger; told once two have rated it")
    releases: tuple[str, ...] = ()
    subject: str | None = None
    probability: float | None = None
    reasons: tuple[Risk, ...] = ()


@router.post("/v1/reviews/{campaign}/next", dependencies=[needs(Permission.RATE)])
def take_next(campaign: PathName, body: TakeNext, acting: ActingOf) -> Taken:
    """Holds the most pressing item for the caller for half an hour; asked again, the same one until it is rated."""
    with acting.transaction() as tx:
        found = tx.reviews.get(campaign)
        _require_open(found)
        return Taken(item=take(tx, acting, found, adjudicate=body.adjudicate))


@router.get("/v1/reviews/{campaign}/items/{item}", dependencies=[needs(Permission.READ_PAYLOAD)])
def get_item(campaign: PathName, item: PathName, context: ContextOf, caller: CallerOf) -> ItemView:
    """Who read it is written into the audit log."""
    with context.store.write() as tx:
        return item_view(tx, caller, campaign, item, context.clock.now())


@router.post(
    "/v1/reviews/{campaign}/items/{item}/rating", status_code=201, dependencies=[needs(Permission.RATE)]
)
def rate_item(campaign: PathName, item: PathName, body: Word, acting: ActingOf) -> Said:
    """Once for each person. 409 when two others have rated it, or when it waits for no third person's word."""
    with acting.transaction() as tx:
        found = tx.reviews.get(campaign)
        rate(tx, acting, found, item, body)
        rated = _rated(tx, found, item)
        mine = rated.by(acting.actor)
        assert mine is not None
        return _as_seen(found, mine, _order(found, rated, acting.actor), named=True)


def take(tx: Transaction, acting: Acting, campaign: Campaign, *, adjudicate: bool) -> str | None:
    """The item that the actor holds from now on; None when nothing is left for them."""
    free = offered(
        campaign.form,
        rated_items(tx, campaign),
        tx.reviews.claims(campaign.id),
        acting.actor,
        acting.at,
        adjudicate=adjudicate,
    )
    item = first_complete(tx, campaign, free)
    if item is None:
        return None
    tx.reviews.claim(campaign.id, item.id, acting.actor, acting.at + HOLD)
    return item.id


def rate(tx: Transaction, acting: Acting, campaign: Campaign, item: str, word: Word) -> None:
    """Stores the word once under a key. Raises Conflict, NotFound, BadInput."""
    _require_open(campaign)
    rated = _rated(tx, campaign, item)
    if not acting.first_time(tx, "rate_item", f"{campaign.id}/{item}", word):
        return
    _require_turn(campaign, rated, acting.actor, adjudicate=word.adjudicate)
    values = _checked(campaign.form, word.values)
    order = _order(campaign, rated, acting.actor)
    tx.reviews.rate(
        Rating(
            campaign=campaign.id,
            item=item,
            reviewer=acting.actor,
            at=acting.at,
            adjudication=word.adjudicate,
            swapped=order,
            values=_turned(campaign.form, values, order),
            why=word.why,
            safety=Safety(**word.safety.model_dump()) if word.safety else None,
        )
    )
    # Not what was said: whoever reads the log may have it still to rate.
    act = "adjudicate_item" if word.adjudicate else "rate_item"
    tx.audit.append(acting.at, acting.actor, act, campaign.id, {"item": item})


def item_view(tx: Transaction, caller: Caller, campaign_id: str, item: str, now: datetime) -> ItemView:
    """Writes an audit entry."""
    campaign = tx.reviews.get(campaign_id)
    rated = _rated(tx, campaign, item)
    texts = texts_of(tx, campaign, [rated.item])[item]
    tx.audit.append(now, caller.name, "read_payload", f"{campaign_id}/{item}")
    order, mine = _order(campaign, rated, caller.name), rated.by(caller.name)
    seen = campaign.closed or rated.complete
    others = [rating for rating in rated.ratings if rating.reviewer != caller.name] if seen else []
    revealed = {
        "releases": _turn(tuple(side.release for side in campaign.source.sides), order),
        "subject": rated.item.subject,
        "probability": rated.item.probability,
        "reasons": rated.item.reasons,
    }
    return ItemView(
        campaign=campaign.id,
        title=campaign.title,
        item=item,
        form=campaign.form,
        closed=campaign.closed,
        question=texts.question,
        answers=_turn(texts.answers, order),
        mine=_as_seen(campaign, mine, order, named=True) if mine else None,
        said=tuple(_as_seen(campaign, rating, order, named=campaign.closed) for rating in others),
        complete=rated.complete,
        undecided=undecided(campaign.form, rated),
        flagged=seen and rated.flagged,
        **(revealed if campaign.closed else {}),
    )


def _rated(tx: Transaction, campaign: Campaign, item: str) -> Rated:
    """Raises NotFound."""
    (rated,) = with_ratings([tx.reviews.item(campaign.id, item)], tx.reviews.ratings(campaign.id, item))
    return rated


def _require_open(campaign: Campaign) -> None:
    if campaign.closed:
        raise Conflict(
            f"The campaign {campaign.id} is closed.", f"Its results are at /v1/reviews/{campaign.id}/results."
        )


def _require_turn(campaign: Campaign, rated: Rated, reviewer: str, *, adjudicate: bool) -> None:
    if rated.by(reviewer) is not None:
        raise Conflict(f"{reviewer} has rated this item already.", "Take the next one.")
    if adjudicate:
        if not undecided(campaign.form, rated):
            raise Conflict("This item waits for no decision.", "Take the next one.")
    elif len(rated.first_hand) >= RATERS:
        raise Conflict(f"{RATERS} others have rated this item.", "Take the next one.")


def _checked(form: Form, values: dict[str, int | None]) -> dict[str, int | None]:
    known = {criterion.name: criterion for criterion in form.criteria}
    for name, value in values.items():
        if name not in known:
            raise UnknownName("criterion", name, known)
        allowed = known[name].scale.values
        if value is not None and value not in allowed:
            raise BadInput(
                f"{value} is no value of {name!r}.", f"Give one of {', '.join(map(str, allowed))}, or null."
            )
    missing = known.keys() - values.keys()
    if missing:
        raise BadInput(
            f"There is no value for {', '.join(sorted(missing))}.", "Give each a value; null: cannot tell."
        )
    return values


def _order(campaign: Campaign, rated: Rated, person: str) -> bool:
    """Whether side 1 stands on the left for this person."""
    return campaign.form.compares and swapped(campaign.seed, rated.item.id, person)


def _turn(sides: tuple[Each, ...], order: bool) -> tuple[Each, ...]:
    return tuple(reversed(sides)) if order else sides


def _turned(form: Form, values: dict[str, int | None], order: bool) -> dict[str, int | None]:
    """From left and right to the sides, or back."""
    if not (form.compares and order):
        return values
    return {name: None if value is None else -value for name, value in values.items()}


def _as_seen(campaign: Campaign, rating: Rating, order: bool, *, named: bool) -> Said:
    return Said(
        reviewer=rating.reviewer if named else "",
        adjudication=rating.adjudication,
        values=_turned(campaign.form, rating.values, order),
        why=rating.why,
        safety=rating.safety,
    )
