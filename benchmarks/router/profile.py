"""`python -m benchmarks.router.profile [stream]`: where our router spends its time at capacity.

Prints the functions by their own time and by the time of all they call; the samples are py-spy's, in
`build/profile.txt` in the form that flame graphs are made from. `PROFILE=1 scripts/bench-peers` installs py-spy.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from aftertune.errors import AftertuneError, BadInput
from benchmarks.router.bench import started, temporary_home
from benchmarks.router.engine import Engine
from benchmarks.router.measure import CONNECTIONS
from benchmarks.router.ours import ours
from benchmarks.router.places import BUILD, PEERS, REST_CORE
from benchmarks.router.programs import build

SECONDS = 10
SHOWN = 30
STEP_US = 10_000
WAITS = ("epoll_pwait", "lock_PyThread_acquire_lock")
"""A thread in one of these does nothing."""
SAMPLES = BUILD / "profile.txt"


def main(arguments: list[str]) -> int:
    """The process's exit code."""
    try:
        _record(stream="stream" in arguments)
    except AftertuneError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    print("\n".join(summary(SAMPLES.read_text().splitlines())))
    return 0


def summary(stacks: Iterable[str]) -> Iterator[str]:
    """Of lines `outer;inner;innermost count`: the functions that most samples were in, and in or below; waiting is left out."""
    own: Counter[str] = Counter()
    below: Counter[str] = Counter()
    for line in stacks:
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        if any(frame.startswith(WAITS) for frame in frames):
            continue
        own[frames[-1]] += int(count)
        for frame in set(frames):
            below[frame] += int(count)
    total = max(1, own.total())
    for name, counted in (("own time", own), ("with all it calls", below)):
        yield f"{name}, of {total} samples:"
        yield from (f"{count / total:7.1%}  {frame}" for frame, count in counted.most_common(SHOWN))


def _record(*, stream: bool) -> None:
    program = PEERS / "py-spy/bin/py-spy"
    if not program.exists():
        raise BadInput("py-spy is not installed.", "Run PROFILE=1 scripts/bench-peers.")
    programs = build()
    with ExitStack() as stack:
        stable, shadow = (
            stack.enter_context(Engine(programs["upstream"], name)) for name in ("stable", "shadow")
        )
        home = stack.enter_context(temporary_home())
        bench = stack.enter_context(started(ours(), home, programs["load"], stable, shadow))
        if stream:
            for engine in (stable, shadow):
                engine.tell(interval_us=STEP_US, step=1)
        with ThreadPoolExecutor(1) as pool:
            loading = pool.submit(bench.closed, CONNECTIONS, SECONDS + 3.0, stream=stream)
            command = [
                *("taskset", "--cpu-list", str(REST_CORE), str(program), "record", "--native"),
                *("--pid", str(bench.program.pid), "--duration", str(SECONDS), "--rate", "200"),
                *("--format", "raw", "--output", str(SAMPLES)),
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            loading.result()
    if done.returncode != 0:
        raise BadInput(f"py-spy failed: {done.stderr.strip()}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
