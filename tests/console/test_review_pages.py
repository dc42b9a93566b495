"""The pages of human review act as the API does, quote hostile text as text, and give away nothing."""

import html
import re
from typing import Any

import pytest

from tests.console.conftest import Console
from tests.console.reviewing import RUN, seed_reviewing
from tests.console.seed import ROLLOUT
from tests.console.test_keys import hidden
from tests.console.test_pages import Tags

OPEN = {
    "title": "Are they right?",
    "form": "quality",
    "of": f"{RUN}:v3",
    "items": "7",
    "percent_by_lot": "30",
}
VALUES = {"value_correct": "4", "value_complete": "5", "value_usable": ""}


@pytest.fixture
async def desk(console: Console) -> Console:
    seed_reviewing(console.store, console.clock.now())
    return console


async def submit(desk: Console, csrf: str, path: str, page: str, **fields: str) -> Any:
    return await desk.client.post(path, data={**hidden(page), "csrf_token": csrf, **fields})


async def opened(desk: Console, **changes: str) -> str:
    """The path of a campaign that an operator opened on the page."""
    csrf = await desk.signed_in("operator")
    page = (await desk.client.get("/reviews")).text
    answer = await submit(desk, csrf, "/reviews", page, **OPEN | changes)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


async def test_rating_goes_on_to_the_next_item_until_all_are_done(desk: Console) -> None:
    path = await opened(desk)
    csrf = await desk.signed_in("reviewer")
    page = (await desk.client.get(path)).text
    assert "Begin: 7 left for you" in page
    answer = await submit(desk, csrf, f"{path}/next", page)
    seen = []
    while "/items/" in answer.headers["location"]:
        seen.append(answer.headers["location"])
        shown = await desk.client.get(seen[-1])
        assert shown.status_code == 200
        assert set(Tags(shown.text).tags) & {"script", "style", "img", "iframe"} == set()
        assert "\u202e" not in shown.text
        answer = await submit(desk, csrf, seen[-1], shown.text, **VALUES, why="fine")
        assert answer.status_code == 303, answer.text
    assert len(set(seen)) == 7
    done = (await desk.client.get(path)).text
    assert "You have rated all that you can: 7 items." in done
    mine = (await desk.client.get(seen[0])).text
    assert "rated</span> by you" in mine
    assert "cannot tell" in mine
    csrf = await desk.signed_in("operator")
    page = (await desk.client.get(path)).text
    assert "7 items are not rated by two people yet" in page
    assert (await submit(desk, csrf, f"{path}/close", page)).status_code == 303
    closed = (await desk.client.get(path)).text
    assert "What people found" in closed
    assert "s-1" in closed
    assert "Export as CSV" in closed
    await desk.signed_in("viewer")
    assert "What people found" in (await desk.client.get(path)).text


async def test_what_was_typed_stays_when_it_is_refused(desk: Console) -> None:
    path = await opened(desk)
    csrf = await desk.signed_in("reviewer")
    taken = await submit(desk, csrf, f"{path}/next", (await desk.client.get(path)).text)
    item = taken.headers["location"]
    page = (await desk.client.get(item)).text
    partly = {"value_correct": "4", "why": "the tone is off", "category": "privacy", "note": "a name"}
    refused = await submit(desk, csrf, item, page, **partly)
    assert refused.status_code == 400
    text = html.unescape(refused.text)
    assert "There is no value for complete, usable." in text
    assert re.search(r'name="value_correct" value="4" required checked', text)
    assert 'value="privacy" selected' in text
    assert ">the tone is off</textarea>" in text
    for broken in ({"value_correct": "x"}, {"category": "boring"}, {"why": "a" * 4001}, {"key": "!"}):
        refused = await submit(desk, csrf, item, page, **VALUES | broken)
        assert refused.status_code == 400, broken
    noted = await submit(desk, csrf, item, page, **VALUES | {"category": "", "note": "names a <b>person</b>"})
    assert noted.status_code == 400, "a warning is not dropped because nobody said what it warns of"
    assert "names a <b>person</b>" in html.unescape(noted.text)
    assert "Choose a danger" in noted.text
    assert desk.audited("rate_item") == []


async def test_a_second_click_rates_once_and_goes_on(desk: Console) -> None:
    path = await opened(desk)
    csrf = await desk.signed_in("reviewer")
    taken = await submit(desk, csrf, f"{path}/next", (await desk.client.get(path)).text)
    item = taken.headers["location"]
    page = (await desk.client.get(item)).text
    first, again = [await submit(desk, csrf, item, page, **VALUES) for _ in range(2)]
    assert first.headers["location"] == again.headers["location"] != item
    assert len(desk.audited("rate_item")) == 1
    late = await submit(desk, csrf, item, (await desk.client.get(path)).text, **VALUES)
    assert (late.status_code, "has rated this item already" in late.text) == (409, True)


async def test_a_comparison_shows_left_and_right_and_no_release(desk: Console) -> None:
    path = await opened(desk, of=f"rollout:{ROLLOUT}", form="comparison", items="2")
    csrf = await desk.signed_in("reviewer")
    taken = await submit(desk, csrf, f"{path}/next", (await desk.client.get(path)).text)
    page = (await desk.client.get(taken.headers["location"])).text
    main = page.split("<main")[1]
    assert "Left answer" in main
    assert not re.search(r"\bv[0-9]\b|stable|candidate", main)
    assert "told when the campaign is closed" in (await desk.client.get(path)).text


async def test_what_cannot_be_opened_is_said_on_the_page(desk: Console) -> None:
    csrf = await desk.signed_in("operator")
    page = (await desk.client.get("/reviews")).text
    for change, said in (
        ({"form": "comparison"}, "asks about two answers"),
        ({"title": "a\x07b"}, "cannot be opened: title"),
        ({"items": "0"}, "cannot be opened: items"),
        ({"of": "ev-none"}, "There is no evaluation run"),
    ):
        refused = await submit(desk, csrf, "/reviews", page, **OPEN | change)
        assert refused.status_code in (400, 404), change
        assert said in refused.text
    assert 'value="Are they right?"' in refused.text
    csrf = await desk.signed_in("reviewer")
    assert (await submit(desk, csrf, "/reviews", page, **OPEN)).status_code == 403
    assert "Open a campaign" not in (await desk.client.get("/reviews")).text


async def test_a_long_answer_is_shown_in_full(desk: Console) -> None:
    with desk.store.write() as tx:
        tx.questions.save("long", {"s-1": "x" * 9000 + "THE END"})
        run = tx.evaluations.get(RUN)
        assert run.signature is not None
        signature = run.signature.model_copy(update={"dataset": "long"})
        tx.evaluations.save(run.model_copy(update={"signature": signature}))
    path = await opened(desk)
    csrf = await desk.signed_in("reviewer")
    taken = await submit(desk, csrf, f"{path}/next", (await desk.client.get(path)).text)
    page = (await desk.client.get(taken.headers["location"])).text
    assert "x" * 9000 + "THE END" in page


async def test_where_nothing_is_left_to_take_it_is_said(desk: Console) -> None:
    path = await opened(desk, of=f"rollout:{ROLLOUT}", form="comparison", items="2")
    csrf = await desk.signed_in("reviewer")
    page = (await desk.client.get(path)).text
    with desk.store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM payloads")
    answer = await submit(desk, csrf, f"{path}/next", page)
    assert (answer.status_code, "texts are not stored any more" in answer.text) == (409, True)
    await desk.post("operator", f"/v1{path}/close")
    answer = await submit(desk, csrf, f"{path}/next", page)
    assert (answer.status_code, "is closed" in answer.text) == (409, True)
