"""`aftertune dashboards push` against a stand-in for Grafana that validates every call."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from dashboards.generate import BOARD, FOLDER
from dashboards.push import NotPushed, push
from dashboards.rules import RULES
from tests.dashboards.grafana import DATA_SOURCE, TOKEN, Grafana, serving

UIDS = {rule.uid for rule in RULES}


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with serving() as running:
        yield running


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "aftertune", "dashboards", "push", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def test_board_folder_and_rules_arrive(grafana: Grafana) -> None:
    said: list[str] = []

    push(grafana.url, TOKEN, DATA_SOURCE, said.append)

    assert grafana.boards == {"aftertune": json.loads((FOLDER / BOARD).read_text())}
    assert set(grafana.folders) == {"aftertune"}
    assert set(grafana.rules) == UIDS
    assert grafana.groups == {"aftertune": 10}
    assert all(rule["folderUID"] == "aftertune" for rule in grafana.rules.values())
    assert len(said) == 2 + len(RULES)


def test_pushing_again_changes_nothing(grafana: Grafana) -> None:
    push(grafana.url, TOKEN, DATA_SOURCE, print)
    before = (dict(grafana.folders), dict(grafana.boards), dict(grafana.rules))
    grafana.calls.clear()

    push(grafana.url, TOKEN, DATA_SOURCE, print)

    assert (grafana.folders, grafana.boards, grafana.rules) == before
    assert [path for method, path in grafana.calls if method == "POST"] == ["/api/dashboards/db"]


def test_a_rule_that_was_changed_there_is_ours_again_and_others_stay(grafana: Grafana) -> None:
    push(grafana.url, TOKEN, DATA_SOURCE, print)
    ours = dict(grafana.rules)
    grafana.rules["aftertune-drift"] = ours["aftertune-drift"] | {"title": "mine"}
    grafana.rules["old"] = ours["aftertune-drift"] | {"uid": "old"}
    theirs = grafana.rules["theirs"] = ours["aftertune-drift"] | {"uid": "theirs", "ruleGroup": "theirs"}

    push(grafana.url, TOKEN, DATA_SOURCE, print)

    assert grafana.rules == ours | {"theirs": theirs}


def test_rules_name_their_panel(grafana: Grafana) -> None:
    push(grafana.url, TOKEN, DATA_SOURCE, print)

    panels = {str(p["id"]): p["title"] for p in grafana.boards["aftertune"]["panels"] if p["type"] != "row"}
    shown = {uid: panels[rule["annotations"]["__panelId__"]] for uid, rule in grafana.rules.items()}
    assert shown == {rule.uid: rule.panel for rule in RULES}


@pytest.mark.parametrize("slash", ["", "/"])
def test_grafana_may_live_below_a_path(slash: str) -> None:
    with serving(prefix="/monitoring/grafana") as grafana:
        push(f"{grafana.url}{slash}", TOKEN, DATA_SOURCE, print)

        assert set(grafana.rules) == UIDS


def test_a_wrong_token_is_said(grafana: Grafana) -> None:
    with pytest.raises(NotPushed, match=r"said 401: Invalid API key.* token that is valid"):
        push(grafana.url, "another", DATA_SOURCE, print)


def test_an_unknown_data_source_is_said_before_anything_is_sent(grafana: Grafana) -> None:
    with pytest.raises(NotPushed, match=r"no data source with the uid 'elsewhere'.* --data-source"):
        push(grafana.url, TOKEN, "elsewhere", print)

    assert {method for method, _ in grafana.calls} == {"GET"}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ((403, '{"message": "no permission"}'), "said 403: no permission.* role Editor"),
        ((500, "<html>broken</html>"), "said 500: <html>broken</html>"),
        ((400, '{"message": "what"}'), "said 400: what"),
        ((502, "[]"), r"said 502: \[\]"),
        ((200, "<html>please log in</html>"), "does not answer like a Grafana"),
        ((302, ""), "sends elsewhere"),
    ],
)
def test_what_goes_wrong_is_said(grafana: Grafana, fault: tuple[int, str], said: str) -> None:
    grafana.fault = fault

    with pytest.raises(NotPushed, match=said):
        push(grafana.url, TOKEN, DATA_SOURCE, print)


@pytest.mark.parametrize(
    "url", ["grafana.example", "ftp://grafana", "http://", "http://a/?b=c", "http://admin:admin@grafana"]
)
def test_an_address_that_is_none_is_said(url: str) -> None:
    with pytest.raises(NotPushed):
        push(url, TOKEN, DATA_SOURCE, print)


def test_the_command_pushes_and_keeps_the_token_to_itself(grafana: Grafana) -> None:
    done = command(
        "--url", grafana.url, "--data-source", DATA_SOURCE, "--token-env", "MY_TOKEN", MY_TOKEN=TOKEN
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert set(grafana.rules) == UIDS
    assert TOKEN not in done.stdout


@pytest.mark.parametrize("token", ["", "x"])
def test_the_command_ends_with_2_and_says_why(token: str) -> None:
    done = command("--url", "http://127.0.0.1:1", GRAFANA_TOKEN=token)

    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert ("cannot be reached" if token else "GRAFANA_TOKEN holds no token") in done.stderr
