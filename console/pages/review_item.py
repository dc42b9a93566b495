"""The page on which a person rates: question, answers, criteria. By keyboard: arrows choose, Tab goes on, Enter saves."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import ValidationError
from starlette.datastructures import FormData

from aftertune.errors import AftertuneError, BadInput
from aftertune.identity import Permission
from aftertune.values.review import SafetyCategory
from console.access import CSRF_FIELD, Caller, CallerOf, ContextOf, guarded_router, needs
from console.acting import Acting, ActingOf
from console.context import Context
from console.names import PathName
from console.pages.page import ActForm, done, form_key, page
from console.review_items import SafetyBox, Word, item_view, rate, take
from console.reviews import campaign_view

router = guarded_router("pages")

VALUE = "value_"
"""What the name of a criterion's field begins with."""


async def posted(request: Request) -> Mapping[str, str]:
    """The fields of a form whose names depend on what it asks."""
    form: FormData = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


Posted = Annotated[Mapping[str, str], Depends(posted)]


@router.get(
    "/reviews/{campaign}/items/{item}",
    response_class=HTMLResponse,
    dependencies=[needs(Permission.READ_PAYLOAD)],
)
def show_item(
    campaign: PathName,
    item: PathName,
    context: ContextOf,
    caller: CallerOf,
    decide: Annotated[bool, Query()] = False,
) -> Response:
    """Who read it is written into the audit log. `decide`: as the third person, where two disagree."""
    return _item_page(context, caller, campaign, item, decide=decide)


@router.post(
    "/reviews/{campaign}/items/{item}", response_class=HTMLResponse, dependencies=[needs(Permission.RATE)]
)
def submit_rating(
    campaign: PathName, item: PathName, fields: Posted, context: ContextOf, caller: CallerOf, acting: ActingOf
) -> Response:
    """Stores it and goes on to the next item."""
    decide = fields.get("adjudicate") == "true"
    try:
        word, keyed = _word(fields), acting.under(_key(fields))
        following = _rated(keyed, campaign, item, word)
    except AftertuneError as error:
        return _item_page(
            context, caller, campaign, item, error.status, decide=decide, error=error, given=fields
        )
    if following is None:
        return done(acting, f"/reviews/{campaign}")
    return done(acting, f"/reviews/{campaign}/items/{following}{'?decide=true' if decide else ''}")


def _rated(acting: Acting, campaign: str, item: str, word: Word) -> str | None:
    """The item that comes next; None: that was the last."""
    with acting.transaction() as tx:
        found = tx.reviews.get(campaign)
        rate(tx, acting, found, item, word)
        return take(tx, acting, found, adjudicate=word.adjudicate)


def _key(fields: Mapping[str, str]) -> str:
    """Raises BadInput."""
    try:
        return ActForm(key=fields.get("key", "")).key
    except ValidationError:
        raise BadInput("The form carries no key of its own.", "Load the page again.") from None


def _word(fields: Mapping[str, str]) -> Word:
    """Raises BadInput."""
    category, note = fields.get("category", ""), _plain(fields.get("note", ""))
    if note.strip() and not category:
        raise BadInput("A note on safety names no danger.", "Choose a danger, or write the note under Why.")
    try:
        return Word(
            values={
                name.removeprefix(VALUE): int(value) if value else None
                for name, value in fields.items()
                if name.startswith(VALUE)
            },
            why=_plain(fields.get("why", "")),
            safety=SafetyBox(category=SafetyCategory(category), note=note) if category else None,
            adjudicate=fields.get("adjudicate") == "true",
        )
    except ValueError:
        raise BadInput(
            "The rating does not fit the form.", "A reason has at most 4,000 characters, a note 2,000."
        ) from None


def _plain(text: str) -> str:
    """Browsers send lines that end in CR LF."""
    return text.replace("\r\n", "\n")


def _item_page(
    context: Context,
    caller: Caller,
    campaign: str,
    item: str,
    status: int = 200,
    *,
    decide: bool,
    error: AftertuneError | None = None,
    given: Mapping[str, str] | None = None,
) -> Response:
    now = context.clock.now()
    with context.store.write() as tx:
        view = item_view(tx, caller, campaign, item, now)
        whole = campaign_view(tx, caller, tx.reviews.get(campaign), now)
    asked = caller.may(Permission.RATE) and not view.closed and view.mine is None
    shown: dict[str, Any] = {
        "view": view,
        "whole": whole,
        "decide": decide,
        "rating": asked and (view.undecided if decide else not view.complete),
        "given": {name: value for name, value in (given or {}).items() if name != CSRF_FIELD},
        "categories": list(SafetyCategory),
        "error": error,
    }
    return page(context, "review_item.html", caller, now, status, key=form_key(), **shown)
