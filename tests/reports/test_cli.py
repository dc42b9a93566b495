"""`aftertune report`: verify needs nothing but the bundle; the others speak with the console."""

import hashlib
import json
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from aftertune.cli import main
from aftertune.values.report import ReportState
from reports.bundle import MANIFEST, REPORT, file_of
from tests.reports import world

Files = Mapping[str, bytes]


def aftertune(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["aftertune", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_verify_needs_no_settings(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AFTERTUNE_NO_SUCH_SETTING", "1")
    monkeypatch.setenv("AFTERTUNE_HOME", "/nowhere")
    assert aftertune(monkeypatch, "report", "verify", str(folder)) == 0
    assert "Everything is as it was signed." in capsys.readouterr().out
    (folder / REPORT).write_bytes(b"{}")
    assert aftertune(monkeypatch, "report", "verify", str(folder)) == 1
    assert "NOT AS SIGNED: report.json, report" in capsys.readouterr().out
    assert aftertune(monkeypatch, "report", "verify", str(folder / "nowhere")) == 2
    assert "cannot be read" in capsys.readouterr().err


class Console(HTTPServer):
    """Knows one report and its files; keeps what is posted."""

    def __init__(self, files: Files) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        listed = tuple(file_of(name, content) for name, content in files.items())
        digest = hashlib.sha256(files[MANIFEST]).hexdigest()
        made = world.report(state=ReportState.READY, files=listed, manifest_digest=digest)
        self.report: dict[str, Any] = made.model_dump(mode="json")
        self.files = dict(files)
        self.posted: list[tuple[str, Any]] = []


class Handler(BaseHTTPRequestHandler):
    server: Console

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        if "/files/" in self.path:
            self._answer(self.server.files[name])
        elif self.path == "/v1/reports":
            self._answer(json.dumps([self.server.report]).encode())
        else:
            self._answer(json.dumps({"report": self.server.report, "sign_offs": []}).encode())

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.posted.append((self.path, body))
        self._answer(json.dumps(self.server.report).encode())

    def _answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Not in the tests' output."""


@pytest.fixture
def console(files: Files, monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    with Console(files) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("AFTERTUNE_CONSOLE__PORT", str(server.server_port))
        monkeypatch.setenv("AFTERTUNE_TOKEN", "at_token")
        yield server
        server.shutdown()
        thread.join()


def test_a_download_verifies(console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert aftertune(monkeypatch, "report", "download", "rp-1", "--to", str(tmp_path)) == 0
    assert aftertune(monkeypatch, "report", "verify", str(tmp_path / "rp-1")) == 0


def test_a_download_never_overwrites(
    console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rp-1").mkdir()
    assert aftertune(monkeypatch, "report", "download", "rp-1", "--to", str(tmp_path)) == 2
    assert "exists already" in capsys.readouterr().err


def test_a_file_that_is_not_the_listed_one_is_not_saved(
    console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.files[REPORT] += b" "
    assert aftertune(monkeypatch, "report", "download", "rp-1", "--to", str(tmp_path)) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_failed_tells_why(
    console: Console, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    console.report |= {"state": "failed", "reason": "memory ran out"}
    assert aftertune(monkeypatch, "report", "build", world.WEEK, "--wait") == 1
    assert "memory ran out" in capsys.readouterr().err
    assert aftertune(monkeypatch, "report", "download", "rp-1") == 2


def test_build_list_show_and_sign(
    console: Console, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = console.report["manifest_digest"]
    assert aftertune(monkeypatch, "report", "build", world.WEEK, "--preliminary", "--wait") == 0
    assert f"ready: manifest {digest}" in capsys.readouterr().out
    assert aftertune(monkeypatch, "report", "list") == 0
    assert aftertune(monkeypatch, "report", "show", "rp-1") == 0
    assert (
        aftertune(monkeypatch, "report", "sign", "rp-1", "--manifest", digest, "--reject", "--comment", "no")
        == 0
    )
    assert console.posted == [
        ("/v1/reports", {"week": world.WEEK, "preliminary": True}),
        ("/v1/reports/rp-1/sign-offs", {"manifest_digest": digest, "accepted": False, "comment": "no"}),
    ]


def test_signing_needs_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    assert aftertune(monkeypatch, "report", "sign", "rp-1", "--manifest", "ab" * 32) == 2
