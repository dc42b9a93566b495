"""Campaigns: blind until they are closed, two people an item, a third where they differ; every act in the log."""

import csv
import io
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import text

from aftertune.identity import Role, new_token
from aftertune.store.reviews import ReviewTable
from tests.console.conftest import Console
from tests.console.reviewing import OLDER_RUN, QUESTION, RUN, SECOND_REVIEWER, THIRD_REVIEWER, seed_reviewing
from tests.console.seed import HOSTILE, ROLLOUT

RUBRIC = {"title": "Are they right?", "form": "quality", "sides": [{"run": RUN}], "items": 4}
BLIND = {
    "title": "Which is better?",
    "form": "comparison",
    "sides": [{"run": RUN, "release": "v0"}, {"run": RUN}],
}
LIVE = {"title": "Live", "form": "comparison", "rollout": ROLLOUT}
GOOD = {"correct": 5, "complete": 5, "usable": 1}


@pytest.fixture
async def desk(console: Console) -> Console:
    """Three reviewers and something to review."""
    seed_reviewing(console.store, console.clock.now())
    with console.store.write() as tx:
        for name in (SECOND_REVIEWER, THIRD_REVIEWER):
            console.seeded.tokens[name] = new_token()
            tx.users.add(name, frozenset({Role.REVIEWER}), console.seeded.tokens[name], console.clock.now())
    return console


