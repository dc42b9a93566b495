"""`aftertune ingest`: all good or nothing, once, with the bad lines named."""

import json
from pathlib import Path
from typing import Any

import pytest

from aftertune.cli import ingest
from aftertune.clock import ManualClock
from aftertune.store import Store
from aftertune.values.exchange import CapturePolicy
from tests.aftertune.cli.offline import Offline, offline
from tests.aftertune.samples import AT

NAMED = ("--deployment", "tasks", "--release", "v1")


@pytest.fixture
def world(store: Store, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Offline:
    return offline(store, clock, tmp_path, monkeypatch)


def line(number: int, **changes: Any) -> bytes:
    known = {
        "request": {"messages": [{"role": "user", "content": f"question {number}"}]},
        "response": {
            "choices": [{"message": {"content": "because"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 2, "completion_tokens": 1},
        },
        "id": f"r-{number}",
        "at": AT.isoformat(),
    }
    return json.dumps(known | changes).encode() + b"\n"


def log(tmp_path: Path, *lines: bytes) -> str:
    file = tmp_path / "log.jsonl"
    file.write_bytes(b"".join(lines))
    return str(file)


def test_a_log_is_taken_in_once(world: Offline, tmp_path: Path) -> None:
    file = log(tmp_path, *(line(number) for number in range(600)))

    assert world.run("ingest", file, *NAMED) == (0, ["log.jsonl: 600 taken in, 0 stored already"])
    assert world.ingested() == 600
    assert world.run("ingest", file, *NAMED) == (
        0,
        ["log.jsonl: nothing new, 600 stored already"],
    )
    assert world.ingested() == 0
    with world.store.read() as tx:
        (exchange,) = tx.exchanges.by_request("r-7")
        scores = tx.exchanges.scores(exchange.exchange_id)
    assert (exchange.finish, exchange.router, exchange.arrival) == ("stop", "outside", AT)
    assert scores is not None
    assert scores.valid_answer == 1.0


def test_what_breaks_off_goes_on(world: Offline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run("ingest", log(tmp_path, *(line(number) for number in range(3))), *NAMED)
    world.ingested()
    monkeypatch.setattr(ingest, "BATCH_LINES", 2)

    code, said = world.run("ingest", log(tmp_path, *(line(number) for number in range(5))), *NAMED)

    assert (code, said) == (0, ["log.jsonl: 2 taken in, 3 stored already"])
    assert world.ingested() == 2


def test_with_a_bad_line_nothing_is_sent(world: Offline, tmp_path: Path) -> None:
    file = log(tmp_path, line(1), b"{\n", line(2), line(3, release="v9"), line(4, status="fine"))

    code, said = world.run("ingest", file, *NAMED)

    assert code == 2
    assert [each.partition(":")[0] for each in said[:3]] == ["line 2", "line 4", "line 5"]
    assert said[1] == "line 4: unknown release 'v9'; known: v1, v2"
    assert "3 of 5 lines of log.jsonl are bad; nothing was sent." in said[3]
    assert world.ingested() == 0


def test_bad_lines_can_be_left_out(world: Offline, tmp_path: Path) -> None:
    file = log(tmp_path, line(1), b"{\n", line(2))

    code, said = world.run("ingest", file, *NAMED, "--skip-bad")

    assert (code, said[-1]) == (0, "log.jsonl: 2 taken in, 0 stored already, 1 bad left out")
    assert world.ingested() == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "names no deployment, and --deployment is not given"),
        (("--deployment", "fraud"), "Unknown deployment 'fraud'; known: tasks."),
        (("--deployment", "tasks", "--release", "v9"), "Unknown release 'v9'; known: v1, v2."),
        (("--map", "x=y"), "Unknown field 'x'"),
    ],
)
def test_names_that_nobody_registered(
    world: Offline, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    code, said = world.run("ingest", log(tmp_path, line(1)), *arguments)

    assert code == 2
    assert says in "\n".join(said)


def test_a_foreign_log_is_mapped(world: Offline, tmp_path: Path) -> None:
    known = json.loads(line(1))
    foreign = {"in": {"body": known["request"]}, "out": known["response"], "trace": "t-1", "more": 1}
    file = log(tmp_path, json.dumps(foreign).encode())
    maps = [part for field in ("request=in.body", "response=out", "id=trace") for part in ("--map", field)]

    assert world.run("ingest", file, *NAMED, *maps)[0] == 0
    world.ingested()
    with world.store.read() as tx:
        assert len(tx.exchanges.by_request("t-1")) == 1


def test_the_capture_policy_of_the_deployment_holds(
    store: Store, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = offline(store, clock, tmp_path, monkeypatch, capture=CapturePolicy.REDACTED)
    asked = {"messages": [{"role": "user", "content": "Write to ana@example.org, please"}]}
    world.run("ingest", log(tmp_path, line(1, request=asked)), *NAMED)
    world.ingested()

    with store.read() as tx:
        (exchange,) = tx.exchanges.by_request("r-1")
        payload = tx.exchanges.payload(exchange.exchange_id)
    assert payload is not None
    assert b"example.org" not in payload.request
    assert b"please" in payload.request
