"""Alerts on the front page; whatever somebody put into one is text."""

import pytest

from console.alerts import safe_link
from tests.console.conftest import Console
from tests.console.evidence import RUNBOOK
from tests.console.seed import DEPLOYMENT


async def test_what_fires_is_on_the_front_page(console: Console) -> None:
    fired = (await console.get("viewer", "/v1/alerts")).json()
    assert {alert["name"] for alert in fired} == {"AftertuneDrift", "Evil"}
    page = (await console.get("viewer", "/")).text
    assert "2 alerts firing" in page
    assert f'<a href="{RUNBOOK}" rel="noopener noreferrer">Runbook</a>' in page
    assert f'on <a href="/deployments/{DEPLOYMENT}">' in page
    assert 'href="javascript:' not in page
    assert "Runbook: <code>javascript:alert(1)</code>" in page
    assert "<script" not in page
    assert "⟨U+202E⟩" in page

    with console.store.write() as tx:
        for alert in tx.alerts.firing():
            tx.alerts.save(alert.model_copy(update={"ends_at": console.clock.now()}))
    assert (await console.get("viewer", "/v1/alerts")).json() == []
    assert "firing" not in (await console.get("viewer", "/")).text


@pytest.mark.parametrize("good", ["https://x.example/a?b=c#d", "http://10.0.0.1:9090/x"])
def test_links_that_are_made(good: str) -> None:
    assert safe_link(good) == good


@pytest.mark.parametrize(
    "evil",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        " javascript:alert(1)",
        "data:text/html,<script>",
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "http://[::1",
        "vbscript:x",
        "file:///etc/passwd",
        "\u202ehttps://x",
        "/docs/runbooks/drift.md",
        "docs/alerts.md#aftertunedrift",
    ],
)
def test_links_that_are_not(evil: str) -> None:
    assert safe_link(evil) == ""


async def test_a_ticket_is_no_page(console: Console) -> None:
    """The severities of our own rules, and a runbook that is a page of the repository."""
    with console.store.write() as tx:
        (drift,) = (alert for alert in tx.alerts.firing() if alert.name == "AftertuneDrift")
        ticket = {"fingerprint": "f3", "severity": "ticket", "runbook": "docs/alerts.md#aftertunedrift"}
        tx.alerts.save(drift.model_copy(update=ticket))
    page = (await console.get("viewer", "/")).text
    assert '<span class="state wait"><span aria-hidden="true">!</span> ticket</span>' in page
    assert "Runbook: <code>docs/alerts.md#aftertunedrift</code>" in page
