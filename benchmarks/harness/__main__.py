"""How busy the harness keeps an engine, what its HTTP client costs, and its peers on the same requests.

    scripts/bench-harness-peers && python -m benchmarks.harness > benchmarks/harness.md

The engine waits half a second for each answer, on a core of its own; every runner has the other core. With a hundred
requests under way it could give 200 answers a second.
"""

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx

from benchmarks.harness import peers
from benchmarks.harness.clients import CLIENTS
from benchmarks.harness.ours import sums
from benchmarks.router.places import PEERS
from benchmarks.router.process import free_port

CONCURRENCY = 100
DELAY_S = 0.5
REQUESTS = 1_000
LONG = 4_000
"""Requests of the run that shows what is kept up: begin and end, when an engine cannot be full, weigh little in it."""

FLOOR = 0.9
RUNNER_CORE, ENGINE_CORE = "0", "1"

IMPORTS = {
    "import evals": "the package",
    "import evals.suite.suite, evals.harness.scored, evals.conclusion.conclude": "suites, every scorer and the statistics: what scoring offline takes",
    "import evals.suite.suite, evals.harness.scored, evals.conclusion.conclude, evals.harness.harness": "the same with the harness, its HTTP client and the database's",
}
HEAVY = (
    "torch",
    "transformers",
    "ragas",
    "langchain_core",
    "openai",
    "ray",
    "pandas",
    "boto3",
    "google.cloud",
)


class Ran(NamedTuple):
    """`kept`: mean requests under way, of those that were allowed, from the first request to the last answer."""

    requests: int
    kept: float
    engine_s: float
    wall_s: float
    cpu_s: float

    @property
    def row(self) -> str:
        rate = self.requests / self.engine_s
        return f"{self.requests:,} | {self.kept:.0%} | {rate:.0f} | {self.engine_s:.1f} | {self.wall_s:.1f} | {self.cpu_s:.1f}"


@contextmanager
def engine(delay_s: float) -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = (
        sys.executable,
        "-m",
        "benchmarks.harness.engine",
        "--port",
        str(port),
        "--delay",
        str(delay_s),
    )
    with subprocess.Popen(("taskset", "-c", ENGINE_CORE, *command)) as process:
        try:
            for _ in range(300):
                try:
                    httpx.get(f"{url}/load")
                    break
                except httpx.HTTPError:
                    time.sleep(0.1)
            yield url
        finally:
            process.terminate()


def ran(command: Sequence[str], url: str, folder: Path) -> Ran:
    httpx.get(f"{url}/load")
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        ("taskset", "-c", RUNNER_CORE, *command),
        env=peers.environment() | {"PYTHONPATH": str(Path.cwd())},
        cwd=folder,
        check=True,
        capture_output=True,
    )
    wall_s, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    load = httpx.get(f"{url}/load").json()
    return Ran(
        int(load["requests"]),
        load["area"] / load["seconds"] / CONCURRENCY,
        load["seconds"],
        wall_s,
        after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
    )


def runners(url: str, folder: Path) -> Iterator[tuple[str, Ran]]:
    ours = (sys.executable, "-m", "benchmarks.harness.ours", url)
    yield "ours, kept up", ran((*ours, str(LONG), str(CONCURRENCY)), url, folder)
    yield "ours", ran((*ours, str(REQUESTS), str(CONCURRENCY)), url, folder)
    samples = sums(folder, REQUESTS) / "samples.jsonl"
    for name in peers.installed():
        version = (PEERS / name / "installed").read_text().split()[0]
        command = peers.COMMANDS[name](folder, samples, url, CONCURRENCY)
        yield version.replace("==", " "), ran(command, url, folder)


def client_costs(url: str) -> Iterator[tuple[str, float]]:
    for name in CLIENTS:
        command = ("-m", "benchmarks.harness.clients", name, url, str(REQUESTS), "20")
        done = subprocess.run(
            ("taskset", "-c", RUNNER_CORE, sys.executable, *command),
            check=True,
            capture_output=True,
            text=True,
        )
        yield name, float(done.stdout)


def import_cost(statement: str) -> tuple[float, list[str]]:
    """The least CPU seconds of five imports, and heavy packages among what was loaded."""
    code = f"""
import json, sys, time
began = time.process_time()
{statement}
print(json.dumps([time.process_time() - began, sorted(sys.modules)]))
"""
    command = (sys.executable, "-c", code)
    told = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(5)
    ]
    return min(seconds for seconds, _ in told), [name for name in HEAVY if name in told[0][1]]


def print_imports() -> None:
    print(f"\n## Import\n\nOf {', '.join(HEAVY)}: what is loaded stands in the last column.\n")
    print("| statement | what it is | CPU, s | heavy packages |\n|---|---|--:|---|")
    for statement, meaning in IMPORTS.items():
        seconds, heavy = import_cost(statement)
        print(f"| `{statement}` | {meaning} | {seconds:.2f} | {', '.join(heavy) or 'none'} |")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        with engine(DELAY_S) as url:
            rows = list(runners(url, Path(name)))
        with engine(0.0) as url:
            costs = list(client_costs(url))
    load = os.getloadavg()[0]
    print("# Evaluation harness: how busy it keeps an engine\n")
    print(
        f"{platform.machine()}, {os.cpu_count()} cores shared with other work (load average {load:.0f}: read CPU before "
        f"wall), Python {platform.python_version()}. The engine answers after {DELAY_S:g} s on one core, the runner has "
        f"the other one and may have {CONCURRENCY} requests under way: {CONCURRENCY / DELAY_S:.0f} answers/s at best. "
        "Written by `python -m benchmarks.harness > benchmarks/harness.md` after `scripts/bench-harness-peers`.\n"
    )
    print(
        "| runner | requests | concurrency kept | answers/s | first request to last answer, s | whole command, s | its CPU, s |"
    )
    print("|---|--:|--:|--:|--:|--:|--:|")
    for runner, figures in rows:
        print(f"| {runner} | {figures.row} |")
    met = "met" if rows[0][1].kept >= FLOOR else "not met here"
    print(
        f"\nThe floor is {FLOOR:.0%} of the concurrency, kept up: {met}. Each command loads its libraries, asks, scores and writes"
    )
    print(
        "its log: ours into SQLite, with every answer in full. Peers run with logs on and nothing else beside.\n"
    )
    print("## The HTTP client\n\nThe same chat request, 20 under way, to an engine that answers at once.\n")
    print("| client | CPU of the caller, µs a request |\n|---|--:|")
    for client, cost in costs:
        print(f"| {client} | {cost:,.0f} |")
    print_imports()


if __name__ == "__main__":
    main()
