"""Sends the board, its folder and the alert rules to a Grafana, over its HTTP API. Sending again changes nothing.

Only for a Grafana that does not read the provisioning files: what files provision cannot be changed over HTTP.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests
from grafana_api.grafana_api import GrafanaClientError, GrafanaException  # type: ignore[import-untyped]
from grafana_api.grafana_face import GrafanaFace  # type: ignore[import-untyped]

from aftertune.errors import BadInput
from dashboards.generate import BOARD, FOLDER
from dashboards.links import BOARD_UID
from dashboards.provisioning import FOLDER as FOLDER_TITLE
from dashboards.provisioning import FOLDER_UID, INTERVAL_S, grafana_rule
from dashboards.rows import panel_id
from dashboards.rules import GROUP, RULES, Rule

TIMEOUT_S = 10.0
_RULES = "/v1/provisioning/alert-rules"
_EDITABLE = {"X-Disable-Provenance": "true"}
"""Without it Grafana would lock the rules against everybody but this command."""


class NotPushed(BadInput):
    title = "Not pushed"


def push(url: str, token: str, data_source: str, say: Callable[[str], None]) -> None:
    """`data_source`: the uid of Grafana's Prometheus data source, for the rules. Raises NotPushed."""
    grafana = _grafana(url, token)
    with _explained(url):
        _require_data_source(grafana, data_source)
        _ensure_folder(grafana)
        say(f"folder  {FOLDER_TITLE}")
        board = json.loads((FOLDER / BOARD).read_text())
        body = {"dashboard": board, "folderUid": FOLDER_UID, "overwrite": True, "message": "aftertune"}
        grafana.dashboard.update_dashboard(body)
        say(f"board   {url.rstrip('/')}/d/{BOARD_UID}")
        _put_rules(grafana, data_source)
        for rule in RULES:
            say(f"rule    {rule.name}")


def _grafana(url: str, token: str) -> Any:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise NotPushed(
            f"{url!r} is no address of a Grafana.", "Give one such as https://grafana.example:3000."
        )
    if "@" in parts.netloc:
        raise NotPushed("The address holds credentials.", "Give a service account's token instead.")
    prefix = f"{parts.path.strip('/')}/" if parts.path.strip("/") else ""
    grafana = GrafanaFace(
        token, host=parts.netloc, url_path_prefix=prefix, protocol=parts.scheme, timeout=TIMEOUT_S
    )
    # A redirected POST would arrive as a GET, and look as if it had done something.
    grafana.api.s.max_redirects = 0
    return grafana


def _require_data_source(grafana: Any, uid: str) -> None:
    if _found(grafana, f"/datasources/uid/{uid}") is None:
        raise NotPushed(
            f"Grafana has no data source with the uid {uid!r}.", "Name its Prometheus with --data-source."
        )


def _ensure_folder(grafana: Any) -> None:
    if _found(grafana, f"/folders/{FOLDER_UID}") is None:
        grafana.folder.create_folder(FOLDER_TITLE, FOLDER_UID)


def _put_rules(grafana: Any, data_source: str) -> None:
    """Each rule once, then their group as a whole: it holds the interval, and drops rules that are ours no more."""
    rules = [_rule(rule, data_source) for rule in RULES]
    for rule in rules:
        if _found(grafana, f"{_RULES}/{rule['uid']}") is None:
            grafana.api.POST(_RULES, json=rule, headers=_EDITABLE)
    group = {"title": GROUP, "folderUid": FOLDER_UID, "interval": INTERVAL_S, "rules": rules}
    grafana.api.PUT(
        f"/v1/provisioning/folder/{FOLDER_UID}/rule-groups/{GROUP}", json=group, headers=_EDITABLE
    )


def _rule(rule: Rule, data_source: str) -> dict[str, Any]:
    """The HTTP form, which names board and panel as annotations."""
    form = grafana_rule(rule, data_source)
    shown = {"__dashboardUid__": BOARD_UID, "__panelId__": str(panel_id(rule.panel))}
    return {
        **form,
        "orgID": 1,
        "folderUID": FOLDER_UID,
        "ruleGroup": GROUP,
        "annotations": form["annotations"] | shown,
    }


def _found(grafana: Any, path: str) -> Any | None:
    try:
        return grafana.api.GET(path)
    except GrafanaClientError as error:
        if error.status_code == requests.codes.not_found:
            return None
        raise


@contextmanager
def _explained(url: str) -> Iterator[None]:
    try:
        yield
    except GrafanaException as error:
        raise NotPushed(
            f"Grafana at {url} said {_said(error)}.", _REMEDIES.get(error.status_code, "")
        ) from None
    except requests.TooManyRedirects:
        raise NotPushed(f"{url} sends elsewhere.", "Give the address that it sends to.") from None
    except requests.JSONDecodeError:
        raise NotPushed(
            f"{url} does not answer like a Grafana.", "Is the address right, with its path?"
        ) from None
    except requests.RequestException as error:
        raise NotPushed(f"{url} cannot be reached: {_reason(error)}.", "Is Grafana running there?") from None


_REMEDIES = {
    401: "Give a service account's token that is valid.",
    403: "Give the service account the role Editor, or the permissions for folders, dashboards and alert rules.",
    412: "Somebody changed it at the same time; push again.",
}


def _said(error: Any) -> str:
    response = error.response
    message = response.get("message") if isinstance(response, dict) else None
    return f"{error.status_code}: {str(message or response)[:300]}"


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return f"no answer in {TIMEOUT_S:.0f} s"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted"
    return "the connection failed"
