"""`aftertune spool`: looking, checking and storing again."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from aftertune.cli.app import app
from aftertune.errors import BadInput, Forbidden
from aftertune.spool import seal
from aftertune.store import Store
from tests.monitor.spooling import HEADER, legs, many, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two segments of one router: three mirrored requests, and one whose copy is missing."""
    folder = tmp_path / "spool" / "router-1"
    list(write(folder, many(3), [legs(7)[0]]))
    return folder


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, store_url: str) -> None:
    monkeypatch.setenv("AFTERTUNE_DATABASE__URL", store_url)


def run(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(
        app, ["spool", *map(str, arguments)], catch_exceptions=False, env={"COLUMNS": "300"}
    )
    assert done.exit_code == code, done.output
    return done.output


def test_inspect_counts_and_prints_no_payload(folder: Path) -> None:
    first, second = json.loads(run("inspect", folder, "--json"))
    assert (first["records"], first["exchanges"], first["gaps"], first["fault"]) == (6, 6, 0, "")
    assert first["roles"] == {"stable": 3, "shadow": 3}
    assert first["releases"] == {"v1": 3, "v2": 3}
    assert second["deployments"] == {"tasks": 1}
    assert first["first"] < first["last"]
    shown = run("inspect", folder)
    assert "stable 3, shadow 3" in shown
    assert "question" not in shown + json.dumps([first, second])


def test_the_owner_may_see_a_payload(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = min(folder.iterdir())
    shown = json.loads(run("inspect", segment, "--payload", 2))
    assert "question 1" in shown["request"]
    assert json.loads(shown["header"])["exchange_id"] == "live1"
    with pytest.raises(BadInput, match="no record 6"):
        run("inspect", segment, "--payload", 6)
    with pytest.raises(BadInput, match="exactly one file"):
        run("inspect", folder, "--payload", 0)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(Forbidden, match="only its owner"):
        run("inspect", segment, "--payload", 2)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no file or folder"):
        run("verify", tmp_path / "nothing")


def test_verify_says_what_is_wrong_and_where(folder: Path) -> None:
    assert json.loads(run("verify", folder, "--json"))[0]["faults"] == []
    segment = min(folder.iterdir())
    raw = bytearray(segment.read_bytes())
    raw[len(HEADER) + 50] ^= 1
    segment.write_bytes(raw[:-3])
    (finding, fine) = json.loads(run("verify", folder, "--json", code=1))
    assert len(finding["faults"]) == 2
    assert f"byte {len(HEADER)} " in finding["faults"][0]
    assert "never finished" in finding["faults"][1]
    assert fine["faults"] == []
    assert "WRONG" in run("verify", folder, code=1)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"junk", "not a spool segment"),
        (HEADER[:9], "within the segment's header"),
        (HEADER + b"\0" * 99, "Nothing whole"),
    ],
)
def test_verify_of_other_files(tmp_path: Path, raw: bytes, said: str) -> None:
    file = tmp_path / "0000000000000000.seg"
    file.write_bytes(raw)
    (finding,) = json.loads(run("verify", file, "--json", code=1))
    assert said in " ".join(finding["faults"])


def test_an_open_segment_may_end_in_half_a_record(tmp_path: Path) -> None:
    (path,) = write(tmp_path, many(1), torn=legs(5)[0].record()[:-4])
    run("verify", path)
    run("verify", seal(path), code=1)


def test_replay_stores_each_exchange_once(folder: Path, settings: None, store: Store) -> None:
    def counts(*found: dict[str, Any]) -> list[tuple[int, int]]:
        return [(each["new"], each["known"]) for each in found]

    assert counts(*json.loads(run("replay", folder, "--json"))) == [(6, 0), (1, 0)]
    assert counts(*json.loads(run("replay", folder, "--json"))) == [(0, 6), (0, 1)]
    assert "new" in run("replay", folder)
    with store.read() as tx:
        assert sum(tx.exchanges.count().values()) == 7
        assert tx.pairs.count("tasks") == 3


def test_replay_reads_what_it_can(folder: Path, settings: None, store: Store) -> None:
    segment = min(folder.iterdir())
    raw = bytearray(segment.read_bytes())
    raw[len(HEADER) + 50] ^= 1
    segment.write_bytes(raw)
    (folder / "0000000000000009.corrupt").write_bytes(b"junk")
    first, second, third = json.loads(run("replay", folder, "--json", code=1))
    assert (first["new"], len(first["faults"])) == (5, 1)
    assert (second["new"], second["faults"]) == (1, [])
    assert "not a spool segment" in third["faults"][0]
