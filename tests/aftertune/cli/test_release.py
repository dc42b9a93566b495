"""What `aftertune release register` says while it waits."""

from collections.abc import Iterator, Mapping
from itertools import chain, repeat
from typing import Any

import pytest

from aftertune.cli import release
from aftertune.errors import BadInput, Unavailable
from aftertune.values.release import EngineKind

KILLED = "the merge ended with -9 and will be tried again: it said nothing"
FULL = "the merge ended with 1 and will be tried again: no space left on device"


class Console:
    """Answers each look with the next view; the last one stays."""

    def __init__(self, *views: dict[str, Any]) -> None:
        self._views: Iterator[dict[str, Any]] = chain(views, repeat(views[-1]))

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        assert (path, body["id"]) == ("/v1/releases", "v4")

    def get(self, path: str) -> dict[str, Any]:
        assert path == "/v1/releases/v4"
        return next(self._views)


def view(state: str, reason: str = "", engine: str | None = None) -> dict[str, Any]:
    return {
        "release": {"state": state, "reason": reason},
        "engine": {"state": engine, "reason": ""} if engine else None,
    }


def register(monkeypatch: pytest.MonkeyPatch, *views: dict[str, Any], timeout: float = 60.0) -> None:
    monkeypatch.setattr(release, "client_from_environment", lambda _: Console(*views))
    monkeypatch.setattr(release, "POLL_S", 0.0)
    release.register("v4", engine=EngineKind.TRANSFORMERS, timeout=timeout)


def test_each_new_reason_of_a_merge_that_fails_is_said_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    register(
        monkeypatch,
        view("registered"),
        view("merging"),
        view("merging", KILLED),
        view("merging", KILLED),
        view("merging", FULL),
        view("ready"),
        view("ready", engine="ready"),
    )
    assert capsys.readouterr().out.splitlines() == [
        "v4: registered, engine not started",
        "v4: merging, engine not started",
        f"v4: {KILLED}",
        f"v4: {FULL}",
        "v4: ready, engine not started",
        "v4: ready, engine ready",
    ]


def test_a_merge_that_goes_on_failing_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable, match=r"v4 is not ready after 0 s: merging.*release show v4") as raised:
        register(monkeypatch, view("merging", KILLED), timeout=0)
    assert KILLED in raised.value.what


def test_what_has_ended_is_told_even_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, view("ready", engine="ready"), timeout=0)
    with pytest.raises(BadInput, match="adapter for another base"):
        register(monkeypatch, view("rejected", "adapter for another base"), timeout=0)
    with pytest.raises(Unavailable, match="The engine of v4 failed"):
        register(monkeypatch, view("ready", engine="failed"), timeout=0)


def test_an_external_engine_may_have_replicas(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: dict[str, Any] = {}

    class Listening(Console):
        def post(self, path: str, body: Mapping[str, Any]) -> None:
            sent.update(body)

    monkeypatch.setattr(release, "client_from_environment", lambda _: Listening(view("registered")))
    release.register(
        "gpu",
        engine=EngineKind.EXTERNAL,
        url="http://gpu-1:8000",
        replica=["http://gpu-2:8000"],
        served_name="llama",
        wait=False,
    )
    assert (sent["url"], sent["replicas"]) == ("http://gpu-1:8000", ["http://gpu-2:8000"])
