"""The campaigns. Each returns the account at its end; whoever runs it judges."""

import resource
import time
from pathlib import Path
from random import Random
from typing import NamedTuple

from aftertune.migrations import upgrade
from aftertune.store import Store
from benchmarks.durability.account import Account, account
from benchmarks.durability.stack import KEY, running
from benchmarks.durability.users import Users
from tests.flows.waiting import wait_for
from tests.postgres import Postgres

SETTLE_S = 900.0
_USERS = 8


class Kills(NamedTuple):
    router: int
    ingest: int


def migrated(url: str) -> Store:
    store = Store(url)
    upgrade(store.engine)
    return store


def kills(home: Path, url: str, count: int, rate: float, seed: int) -> tuple[Account, Kills]:
    """`kill -9` of the router or of ingest, at random points under load, each time once it works again."""
    random, store = Random(seed), migrated(url)
    killed = {"router": 0, "ingest": 0}
    with running(home, url) as stack:
        with Users(stack.url, KEY, _USERS, rate) as users:
            for _ in range(count):
                name = random.choice(("router", "ingest"))
                victim = stack.router if name == "router" else stack.ingest
                seen = len(users.whole)
                wait_for(lambda seen=seen: len(users.whole) >= seen + 5, "answers", 60)  # type: ignore[misc]
                time.sleep(random.uniform(0, 0.5))
                victim.kill()
                victim.start()
                killed[name] += 1
                if name == "router":
                    wait_for(stack.serves, "the router", 60)
        stack.settle(SETTLE_S)
    found = account(store, users.whole, users.failed)
    store.close()
    return found, Kills(**killed)


def full_disk(home: Path, url: str, seconds: float, rate: float) -> Account:
    """The kernel lets the router write no more for a while (a limit on the size of its files), then it does again."""
    store = migrated(url)
    with running(home, url) as stack:
        with Users(stack.url, KEY, _USERS, rate) as users:
            wait_for(lambda: len(users.whole) >= 20, "answers", 60)
            largest = max(segment.stat().st_size for segment in stack.segments())
            _, hard = resource.prlimit(stack.router.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(stack.router.pid, resource.RLIMIT_FSIZE, (largest, hard))
            time.sleep(seconds)
            resource.prlimit(stack.router.pid, resource.RLIMIT_FSIZE, (hard, hard))
            seen = len(users.whole)
            wait_for(lambda: len(users.whole) >= seen + 20, "answers", 60)
        stack.settle(SETTLE_S)
    found = account(store, users.whole, users.failed)
    store.close()
    return found


def database_away(home: Path, server: Postgres, seconds: float, rate: float) -> tuple[Account, float]:
    """PostgreSQL is stopped for a while; also returns how long ingest took to catch up, in seconds."""
    url = server.url(server.create_database())
    store = migrated(url)
    with running(home, url) as stack:
        with Users(stack.url, KEY, _USERS, rate) as users:
            wait_for(lambda: len(users.whole) >= 20, "answers", 60)
            server.stop()
            time.sleep(seconds)
            server.start()
        began = time.monotonic()
        stack.settle(SETTLE_S)
        caught_up = time.monotonic() - began
    found = account(store, users.whole, users.failed)
    store.close()
    return found, caught_up
