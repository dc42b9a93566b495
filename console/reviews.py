"""Campaigns of human review: opened and closed by operators, worked on by reviewers, read by all when they are over."""

import secrets
from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import Query, Response
from pydantic import Field, StringConstraints, model_validator

from aftertune.errors import BadInput, Conflict
from aftertune.identity import Permission
from aftertune.reviews.blind import item_id
from aftertune.reviews.export import as_csv, as_jsonl, rows
from aftertune.reviews.forms import form_named
from aftertune.reviews.labels import calibration_set
from aftertune.reviews.queue import Rated, Standing, progress, with_ratings
from aftertune.reviews.sampling import draw
from aftertune.store import Transaction
from aftertune.values.review import (
    Campaign,
    CampaignState,
    Form,
    Progress,
    Results,
    ReviewItem,
    Safety,
    Side,
    Source,
)
from aftertune.values.value import Value
from console.access import Caller, CallerOf, ContextOf, guarded_router, needs
from console.acting import Acting, ActingOf
from console.names import PathName
from console.review_sources import Gathered, from_rollout, from_runs, texts_of

router = guarded_router("reviews")

MOST_ITEMS = 2000

Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Id = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class RunSide(Value):
    """The answers of one release in a run: of the run's own release, or of a baseline that it asked too."""

    run: Id
    release: Id | None = None


class NewCampaign(Value):
    """Of `sides` or `rollout` exactly one. One side takes a rubric; two sides (first the one compared with), and a
    rollout's pairs, take a comparison.
    """

    title: Line
    form: Annotated[str, StringConstraints(max_length=40)] | Form = Field(
        description="a form of one's own, or the name of one that comes with Aftertune"
    )
    sides: tuple[RunSide, ...] = Field(default=(), max_length=2)
    rollout: Id | None = None
    items: int = Field(default=50, ge=1, le=MOST_ITEMS)
    random_share: float = Field(
        default=0.3,
        ge=0.05,
        le=1,
        description="of the items, drawn by lot: estimates of the whole rest on it",
    )

    @model_validator(mode="after")
    def _says_what_is_reviewed(self) -> Self:
        if bool(self.sides) == bool(self.rollout):
            raise ValueError("give either sides or a rollout")
        return self

    @property
    def asked(self) -> Form:
        """Raises UnknownName; BadInput when the form does not fit the sides."""
        form = form_named(self.form) if isinstance(self.form, str) else self.form
        two = self.rollout is not None or len(self.sides) == 2
        if form.compares != two:
            raise BadInput(
                f"The form {form.name!r} asks about {'two answers' if form.compares else 'one answer'}.",
                "A comparison takes two sides or a rollout, a rubric one side.",
            )
        return form


class Share(Value):
    """Of the caller: what they rated, what they can rate, and disagreements that they can decide."""

    rated: int = 0
    left: int = 0
    disagreements: int = 0


class Flag(Value):
    item: str
    safety: Safety


class CampaignView(Value):
    """`source` is for those who open campaigns, and for all once it is closed; `seed` only then."""

    id: str
    title: str
    form: Form
    state: CampaignState
    items: int
    frame: int
    left_out: int
    opened_by: str
    opened_at: datetime
    closed_by: str
    closed_at: datetime | None
    source: Source | None
    seed: str | None
    progress: Progress
    mine: Share
    flags: tuple[Flag, ...] = Field(description="of items that the caller cannot rate any more")


class LabelView(Value):
    """One settled label of one answer; `weight` is 1 / the probability that it was taken."""

    sample: str
    release: str
    criterion: str
    label: float
    weight: float


