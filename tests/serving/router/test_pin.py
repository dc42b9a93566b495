"""A pin on the router's host outranks every table, and a pin file that cannot be trusted changes nothing."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st

from aftertune.pin import Pin, pin_file, write_pins
from aftertune.values.route import Mode, Route, RoutingTable, Shadow, Target
from serving.router.pin import PinWatcher
from serving.router.routing_table import Routing
from tests.fakes.engine import FakeEngine
from tests.serving.router.conftest import StartRouter
from tests.serving.router.stack import CHAT_KEY, DEPLOYMENT, body, table, target

NOWHERE = Path("/dev/null/routing.json")


def at(release: str) -> Target:
    return Target(release=release, url=f"http://{release}", served_name=release)


def pinned(**releases: str) -> dict[str, Pin]:
    when = datetime(2026, 11, 21, tzinfo=UTC)
    return {
        n: Pin(target=at(r), by="ops", reason="control plane is dead", at=when) for n, r in releases.items()
    }


class Counts:
    """What is counted, in memory."""

    def __init__(self) -> None:
        self.pins: Mapping[str, str] = {}
        self.refused = 0

    def routed(self, revision: int, generations: dict[str, int]) -> None: ...
    def refused_table(self) -> None: ...

    def pinned(self, pinned: Mapping[str, str]) -> None:
        self.pins = pinned

    def refused_pin(self) -> None:
        self.refused += 1


class Host:
    """A router's table and its watcher, looked at by hand."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.file = pin_file(folder)
        self.counts = Counts()
        self.routing = Routing(folder / "router-1.json", self.counts)
        self.watcher = PinWatcher(self.routing, self.file, self.counts)
        self.routing.accept(full_table(1))

    def stable(self, deployment: str = "a") -> str:
        route = self.routing.route(deployment)
        assert route is not None
        return route.stable.release


def full_table(revision: int) -> RoutingTable:
    """Two deployments with everything that a route can have."""
    return RoutingTable(
        revision=revision,
        routes=tuple(
            Route(
                deployment=name,
                generation=revision,
                stable=at("v1"),
                candidate=at("v2"),
                mode=Mode.CANARY,
                share=0.5,
                mirror=1.0,
                shadows=(Shadow(target=at("v3"), share=1.0),),
                fallback=at("v0"),
            )
            for name in "ab"
        ),
    )


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "routing")


def test_a_pinned_deployment_goes_wholly_to_its_target(host: Host) -> None:
    write_pins(host.file, pinned(a="v9"))
    host.watcher.look()
    route = host.routing.route("a")
    assert route == Route(deployment="a", generation=1, stable=at("v9"))
    assert host.routing.route("b") == full_table(1).route("b")
    assert host.routing.pinned == host.counts.pins == {"a": "v9"}


def test_tables_go_on_and_the_pin_stays_until_its_file_is_gone(host: Host) -> None:
    write_pins(host.file, pinned(a="v9"))
    host.watcher.look()
    host.routing.accept(full_table(2))
    host.watcher.look()
    assert (host.stable(), host.routing.generations) == ("v9", {"a": 2, "b": 2})
    write_pins(host.file, {})
    assert not host.file.exists()
    host.watcher.look()
    assert host.routing.route("a") == full_table(2).route("a")
    assert host.counts.pins == {}


def test_it_is_there_when_a_router_starts(host: Host, tmp_path: Path) -> None:
    write_pins(host.file, pinned(a="v9"))
    counts = Counts()
    again = Routing(tmp_path / "routing" / "router-2.json", counts)
    again.load()
    PinWatcher(again, host.file, counts).look()
    assert (again.revision, again.pinned) == (1, {"a": "v9"})


def test_a_pin_waits_for_its_deployment(host: Host) -> None:
    write_pins(host.file, pinned(c="v9"))
    host.watcher.look()
    assert host.routing.pinned == {}
    routes = (*full_table(2).routes, Route(deployment="c", generation=1, stable=at("v1")))
    host.routing.accept(RoutingTable(revision=2, routes=routes))
    assert (host.stable("c"), host.routing.pinned) == ("v9", {"c": "v9"})


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"pins": {"a": {}}}', b'{"pin": {}}'])
def test_a_file_that_is_none_changes_nothing_and_is_counted_once(
    host: Host, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    write_pins(host.file, pinned(a="v9"))
    host.watcher.look()
    host.file.write_bytes(content)
    for _ in range(3):
        host.watcher.look()
    assert (host.stable(), host.counts.refused) == ("v9", 1)
    assert "Nothing changes; pinned deployments: a." in caplog.text
    write_pins(host.file, pinned(a="v8"))
    host.watcher.look()
    assert (host.stable(), host.counts.refused) == ("v8", 1)


@pytest.mark.parametrize("mode", [0o644, 0o620, 0o602])
def test_a_file_that_others_may_touch_is_refused(host: Host, mode: int) -> None:
    write_pins(host.file, pinned(a="v9"))
    host.file.chmod(mode)
    host.watcher.look()
    assert (host.stable(), host.counts.refused) == ("v1", 1)
    host.file.chmod(0o600)
    host.watcher.look()
    assert host.stable() == "v9"


def test_only_its_owner_reads_it(host: Host) -> None:
    write_pins(host.file, pinned(a="v9"))
    assert host.file.stat().st_mode & 0o777 == 0o600


releases = st.sampled_from(["v1", "v2", "v9"])
steps = st.one_of(
    st.dictionaries(st.sampled_from("abc"), releases, max_size=3),
    st.integers(1, 6),
)


@given(st.lists(steps, max_size=12))
def test_whatever_the_order_the_newest_table_and_the_newest_pins_hold(
    given_steps: list[dict[str, str] | int],
) -> None:
    routing = Routing(NOWHERE, Counts())
    newest, pins = 0, dict[str, str]()
    for step in given_steps:
        if isinstance(step, int):
            newest = max(newest, step)
            routing.accept(full_table(newest))
        else:
            pins = step
            routing.pin({name: at(release) for name, release in step.items()})
    for route in _routes(routing):
        held = pins.get(route.deployment)
        assert route.generation == newest
        assert route.stable.release == (held or "v1")
        assert (route.candidate is None) == (held is not None)
        assert (route.fallback is None) == (held is not None)
        assert (route.shadows == ()) == (held is not None)


def _routes(routing: Routing) -> Iterator[Route]:
    for name in routing.deployments:
        route = routing.route(name)
        assert route is not None
        yield route


async def test_clients_get_the_pinned_release_under_the_table_s_generation(
    start: StartRouter, stable: FakeEngine, candidate: FakeEngine, session: ClientSession, tmp_path: Path
) -> None:
    served = table(target(stable), target(candidate), Mode.CANARY, share=0.0)
    router = await start(served)
    file = pin_file(tmp_path / "routing")
    when = datetime(2026, 11, 21, tzinfo=UTC)
    write_pins(file, {DEPLOYMENT: Pin(target=target(candidate), by="ops", reason="test", at=when)})
    async with asyncio.timeout(30):
        while not router.routing.pinned:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    headers = {"authorization": f"Bearer {CHAT_KEY}"}
    async with session.post(f"{router.url}/v1/chat/completions", json=body(), headers=headers) as answer:
        assert answer.status == 200
        shown = {name: answer.headers[f"x-aftertune-{name}"] for name in ("release", "generation")}
    assert shown == {"release": "r-v2", "generation": "3"}
    assert router.lease().pinned == {DEPLOYMENT: "r-v2"}
    assert not stable.seen
