"""Human review: campaigns, opening one, its progress, and its results when it is over."""

from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import Form
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ValidationError

from aftertune.errors import AftertuneError, BadInput, Conflict
from aftertune.identity import Permission
from aftertune.reviews.forms import FORMS
from aftertune.reviews.labels import settled
from aftertune.reviews.queue import Rated
from aftertune.store import Transaction
from aftertune.values.evaluation import EvaluationRun
from aftertune.values.review import Campaign, Results
from console.access import Caller, CallerOf, ContextOf, guarded_router, needs
from console.acting import ActingOf
from console.context import Context
from console.names import PathName
from console.pages.page import ActForm, done, form_key, page
from console.review_items import TakeNext, take_next
from console.reviews import (
    NewCampaign,
    RunSide,
    campaign_view,
    close_campaign,
    order_campaign,
    rated_items,
    require_results,
    results_of,
)

router = guarded_router("pages")

CAMPAIGNS_SHOWN = 50
RUNS_OFFERED = 40
ROLLOUTS_OFFERED = 10
ITEMS_SHOWN = 200


NOTHING_LEFT = Conflict(
    "There is nothing that you could take now.",
    "Others work on the rest, or its texts are not stored any more. Try again in half an hour.",
)


class OpenForm(ActForm):
    """`of` and `against` are `run:release`, or `of` is `rollout:id`; they come from the lists of the page."""

    title: str
    of: str
    against: str = ""
    form: str
    items: int
    percent_by_lot: int


class TakeForm(ActForm):
    adjudicate: bool = False


@router.get("/reviews", response_class=HTMLResponse, dependencies=[needs(Permission.READ)])
def list_reviews(context: ContextOf, caller: CallerOf) -> Response:
    return _list_page(context, caller)


@router.post("/reviews", response_class=HTMLResponse, dependencies=[needs(Permission.RUN_REVIEW)])
def submit_campaign(
    form: Annotated[OpenForm, Form()], context: ContextOf, caller: CallerOf, acting: ActingOf
) -> Response:
    try:
        campaign = order_campaign(acting.under(form.key), _ordered(form))
    except AftertuneError as error:
        return _list_page(context, caller, error.status, error, form)
    return done(acting, f"/reviews/{campaign.id}")


@router.get("/reviews/{campaign}", response_class=HTMLResponse, dependencies=[needs(Permission.READ)])
def review(campaign: PathName, context: ContextOf, caller: CallerOf) -> Response:
    return _campaign_page(context, caller, campaign)


@router.post("/reviews/{campaign}/next", response_class=HTMLResponse, dependencies=[needs(Permission.RATE)])
def submit_next(
    campaign: PathName,
    form: Annotated[TakeForm, Form()],
    context: ContextOf,
    caller: CallerOf,
    acting: ActingOf,
) -> Response:
    try:
        item = take_next(campaign, TakeNext(adjudicate=form.adjudicate), acting).item
    except Conflict as error:
        return _campaign_page(context, caller, campaign, error.status, error)
    if item is None:
        return _campaign_page(context, caller, campaign, 409, NOTHING_LEFT)
    return done(acting, f"/reviews/{campaign}/items/{item}{'?decide=true' if form.adjudicate else ''}")


@router.post(
    "/reviews/{campaign}/close", response_class=HTMLResponse, dependencies=[needs(Permission.RUN_REVIEW)]
)
def submit_close(
    campaign: PathName,
    form: Annotated[ActForm, Form()],
    caller: CallerOf,
    acting: ActingOf,
) -> Response:
    close_campaign(campaign, acting.under(form.key), caller)
    return done(acting, f"/reviews/{campaign}")


def _ordered(form: OpenForm) -> NewCampaign:
    """Raises BadInput."""
    kind, _, name = form.of.partition(":")
    try:
        sides = () if kind == "rollout" else tuple(_side(each) for each in (form.against, form.of) if each)
        return NewCampaign(
            title=form.title,
            form=form.form,
            sides=sides,
            rollout=name if kind == "rollout" else None,
            items=form.items,
            random_share=form.percent_by_lot / 100,
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadInput(
            f"The campaign cannot be opened: {where + ': ' if where else ''}{first['msg']}.",
            "Correct it, then open it again.",
        ) from None


def _side(name: str) -> RunSide:
    run, _, release = name.partition(":")
    return RunSide(run=run, release=release or None)


def _list_page(
    context: Context,
    caller: Caller,
    status: int = 200,
    error: AftertuneError | None = None,
    given: BaseModel | None = None,
) -> Response:
    now = context.clock.now()
    with context.store.read() as tx:
        campaigns = tx.reviews.latest(CAMPAIGNS_SHOWN)
        shown: dict[str, Any] = {
            "views": [campaign_view(tx, caller, campaign, now) for campaign in campaigns],
            "runs": _answers(tx.evaluations.latest(limit=RUNS_OFFERED)),
            "rollouts": _rollouts(tx),
        }
    filled = given.model_dump() if given else {}
    return page(
        context,
        "reviews.html",
        caller,
        now,
        status,
        key=form_key(),
        error=error,
        forms=FORMS,
        given=filled,
        **shown,
    )


def _answers(runs: Iterable[EvaluationRun]) -> list[tuple[str, EvaluationRun, str]]:
    """Whose answers there are: of each finished run, of its release and of its baselines."""
    return [
        (f"{run.id}:{release}", run, release)
        for run in runs
        if run.state.final and run.signature
        for release in (run.release, *run.signature.baselines)
    ]


def _rollouts(tx: Transaction) -> list[tuple[str, str]]:
    found = [rollout for each in tx.deployments.all() for rollout in tx.rollouts.of(each.name)]
    found.sort(key=lambda rollout: rollout.created_at, reverse=True)
    return [
        (f"rollout:{each.id}", f"live pairs of {each.deployment}: {each.baseline} and {each.candidate}")
        for each in found[:ROLLOUTS_OFFERED]
    ]


def _campaign_page(
    context: Context,
    caller: Caller,
    campaign: str,
    status: int = 200,
    error: AftertuneError | None = None,
) -> Response:
    now = context.clock.now()
    with context.store.read() as tx:
        found = tx.reviews.get(campaign)
        view = campaign_view(tx, caller, found, now)
        rated = rated_items(tx, found)
    summary = _results(found, caller, rated)
    labelled = [(each, [settled(criterion, each) for criterion in found.form.criteria]) for each in rated]
    return page(
        context,
        "review.html",
        caller,
        now,
        status,
        view=view,
        error=error,
        results=summary,
        labelled=labelled[:ITEMS_SHOWN] if found.closed else [],
        items_left=max(0, len(labelled) - ITEMS_SHOWN) if found.closed else 0,
        key=form_key(),
    )


def _results(campaign: Campaign, caller: Caller, rated: list[Rated]) -> Results | None:
    """None for those who may not see them yet."""
    try:
        require_results(campaign, caller)
    except AftertuneError:
        return None
    return results_of(campaign, rated)
