"""Pages escape what strangers wrote and say what on-call needs."""

import re
from html.parser import HTMLParser

import pytest

from tests.console.conftest import Console
from tests.console.evidence import JOB, REPORT, RUN
from tests.console.seed import DEPLOYMENT, ROLLBACK

PAGES = (
    *("/", f"/deployments/{DEPLOYMENT}", f"/deployments/{DEPLOYMENT}/rollbacks/{ROLLBACK}"),
    *("/releases", "/releases/v2", "/evaluations", "/evaluations?suite=tools", f"/evaluations/{RUN}"),
    *(f"/deployments/{DEPLOYMENT}/drift", "/reports", f"/reports/{REPORT}", "/training", f"/training/{JOB}"),
    "/reviews",
)
CONFIRM = f"/deployments/{DEPLOYMENT}/rollback"


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


@pytest.mark.parametrize("path", [*PAGES, CONFIRM, "/login"])
async def test_pages_have_no_script_no_inline_style_and_strict_headers(console: Console, path: str) -> None:
    answer = await console.get("operator", path)
    assert answer.status_code == 200
    page = Tags(answer.text)
    assert "script" not in page.tags
    assert "style" not in page.tags
    assert not [name for name in page.attributes if name == "style" or name.startswith("on")]
    policy = answer.headers["content-security-policy"]
    for directive in (
        "default-src 'none'",
        "style-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ):
        assert directive in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert re.search(r"<title>[^<]+ · Aftertune</title>", answer.text)


async def test_hostile_answers_are_text(console: Console) -> None:
    page = (await console.get("reviewer", f"/deployments/{DEPLOYMENT}")).text
    assert "<script" not in page
    assert "&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt; &#34;quoted&#34; &#39;single&#39; &amp;" in page
    assert "⟨U+202E⟩gnp.exe ⟨U+001B⟩[31m⟨U+200B⟩" in page
    assert not set(page) & {"\u202e", "\x1b", "\u200b"}
    tags = Tags(page).tags
    assert tags.count("pre") == 9
    assert page.count("</pre>") == 9
    assert console.audited("read_payload") == [f"{DEPLOYMENT}/pairs"]


async def test_hostile_reasons_are_text_too(console: Console) -> None:
    evil = '"><img src=x onerror=alert(1)>\u202e'
    await console.post("operator", f"/v1/deployments/{DEPLOYMENT}/freeze", {"reason": evil})
    for path in (f"/deployments/{DEPLOYMENT}", CONFIRM):
        page = (await console.get("operator", path)).text
        assert "img" not in Tags(page).tags
        assert "⟨U+202E⟩" in page


async def test_those_who_may_not_read_payloads_see_scores_only(console: Console) -> None:
    page = (await console.get("viewer", f"/deployments/{DEPLOYMENT}")).text
    assert "your roles may not read" in page
    assert "remind" not in page
    assert "<pre" not in page
    assert console.audited("read_payload") == []


async def test_what_the_deployment_page_says(console: Console) -> None:
    page = (await console.get("operator", f"/deployments/{DEPLOYMENT}")).text
    for text in (
        "−0.310",
        "−0.420 … −0.200",
        "≥ −0.100",
        "212",
        "1.250 s",
        "1.500 s",
        "2.750 s",
        "20 % of users",
    ):
        assert text in page, text
    assert page.count("<svg") == 3
    assert "1 of 2 routers follow" in page


async def test_the_confirmation_shows_what_will_happen(console: Console) -> None:
    page = (await console.get("operator", CONFIRM)).text
    assert 'name="leaving" value="v2"' in page
    assert "<strong>3</strong> requests in the last 5 minutes" in page
    assert "until an approver lifts it" in page
    assert "Believed good" in page


async def test_the_form_is_refused_without_its_csrf_token_and_works_with_it(console: Console) -> None:
    csrf = (await console.post("operator", "/v1/session")).json()["csrf_token"]
    page = (await console.client.get(CONFIRM)).text
    assert f'name="csrf_token" value="{csrf}"' in page
    fields = dict(re.findall(r'name="(key|leaving)" value="([^"]+)"', page)) | {"to": "v1", "reason": "odd"}
    for token in ({}, {"csrf_token": "wrong"}):
        assert (await console.client.post(CONFIRM, data=fields | token)).status_code == 403
    fields["csrf_token"] = csrf
    extra = await console.client.post(CONFIRM, data=fields | {"actor": "admin"})
    assert extra.status_code == 422
    blank = await console.client.post(CONFIRM, data=fields | {"reason": " "})
    assert blank.status_code == 400
    assert "needs a reason" in blank.text

    done = await console.client.post(CONFIRM, data=fields)
    assert done.status_code == 303
    assert done.headers["location"] == f"/deployments/{DEPLOYMENT}/rollbacks/{fields['key']}"
    assert console.wakes.count == 1
    twice = await console.client.post(CONFIRM, data=fields)
    assert twice.headers["location"] == done.headers["location"]
    under_way = await console.client.get(CONFIRM)
    assert "under way" in under_way.text
    assert "<form" not in under_way.text.split("<main")[1]


async def test_the_sign_out_form_needs_its_csrf_token(console: Console) -> None:
    csrf = (await console.post("viewer", "/v1/session")).json()["csrf_token"]
    assert (await console.client.post("/logout")).status_code == 403
    assert (await console.client.post("/logout", data={"csrf_token": csrf})).status_code == 303
    assert (await console.client.get("/v1/me")).status_code == 401


async def test_errors_are_pages_for_browsers(console: Console) -> None:
    headers = console.headers("viewer") | {"accept": "text/html"}
    answer = await console.client.get("/deployments/nothing", headers=headers)
    assert answer.status_code == 404
    assert "There is no deployment" in answer.text
    assert answer.headers["content-type"].startswith("text/html")


async def test_an_empty_fleet_says_what_to_do(console: Console) -> None:
    with console.store.engine.connect() as connection:
        for table in (
            "approvals",
            "overrides",
            "verdicts",
            "rollouts",
            "rollbacks",
            "promotions",
            "drift_watches",
            "deployments",
        ):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        connection.commit()
    assert "There is no deployment yet" in (await console.get("viewer", "/")).text


async def test_responses_are_counted(console: Console) -> None:
    await console.get("viewer", "/")
    await console.client.get("/")
    assert console.registry.get_sample_value("aftertune_console_requests_total", {"code_class": "2xx"}) == 1
    assert console.registry.get_sample_value("aftertune_console_requests_total", {"code_class": "4xx"}) == 1