@router.get("/v1/reviews", dependencies=[needs(Permission.READ)])
def list_campaigns(
    context: ContextOf, caller: CallerOf, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> list[CampaignView]:
    """Newest first."""
    with context.store.read() as tx:
        now = context.clock.now()
        return [campaign_view(tx, caller, campaign, now) for campaign in tx.reviews.latest(limit)]


@router.post("/v1/reviews", status_code=201, dependencies=[needs(Permission.RUN_REVIEW)])
def open_campaign(body: NewCampaign, acting: ActingOf, caller: CallerOf) -> CampaignView:
    """Draws the items at once: the riskiest, and a share by lot."""
    campaign = order_campaign(acting, body)
    with acting.context.store.read() as tx:
        return campaign_view(tx, caller, campaign, acting.at)


@router.get("/v1/reviews/{campaign}", dependencies=[needs(Permission.READ)])
def get_campaign(campaign: PathName, context: ContextOf, caller: CallerOf) -> CampaignView:
    with context.store.read() as tx:
        return campaign_view(tx, caller, tx.reviews.get(campaign), context.clock.now())


@router.post("/v1/reviews/{campaign}/close", dependencies=[needs(Permission.RUN_REVIEW)])
def close_campaign(campaign: PathName, acting: ActingOf, caller: CallerOf) -> CampaignView:
    """For good: nobody rates any more, and everybody is told which answer was whose."""
    with acting.transaction() as tx:
        found = tx.reviews.get(campaign)
        if not found.closed:
            change = {"state": CampaignState.CLOSED, "closed_by": acting.actor, "closed_at": acting.at}
            found = found.model_copy(update=change)
            tx.reviews.save(found)
            tx.reviews.release_claims(campaign)
            said = progress(found.form, rated_items(tx, found)).model_dump(mode="json")
            tx.audit.append(acting.at, acting.actor, "close_review", campaign, {"progress": said})
        return campaign_view(tx, caller, found, acting.at)


@router.get("/v1/reviews/{campaign}/results", dependencies=[needs(Permission.READ)])
def get_results(campaign: PathName, context: ContextOf, caller: CallerOf) -> Results:
    """Agreement and findings, recomputed from the ratings. While it is open only for operators who do not rate."""
    with context.store.read() as tx:
        found = tx.reviews.get(campaign)
        require_results(found, caller)
        rated = rated_items(tx, found)
    return results_of(found, rated)


@router.get("/v1/reviews/{campaign}/labels", dependencies=[needs(Permission.READ)])
def list_labels(campaign: PathName, context: ContextOf) -> list[LabelView]:
    """What people settled on, without words: what a judge is calibrated against. Only when it is closed."""
    with context.store.read() as tx:
        found = tx.reviews.get(campaign)
        if not found.closed:
            raise _still_open(found)
        return [LabelView(**label._asdict()) for label in calibration_set(found, rated_items(tx, found))]


@router.get(
    "/v1/reviews/{campaign}/export", response_class=Response, dependencies=[needs(Permission.READ_PAYLOAD)]
)
def export_campaign(
    campaign: PathName, context: ContextOf, caller: CallerOf, file: Literal["jsonl", "csv"] = "jsonl"
) -> Response:
    """Every rating with its question and answers, as far as they are still stored. Written into the audit log."""
    with context.store.read() as tx:
        found = tx.reviews.get(campaign)
        if not found.closed:
            raise _still_open(found)
        rated = rated_items(tx, found)
        exported = rows(found, rated, texts_of(tx, found, (each.item for each in rated)))
    with context.store.write() as tx:
        tx.audit.append(context.clock.now(), caller.name, "export_review", campaign, {"file": file})
    text = as_csv(exported, found) if file == "csv" else as_jsonl(exported)
    return Response(
        text.encode("utf-8", "replace"),
        media_type="text/csv; charset=utf-8" if file == "csv" else "application/x-ndjson",
        headers={"content-disposition": f'attachment; filename="{campaign}.{file}"'},
    )


def order_campaign(acting: Acting, body: NewCampaign) -> Campaign:
    """Raises NotFound, UnknownName, BadInput; Conflict when there is nothing to review."""
    form, campaign_id = body.asked, acting.new_id("rv")
    with acting.context.store.read() as tx:
        gathered = _gathered(tx, body)
    if not gathered.candidates:
        raise Conflict(
            "There is nothing to review: no question is stored with all its answers.",
            "A capture policy that keeps no payload leaves nothing that people could read.",
        )
    campaign, items = _drawn(acting, campaign_id, body, form, gathered)
    with acting.transaction() as tx:
        if acting.first_time(tx, "open_review", "reviews", body):
            tx.reviews.add(campaign, items)
            evidence = {
                "title": campaign.title,
                "form": form.name,
                "source": campaign.source.model_dump(mode="json"),
                "items": campaign.items,
                "frame": campaign.frame,
            }
            tx.audit.append(acting.at, acting.actor, "open_review", campaign_id, evidence)
        return tx.reviews.get(campaign_id)


def campaign_view(tx: Transaction, caller: Caller, campaign: Campaign, now: datetime) -> CampaignView:
    standing = tx.reviews.standing(campaign, caller.name, now)
    opens = caller.may(Permission.RUN_REVIEW)
    left_out = {"source", "seed"}
    return CampaignView(
        **campaign.model_dump(exclude=left_out),
        source=campaign.source if campaign.closed or opens else None,
        seed=campaign.seed if campaign.closed else None,
        progress=standing.progress,
        mine=_share(campaign, standing, caller),
        flags=_flags(tx, campaign, caller) if standing.progress.flagged else (),
    )


def rated_items(tx: Transaction, campaign: Campaign) -> list[Rated]:
    return with_ratings(tx.reviews.items(campaign.id), tx.reviews.ratings(campaign.id))


def results_of(campaign: Campaign, rated: list[Rated]) -> Results:
    from aftertune.reviews.results import results  # noqa: PLC0415  (loads scipy: only where results are looked at)

    return results(campaign, rated)


def require_results(campaign: Campaign, caller: Caller) -> None:
    """Raises Conflict while they could tell a reviewer what others said."""
    operates = caller.may(Permission.RUN_REVIEW) and not caller.may(Permission.RATE)
    if not campaign.closed and not operates:
        raise _still_open(campaign)


def _still_open(campaign: Campaign) -> Conflict:
    return Conflict(
        f"The campaign {campaign.id} is open: what people said is shown when it is closed.",
        "An operator closes it.",
    )


def _gathered(tx: Transaction, body: NewCampaign) -> Gathered:
    if body.rollout is not None:
        return from_rollout(tx, body.rollout)
    sides = [
        Side(run=side.run, release=side.release or tx.evaluations.get(side.run).release)
        for side in body.sides
    ]
    if len(set(sides)) < len(sides):
        raise BadInput("Both sides are the same answers.", "Name another run, or a baseline's release.")
    return from_runs(tx, sides)


def _drawn(
    acting: Acting, campaign_id: str, body: NewCampaign, form: Form, gathered: Gathered
) -> tuple[Campaign, list[ReviewItem]]:
    seed = secrets.token_hex(16)
    drawn = draw(gathered.candidates, body.items, body.random_share, seed)
    campaign = Campaign(
        id=campaign_id,
        title=body.title,
        form=form,
        source=gathered.source,
        seed=seed,
        items=len(drawn),
        frame=len(gathered.candidates),
        left_out=gathered.left_out,
        opened_by=acting.actor,
        opened_at=acting.at,
    )
    items = [
        ReviewItem(
            campaign=campaign_id,
            id=item_id(seed, each.subject),
            position=position,
            subject=each.subject,
            probability=each.probability,
            reasons=each.reasons,
        )
        for position, each in enumerate(drawn)
    ]
    return campaign, items


def _share(campaign: Campaign, standing: Standing, caller: Caller) -> Share:
    if campaign.closed or not caller.may(Permission.RATE):
        return Share(rated=standing.rated)
    return Share(rated=standing.rated, left=standing.left, disagreements=standing.disagreements)


def _flags(tx: Transaction, campaign: Campaign, caller: Caller) -> tuple[Flag, ...]:
    """A note is payload, and says what another reviewer thinks."""
    if not caller.may(Permission.READ_PAYLOAD):
        return ()
    blind = caller.may(Permission.RATE) and not campaign.closed
    found = tx.reviews.warnings(campaign.id, complete_only=blind)
    return tuple(Flag(item=each.item, safety=each.safety) for each in found)