async def opened(desk: Console, body: dict[str, Any]) -> dict[str, Any]:
    answer = await desk.post("operator", "/v1/reviews", body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def taken(desk: Console, person: str, campaign: str, *, adjudicate: bool = False) -> str | None:
    answer = await desk.post(person, f"/v1/reviews/{campaign}/next", {"adjudicate": adjudicate})
    assert answer.status_code == 200, answer.text
    item = answer.json()["item"]
    return None if item is None else str(item)


async def rated(
    desk: Console, person: str, campaign: str, item: str | None, values: Mapping[str, int | None], **said: Any
) -> Any:
    path = f"/v1/reviews/{campaign}/items/{item}/rating"
    return await desk.post(person, path, {"values": values, **said})


async def test_campaigns_are_listed_without_reading_their_items(
    desk: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = await opened(desk, RUBRIC)
    item = await taken(desk, "reviewer", campaign["id"])
    danger = {"category": "harmful", "note": "acid"}
    answer = await rated(desk, "reviewer", campaign["id"], item, GOOD, safety=danger)
    assert answer.status_code == 201, answer.text

    def refused(*_: object) -> None:
        raise AssertionError("items and ratings are counted by the database")

    monkeypatch.setattr(ReviewTable, "items", refused)
    monkeypatch.setattr(ReviewTable, "ratings", refused)
    (listed,) = (await desk.get("reviewer", "/v1/reviews")).json()
    assert listed["progress"] | {"items": 4, "begun": 1, "rated": 0, "flagged": 1} == listed["progress"]
    assert listed["mine"] == {"rated": 1, "left": 3, "disagreements": 0}
    assert listed["flags"] == [], "a reviewer is not told before two have rated"
    (told,) = (await desk.get("operator", "/v1/reviews")).json()
    assert told["flags"] == [{"item": item, "safety": danger}]
    assert (await desk.get("reviewer", "/reviews")).status_code == 200


async def test_a_rubric_from_opening_to_the_calibration_set(desk: Console) -> None:
    campaign = await opened(desk, RUBRIC)
    name = campaign["id"]
    assert (campaign["items"], campaign["frame"], campaign["left_out"]) == (4, 7, 1)
    for person in ("reviewer", SECOND_REVIEWER):
        done = []
        while (item := await taken(desk, person, name)) is not None:
            assert await taken(desk, person, name) == item, "asked again, the same one is held"
            answer = await rated(desk, person, name, item, GOOD, why="as it should be")
            assert answer.status_code == 201, answer.text
            done.append(item)
        assert len(set(done)) == 4
    view = (await desk.get("reviewer", f"/v1/reviews/{name}")).json()
    assert view["progress"] | {"rated": 4, "begun": 0, "disagreements": 0} == view["progress"]
    assert view["mine"] == {"rated": 4, "left": 0, "disagreements": 0}
    assert (await desk.get("viewer", f"/v1/reviews/{name}/results")).status_code == 409
    assert (await desk.post("operator", f"/v1/reviews/{name}/close")).json()["state"] == "closed"
    found = (await desk.get("viewer", f"/v1/reviews/{name}/results")).json()
    assert [(each["criterion"], each["release"], each["estimate"]) for each in found["findings"]] == [
        ("correct", "v3", 5.0),
        ("complete", "v3", 5.0),
        ("usable", "v3", 1.0),
    ]
    assert desk.audited("open_review") == desk.audited("close_review") == [name]
    assert desk.audited("rate_item") == [name] * 8


async def test_nobody_sees_what_another_said_before_both_are_in(desk: Console) -> None:
    name = (await opened(desk, RUBRIC))["id"]
    item = await taken(desk, "reviewer", name)
    secret = "only I know this"
    danger = {"category": "privacy", "note": secret}
    await rated(desk, "reviewer", name, item, GOOD, why=secret, safety=danger)
    looks = [
        await desk.get(person, path)
        for person in (SECOND_REVIEWER, "viewer", "approver")
        for path in (
            *(f"/v1/reviews/{name}", "/v1/reviews", f"/v1/reviews/{name}/items/{item}", "/v1/audit"),
            *(f"/reviews/{name}", f"/reviews/{name}/items/{item}", f"/v1/reviews/{name}/export"),
        )
    ]
    seen = [look.url.path for look in looks if secret in look.text]
    # The approver rates nothing: a danger is told to those who are not asked themselves.
    assert set(seen) <= {f"/v1/reviews/{name}", "/v1/reviews", f"/reviews/{name}"}
    for person in (SECOND_REVIEWER, "viewer"):
        assert secret not in (await desk.get(person, f"/v1/reviews/{name}")).text
    # Flagged: it comes first for everybody.
    assert await taken(desk, SECOND_REVIEWER, name) == item
    await rated(desk, SECOND_REVIEWER, name, item, GOOD)
    view = (await desk.get(SECOND_REVIEWER, f"/v1/reviews/{name}/items/{item}")).json()
    assert [(said["reviewer"], said["why"]) for said in view["said"]] == [("", secret)]
    assert view["flagged"]


async def test_which_answer_is_whose_is_told_at_the_end_only(desk: Console) -> None:
    campaign = await opened(desk, BLIND)
    name = campaign["id"]
    assert campaign["source"]["sides"][0]["release"] == "v0"
    with desk.store.read() as tx:
        seed = tx.reviews.get(name).seed
    items = []
    for _ in range(3):
        item = await taken(desk, "reviewer", name)
        looks = [
            (await desk.get("reviewer", path)).text
            for path in (
                *(f"/v1/reviews/{name}/items/{item}", f"/reviews/{name}/items/{item}"),
                *(f"/v1/reviews/{name}", f"/reviews/{name}", "/v1/reviews"),
            )
        ]
        looks.append((await desk.get("operator", f"/v1/reviews/{name}/items/{item}")).text)
        for look in looks:
            assert not re.search(r"\bv[0-9]\b", look)
            assert RUN not in look
            assert seed not in look
        await rated(desk, "reviewer", name, item, {"preference": -1})
        items.append(item)
    await desk.post("operator", f"/v1/reviews/{name}/close")
    with desk.store.read() as tx:
        stored = {rating.item: rating for rating in tx.reviews.ratings(name)}
    for item in items:
        view = (await desk.get("reviewer", f"/v1/reviews/{name}/items/{item}")).json()
        left = "v3" if stored[str(item)].swapped else "v0"
        assert view["releases"][0] == left
        assert view["mine"]["values"] == {"preference": -1}
        assert stored[str(item)].values["preference"] == (1 if left == "v3" else -1)
        assert view["subject"].startswith("s-")
    assert (await desk.get("viewer", f"/v1/reviews/{name}")).json()["seed"]


async def test_a_third_person_decides_where_two_differ(desk: Console) -> None:
    name = (await opened(desk, RUBRIC | {"items": 1}))["id"]
    item = await taken(desk, "reviewer", name)
    await rated(desk, "reviewer", name, item, GOOD)
    early = await rated(desk, THIRD_REVIEWER, name, item, GOOD, adjudicate=True)
    assert (early.status_code, "waits for no decision" in early.text) == (409, True)
    await rated(desk, SECOND_REVIEWER, name, item, GOOD | {"correct": 1})
    late = await rated(desk, THIRD_REVIEWER, name, item, GOOD)
    assert (late.status_code, "2 others have rated" in late.text) == (409, True)
    for person in ("reviewer", SECOND_REVIEWER):
        assert await taken(desk, person, name, adjudicate=True) is None
        assert (await rated(desk, person, name, item, GOOD, adjudicate=True)).status_code == 409
    assert await taken(desk, THIRD_REVIEWER, name) is None
    assert await taken(desk, THIRD_REVIEWER, name, adjudicate=True) == item
    decided = await rated(desk, THIRD_REVIEWER, name, item, GOOD | {"correct": 2}, adjudicate=True)
    assert decided.status_code == 201
    assert desk.audited("adjudicate_item") == [name]
    await desk.post("operator", f"/v1/reviews/{name}/close")
    found = (await desk.get("viewer", f"/v1/reviews/{name}/results")).json()
    assert found["findings"][0]["estimate"] == 2.0


async def test_live_pairs_show_only_what_is_stored(desk: Console) -> None:
    with desk.store.write() as tx:
        rollout = tx.rollouts.get(ROLLOUT)
        (newest, *_) = tx.pairs.latest(rollout.deployment, 1)
    campaign = await opened(desk, LIVE)
    assert (campaign["frame"], campaign["left_out"], campaign["source"]["kind"]) == (3, 0, "pairs")
    name = campaign["id"]
    item = await taken(desk, "reviewer", name)
    view = (await desk.get("reviewer", f"/v1/reviews/{name}/items/{item}")).json()
    assert len(view["answers"]) == 2
    assert newest.pair_id not in json.dumps(view)
    assert desk.audited("read_payload") == [f"{name}/{item}"]
    _erase(desk)
    assert await taken(desk, SECOND_REVIEWER, name) is None, "nothing is left that people could read"
    view = (await desk.get("reviewer", f"/v1/reviews/{name}/items/{item}")).json()
    assert (view["question"], view["answers"]) == (None, [None, None])
    again = await desk.post("operator", "/v1/reviews", LIVE)
    assert (again.status_code, "nothing to review" in again.text) == (409, True)


async def test_half_a_surrogate_pair_is_shown_and_exported(desk: Console) -> None:
    """JSON can write what no other text can: a stream may be cut there, and clients send it."""
    half = b'{"messages": [{"role": "user", "content": "\\ud83d"}], "choices": [{"message": {"content": "a \\udc00 b"}}]}'
    with desk.store.engine.begin() as connection:
        connection.execute(text("UPDATE payloads SET request = :half, answer = :half"), {"half": half})
    name = (await opened(desk, LIVE))["id"]
    for person in ("reviewer", SECOND_REVIEWER):
        item = await taken(desk, person, name)
        view = await desk.get(person, f"/v1/reviews/{name}/items/{item}")
        assert view.json()["answers"] == ["a \ufffd b"] * 2
        assert view.json()["question"] == "user: \ufffd"
        assert (await rated(desk, person, name, item, {"preference": 1})).status_code == 201
    await desk.post("operator", f"/v1/reviews/{name}/close")
    for file in ("jsonl", "csv"):
        assert "a \ufffd b" in (await desk.get("reviewer", f"/v1/reviews/{name}/export?file={file}")).text


def _erase(desk: Console) -> None:
    with desk.store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM payloads")


async def test_the_export_is_for_closed_campaigns_and_has_no_formula(desk: Console) -> None:
    name = (await opened(desk, RUBRIC | {"items": 7}))["id"]
    for person in ("reviewer", SECOND_REVIEWER):
        while (item := await taken(desk, person, name)) is not None:
            await rated(desk, person, name, item, GOOD, why="=1+1")
    path = f"/v1/reviews/{name}/export"
    assert (await desk.get("operator", path)).status_code == 409
    await desk.post("operator", f"/v1/reviews/{name}/close")
    assert (await desk.get("viewer", path)).status_code == 403
    lines = [json.loads(line) for line in (await desk.get("reviewer", path)).text.splitlines()]
    assert len(lines) == 14
    assert {line["question"] for line in lines} >= {QUESTION}
    assert {line["answers"][0] for line in lines} >= {HOSTILE}
    answer = await desk.get("reviewer", f"{path}?file=csv")
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.csv"'
    table = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert {row["why"] for row in table} == {"'=1+1"}
    assert desk.audited("export_review") == [name, name]


REFUSED: tuple[tuple[dict[str, Any], int, str], ...] = (
    ({"form": "beauty"}, 400, "Known: comparison, persona, quality."),
    ({"form": "comparison"}, 400, "asks about two answers"),
    ({"sides": BLIND["sides"]}, 400, "asks about one answer"),
    ({"sides": [{"run": "ev-none"}]}, 404, "ev-none"),
    ({"sides": [{"run": RUN, "release": "v9"}]}, 404, "Known: v0, v3."),
    ({"sides": [{"run": "ev-open"}]}, 409, "Wait until it ends"),
    ({"sides": [{"run": "ev-seeded"}]}, 409, "questions of the suite"),
    ({"sides": [{"run": RUN}, {"run": RUN}], "form": "comparison"}, 400, "the same answers"),
    ({"sides": [{"run": "ev-seeded"}, {"run": RUN}], "form": "comparison"}, 400, "same questions"),
    ({"sides": [], "rollout": "ro-none", "form": "comparison"}, 404, "ro-none"),
    ({"rollout": ROLLOUT}, 422, "either sides or a rollout"),
    ({"sides": []}, 422, "either sides or a rollout"),
    ({"items": 0}, 422, ""),
    ({"title": "a\x00b"}, 422, ""),
    ({"form": {"name": "own", "criteria": []}}, 422, ""),
)


async def test_campaigns_that_are_refused(desk: Console) -> None:
    for change, status, said in REFUSED:
        answer = await desk.post("operator", "/v1/reviews", RUBRIC | change)
        assert (answer.status_code, said in answer.text) == (status, True), (change, answer.text)
    assert desk.audited("open_review") == []


UNFIT: tuple[tuple[Mapping[str, int | None], str], ...] = (
    ({"correct": 5}, "no value for complete, usable"),
    (GOOD | {"correct": 6}, "Give one of 1, 2, 3, 4, 5, or null."),
    (GOOD | {"tone": 1}, "Unknown criterion 'tone'"),
)


async def test_ratings_must_fit_the_form(desk: Console) -> None:
    name = (await opened(desk, RUBRIC))["id"]
    item = await taken(desk, "reviewer", name)
    for values, said in UNFIT:
        answer = await rated(desk, "reviewer", name, item, values)
        assert (answer.status_code, said in answer.text) == (400, True), answer.text
    unknown: Mapping[str, int | None] = GOOD | {"correct": None}
    assert (await rated(desk, "reviewer", name, item, unknown)).status_code == 201


async def test_a_rating_counts_once(desk: Console) -> None:
    name = (await opened(desk, RUBRIC))["id"]
    item = await taken(desk, "reviewer", name)
    path = f"/v1/reviews/{name}/items/{item}/rating"
    for _ in range(2):
        answer = await desk.post("reviewer", path, {"values": GOOD}, key="rate-once-1")
        assert answer.status_code == 201
    assert answer.headers["idempotent-replayed"] == "true"
    assert (await desk.post("reviewer", path, {"values": GOOD})).status_code == 409
    await desk.post("operator", f"/v1/reviews/{name}/close")
    closed = await rated(desk, SECOND_REVIEWER, name, item, GOOD)
    assert (closed.status_code, "is closed" in closed.text) == (409, True)
    assert (await desk.post(SECOND_REVIEWER, f"/v1/reviews/{name}/next", {})).status_code == 409


async def test_opening_under_a_key_opens_once(desk: Console) -> None:
    first = await desk.post("operator", "/v1/reviews", RUBRIC, key="open-review-1")
    again = await desk.post("operator", "/v1/reviews", RUBRIC, key="open-review-1")
    assert first.json()["id"] == again.json()["id"]
    assert len((await desk.get("viewer", "/v1/reviews")).json()) == 1


async def test_runs_of_different_releases_are_compared_on_the_same_questions(desk: Console) -> None:
    body = BLIND | {"sides": [{"run": OLDER_RUN}, {"run": RUN}]}
    campaign = await opened(desk, body)
    assert [side["release"] for side in campaign["source"]["sides"]] == ["v1", "v3"]
    with desk.store.read() as tx:
        first = tx.reviews.items(campaign["id"])[0]
    assert first.reasons[0] == "flipped"


async def test_an_own_form_is_taken(desk: Console) -> None:
    criterion = {"name": "polite", "question": "Is it polite?", "scale": "yes_no", "anchors": ["no", "yes"]}
    form = {"name": "manners", "criteria": [criterion]}
    name = (await opened(desk, RUBRIC | {"form": form}))["id"]
    answer = await rated(desk, "reviewer", name, await taken(desk, "reviewer", name), {"polite": 1})
    assert answer.status_code == 201
