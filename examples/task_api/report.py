"""The week's report: asked for by the operator; downloaded, verified offline and signed off by the reviewer."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from aftertune.cli.client import Refused
from aftertune.values.report import ReportState
from aftertune.week import week_of
from examples.task_api.narrator import Narrator, until
from examples.task_api.people import People

REPORT_TIMEOUT_S = 400.0


def report(narrator: Narrator, people: People, folder: Path) -> None:
    """Downloads into `folder`, which must not exist."""
    week = week_of(datetime.now(UTC), "UTC")
    try:
        people.operator.post("/v1/reports", {"week": week, "preliminary": False})
        refusal = ""
    except Refused as error:
        refusal = str(error)
    narrator.expect(bool(refusal), f"a report of an open week is refused: {refusal}")
    asked = people.operator.post("/v1/reports", {"week": week, "preliminary": True})
    narrator.say(f"olga asks for the preliminary report of {week}: {asked['id']}")
    for _ in until(REPORT_TIMEOUT_S, "the report"):
        found = people.reviewer.get(f"/v1/reports/{asked['id']}")["report"]
        if found["state"] in (ReportState.READY, ReportState.FAILED):
            break
    narrator.expect(
        found["state"] == ReportState.READY,
        f"report {found['state']}: {', '.join(file['name'] for file in found['files']) or found['reason']}",
    )
    _aftertune(people, "report", "download", asked["id"], "--to", str(folder))
    bundle = next(path.parent for path in folder.rglob("manifest.json"))
    verified = _aftertune(people, "report", "verify", str(bundle))
    narrator.say(f"  aftertune report verify {bundle}:")
    for line in verified.stdout.splitlines():
        narrator.say(f"    {line}")
    narrator.expect(verified.returncode == 0, "the bundle verifies offline")
    _expect_tampering_found(narrator, people, bundle / "report.json")
    word = {
        "manifest_digest": found["manifest_digest"],
        "accepted": True,
        "comment": "read: v2 was caught, the waivers are explained",
    }
    people.reviewer.post(f"/v1/reports/{asked['id']}/sign-offs", word)
    narrator.say(f"rita signs off manifest {found['manifest_digest'][:12]}")


def _expect_tampering_found(narrator: Narrator, people: People, file: Path) -> None:
    original = file.read_bytes()
    file.write_bytes(original.replace(b"v2", b"v3", 1))
    verified = _aftertune(people, "report", "verify", str(file.parent))
    file.write_bytes(original)
    narrator.expect(verified.returncode == 1, f"one changed byte in {file.name} is found")


def _aftertune(people: People, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "aftertune", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | people.environment | {"AFTERTUNE_TOKEN": people.reviewer_token},
        check=False,
    )
