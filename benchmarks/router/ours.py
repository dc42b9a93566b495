"""Our router as a peer: 100 % mirrored, every exchange in the spool with group fsync, metrics and credentials on.

It runs compiled, as its wheel has it.
"""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import orjson

from aftertune.control import create_control_token
from aftertune.errors import BadInput
from aftertune.identity import new_token, token_hash
from aftertune.settings import PREFIX
from aftertune.spool import Kind, scan, segments
from aftertune.values.exchange import CapturePolicy, ExchangeRole
from aftertune.values.route import KeyGrant, Mode, Route, RoutingTable, Target
from benchmarks.router.peer import Peer, Site, Start, printed
from benchmarks.router.places import COMPILED, ROOT
from benchmarks.router.process import free_port

NAME = "ours"
ROUTER = "bench"
DEPLOYMENT = "bench"
FSYNC_S = 0.05
COPIES = 256
WAITING = 16_384
"""Copies under way and waiting: as many as a load without pause needs, so that none is shed while the shadow is well."""


@dataclass(frozen=True)
class Recorded:
    """What the spool holds after a run: exchanges by the role of the release, and marks of what was not written."""

    stable: int
    shadow: int
    answered_by_shadow: int
    gaps: int


def ours() -> Peer:
    token = new_token()

    def start(site: Site) -> Start:
        write_home(site, token)
        _compile()
        settings = {
            "home": str(site.folder),
            "log_level": "WARNING",
            "router__name": ROUTER,
            "router__port": str(site.port),
            "router__admin_port": str(free_port()),
            "monitor__port": str(free_port()),
            "mirror__concurrency": str(COPIES),
            "mirror__queue": str(WAITING),
            "spool__fsync_s": str(FSYNC_S),
        }
        inherited = sorted(name for name in os.environ if name.startswith(PREFIX))
        if inherited:
            raise BadInput(f"{', '.join(inherited)} would change what is measured.", "Unset them.")
        environment = {f"{PREFIX}{name.upper()}": value for name, value in settings.items()}
        return Start((sys.executable, "-m", "serving.router"), environment, COMPILED)

    return Peer(
        name=NAME,
        mirrors=True,
        start=start,
        version=lambda: f"aftertune at {printed('git', '-C', str(ROOT), 'describe', '--always', '--dirty')}",
        missing=lambda: "",
        token=token,
    )


def _compile() -> None:
    """Does nothing while nothing has changed. Raises BadInput when there is no compiler, or it complains."""
    done = subprocess.run(
        [str(ROOT / "scripts/compile")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BadInput(f"The data path does not compile: {done.stderr.strip()[-2000:]}")


def write_home(site: Site, token: str) -> None:
    """A home folder as `aftertune up` and the monitor would leave it: the rooms' token and a routing table."""
    create_control_token(site.folder / "control.token")
    route = Route(
        deployment=DEPLOYMENT,
        generation=1,
        stable=_target("v1", site.stable),
        candidate=_target("v2", site.shadow),
        mode=Mode.SHADOW,
        mirror=1.0,
        capture=CapturePolicy.FULL,
    )
    table = RoutingTable(revision=1, routes=(route,), keys={token_hash(token): KeyGrant(name="load")})
    file = site.folder / "routing" / f"{ROUTER}.json"
    file.parent.mkdir()
    file.write_text(table.model_dump_json())


def recorded(home: Path) -> Recorded:
    """Read the spool as ingest does."""
    legs: Counter[tuple[str, bool]] = Counter()
    gaps = 0
    for folder in (home / "spool").iterdir():
        for segment in segments(folder):
            for record in scan(segment):
                header = orjson.loads(record.header)
                if record.kind == Kind.GAP:
                    gaps += 1
                else:
                    legs[header["role"], header["status"] == 200 and header["error"] is None] += 1
    shadow = ExchangeRole.SHADOW.value
    stable = ExchangeRole.STABLE.value
    return Recorded(
        stable=legs[stable, True] + legs[stable, False],
        shadow=legs[shadow, True] + legs[shadow, False],
        answered_by_shadow=legs[shadow, True],
        gaps=gaps,
    )


def _target(release: str, port: int) -> Target:
    return Target(release=release, url=f"http://127.0.0.1:{port}", served_name="bench")
