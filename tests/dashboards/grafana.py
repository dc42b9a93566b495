"""A stand-in for Grafana's HTTP API: it holds what it is given and refuses what Grafana's reference does not allow.

Its schemas are ours, written from the reference of Grafana's HTTP API: what the calls must carry, with which types.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jsonschema

TOKEN = "glsa_a-token"
DATA_SOURCE = "prom-1"
_TEXT = {"type": "string", "minLength": 1}
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_QUERY = {
    "type": "object",
    "required": ["refId", "datasourceUid", "relativeTimeRange", "model"],
    "additionalProperties": False,
    "properties": {
        "refId": _TEXT,
        "queryType": {"type": "string"},
        "datasourceUid": {"enum": [DATA_SOURCE, "__expr__"]},
        "relativeTimeRange": {
            "type": "object",
            "required": ["from", "to"],
            "properties": {"from": {"type": "integer"}, "to": {"type": "integer"}},
        },
        "model": {"type": "object", "required": ["refId"]},
    },
}
FOLDER = {
    "type": "object",
    "required": ["title"],
    "additionalProperties": False,
    "properties": {"title": _TEXT, "uid": {"type": "string", "pattern": r"^[a-zA-Z0-9_-]{1,40}$"}},
}
BOARD = {
    "type": "object",
    "required": ["dashboard"],
    "additionalProperties": False,
    "properties": {
        "dashboard": {
            "type": "object",
            "required": ["uid", "title", "panels", "schemaVersion"],
            "properties": {
                "id": {"type": "null"},
                "uid": {"type": "string", "pattern": r"^[a-zA-Z0-9_-]{1,40}$"},
                "title": _TEXT,
                "schemaVersion": {"type": "integer"},
                "panels": {"type": "array", "minItems": 1},
            },
        },
        "folderUid": _TEXT,
        "message": {"type": "string"},
        "overwrite": {"type": "boolean"},
    },
}
RULE = {
    "type": "object",
    "required": [
        *("orgID", "folderUID", "ruleGroup", "title", "condition", "data"),
        *("noDataState", "execErrState", "for"),
    ],
    "additionalProperties": False,
    "properties": {
        "uid": {"type": "string", "pattern": r"^[a-zA-Z0-9_-]{1,40}$"},
        "orgID": {"type": "integer"},
        "folderUID": _TEXT,
        "ruleGroup": {"type": "string", "minLength": 1, "maxLength": 190},
        "title": {"type": "string", "minLength": 1, "maxLength": 190},
        "condition": {"enum": ["A", "B"]},
        "data": {"type": "array", "minItems": 1, "items": _QUERY},
        "noDataState": {"enum": ["Alerting", "NoData", "OK"]},
        "execErrState": {"enum": ["OK", "Alerting", "Error"]},
        "for": {"type": "string", "pattern": r"^\d+[smh]$"},
        "annotations": _TEXTS,
        "labels": _TEXTS,
        "isPaused": {"type": "boolean"},
    },
}

GROUP = {
    "type": "object",
    "required": ["title", "folderUid", "interval", "rules"],
    "additionalProperties": False,
    "properties": {
        "title": _TEXT,
        "folderUid": _TEXT,
        "interval": {"type": "integer", "minimum": 10, "multipleOf": 10},
        "rules": {"type": "array", "items": RULE},
    },
}


@dataclass
class Grafana:
    """`fault` answers every call with (status, body) instead."""

    url: str
    calls: list[tuple[str, str]] = field(default_factory=list)
    folders: dict[str, Any] = field(default_factory=dict)
    boards: dict[str, Any] = field(default_factory=dict)
    rules: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    fault: tuple[int, str] | None = None

    def answer(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        self.calls.append((method, path))
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {"message": "Invalid API key"}
        try:
            return self._answer(method, path, body, headers)
        except jsonschema.ValidationError as error:
            return 400, {"message": f"bad request data: {error.json_path}: {error.message}"}

    def _answer(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        match method, path.rpartition("/"):
            case "GET", ("/api/datasources/uid", _, uid):
                return (200, {"uid": uid}) if uid == DATA_SOURCE else _missing("Data source not found")
            case "GET", ("/api/folders", _, uid):
                return (200, self.folders[uid]) if uid in self.folders else _missing("folder not found")
            case "POST", ("/api", _, "folders"):
                jsonschema.validate(body, FOLDER)
                self.folders[body["uid"]] = body
                return 200, body
            case "POST", ("/api/dashboards", _, "db"):
                jsonschema.validate(body, BOARD)
                return self._save_board(body)
            case "GET", ("/api/v1/provisioning/alert-rules", _, uid):
                return (200, self.rules[uid]) if uid in self.rules else _missing("")
            case "POST", ("/api/v1/provisioning", _, "alert-rules"):
                jsonschema.validate(body, RULE)
                return self._add_rule(body, headers)
            case "PUT", ("/api/v1/provisioning/folder/aftertune/rule-groups", _, group):
                jsonschema.validate(body, GROUP)
                return self._replace_group(group, body, headers)
        return _missing("Not found")

    def _save_board(self, body: Any) -> tuple[int, Any]:
        uid = body["dashboard"]["uid"]
        if body["folderUid"] not in self.folders:
            return 400, {"message": "folder not found"}
        if uid in self.boards and not body.get("overwrite"):
            return 412, {"message": "The dashboard has been changed by someone else"}
        self.boards[uid] = body["dashboard"]
        return 200, {"uid": uid, "status": "success"}

    def _add_rule(self, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        if headers.get("x-disable-provenance") != "true" or body["uid"] in self.rules:
            return 409, {"message": "conflict"}
        self.rules[body["uid"]] = body
        return 201, body

    def _replace_group(self, group: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        """Rules that it names must be there; the others of the group go."""
        named = {rule["uid"]: rule for rule in body["rules"]}
        if headers.get("x-disable-provenance") != "true" or not named.keys() <= self.rules.keys():
            return 409, {"message": "conflict"}
        kept = {uid: rule for uid, rule in self.rules.items() if rule["ruleGroup"] != group}
        self.rules, self.groups[group] = kept | named, body["interval"]
        return 200, body


def _missing(message: str) -> tuple[int, Any]:
    return 404, {"message": message}


@contextmanager
def serving(prefix: str = "") -> Iterator[Grafana]:
    """Grafana below `prefix`, a path such as `/grafana`."""

    class Handler(BaseHTTPRequestHandler):
        def _respond(self) -> None:
            length = int(self.headers.get("content-length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            if grafana.fault is not None:
                status, text = grafana.fault
            else:
                headers = {name.lower(): value for name, value in self.headers.items()}
                path = self.path.removeprefix(prefix) if self.path.startswith(prefix) else ""
                status, said = grafana.answer(self.command, path, body, headers)
                text = json.dumps(said)
            self.send_response(status)
            if status in (301, 302):
                self.send_header("location", "http://127.0.0.1:1/")
            self.send_header("content-length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_PUT = _respond  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    grafana = Grafana(f"http://127.0.0.1:{server.server_port}{prefix}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield grafana
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
