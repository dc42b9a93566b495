"""`python -m benchmarks.router`: measures, writes `router.md` and `router.json`, and prints the page.

`make bench-router` installs the peers first.
"""

import argparse
import json
import os
import platform
import random
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from aftertune.errors import AftertuneError, BadInput, Unavailable, UnknownName
from benchmarks.router.engine import Engine
from benchmarks.router.measure import Seconds, measure
from benchmarks.router.ours import NAME, ours
from benchmarks.router.page import Run, page
from benchmarks.router.peer import Peer, printed
from benchmarks.router.peers import LITELLM, LITELLM_MIRROR, others
from benchmarks.router.places import BUILD, ROOT
from benchmarks.router.programs import build
from benchmarks.router.reading import Reading

FULL = Seconds(warm=1, capacity=5, pace=8, streams=6, trouble=4)
QUICK = Seconds(warm=0.5, capacity=1.5, pace=2, streams=2, trouble=1)
FULL_ROUNDS = 5
QUICK_ROUNDS = 2
SLOW_TO_START = (LITELLM, LITELLM_MIRROR)
"""Left out of a quick run."""


def main(arguments: Sequence[str]) -> int:
    """The process's exit code."""
    asked = _parsed(arguments)
    try:
        chosen = _chosen(asked.peers, quick=asked.quick)
        run = _run(chosen, asked)
    except AftertuneError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    text = "\n".join(page(run)) + "\n"
    partial = asked.quick or asked.peers
    out = asked.out or (BUILD / "last" if partial else ROOT / "benchmarks/router")
    out.with_suffix(".md").write_text(text)
    out.with_suffix(".json").write_text(_as_json(run))
    print(text)
    return 0


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.router", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few short rounds, without LiteLLM")
    parser.add_argument("--rounds", type=int, help=f"default {FULL_ROUNDS}, quick {QUICK_ROUNDS}")
    parser.add_argument("--peers", default="", help="names with commas between; default: all")
    parser.add_argument(
        "--out",
        type=Path,
        help="page and figures, without suffix; default: benchmarks/router, or its build folder unless all is measured",
    )
    return parser.parse_args(arguments)


def _chosen(names: str, *, quick: bool) -> tuple[Peer, ...]:
    """In the table's order. Raises UnknownName."""
    known = {peer.name: peer for peer in (*others(), ours())}
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in known:
            raise UnknownName("peer", name, known)
    if wanted:
        return tuple(peer for name, peer in known.items() if name in wanted)
    return tuple(peer for name, peer in known.items() if not quick or name not in SLOW_TO_START)


def _run(chosen: tuple[Peer, ...], asked: argparse.Namespace) -> Run:
    seconds = QUICK if asked.quick else FULL
    rounds = asked.rounds or (QUICK_ROUNDS if asked.quick else FULL_ROUNDS)
    if (os.cpu_count() or 1) < 2:
        raise BadInput(
            "A proxy needs a core of its own beside load and engine.", "Use a machine with two cores."
        )
    missing = {peer.name: why for peer in chosen if (why := peer.missing())}
    present = [peer for peer in chosen if peer.name not in missing]
    readings, failures = _rounds(present, rounds, seconds)
    measured = {reading.peer for reading in readings}
    missing |= {peer.name: "it failed in every round." for peer in present if peer.name not in measured}
    return Run(
        command=_command(asked),
        machine=_machine(),
        date=datetime.now(UTC).date().isoformat(),
        peers=chosen,
        versions={peer.name: peer.version() for peer in present},
        missing=missing,
        failures=tuple(failures),
        readings=tuple(readings),
    )


def _rounds(present: Sequence[Peer], rounds: int, seconds: Seconds) -> tuple[list[Reading], list[str]]:
    """Every peer once in each round, each round in another order; and which failed when. Ours may not fail."""
    programs = build()
    readings: list[Reading] = []
    failures: list[str] = []
    with ExitStack() as stack:
        stable, shadow = (
            stack.enter_context(Engine(programs["upstream"], name)) for name in ("stable", "shadow")
        )
        for number in range(1, rounds + 1):
            for peer in random.Random(number).sample(list(present), len(present)):
                try:
                    reading = measure(peer, number, seconds, programs["load"], stable, shadow)
                except Unavailable as error:
                    if peer.name == NAME:
                        raise
                    failures.append(f"{peer.name} in round {number}")
                    _say(f"round {number}/{rounds} {error}")
                else:
                    readings.append(reading)
                    _say(f"round {number}/{rounds} {peer.name}: {reading.capacity.cpu_us:,.0f} µs a request")
    return readings, failures


def _command(asked: argparse.Namespace) -> str:
    said = ["make bench-router", *(["QUICK=1"] if asked.quick else [])]
    said += [f"ROUNDS={asked.rounds}"] if asked.rounds else []
    said += [f"PEERS='{asked.peers}'"] if asked.peers else []
    return " ".join(said)


def _machine() -> str:
    """Its kind, without names."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")
    return (
        f"{os.cpu_count()} cores of {model}, {platform.freedesktop_os_release()['PRETTY_NAME']}, "
        f"Linux {platform.release().partition('-')[0]}, Python {platform.python_version()}, {printed('cc', '--version')}"
    )


def _as_json(run: Run) -> str:
    content = {
        "command": run.command,
        "machine": run.machine,
        "date": run.date,
        "versions": run.versions,
        "missing": run.missing,
        "failures": run.failures,
        "readings": [asdict(reading) for reading in run.readings],
    }
    return json.dumps(content, indent=1) + "\n"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
