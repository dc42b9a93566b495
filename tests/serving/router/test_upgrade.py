"""Every router process of a host is replaced twice, under traffic all the time: every answer is whole."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import openai
import pytest

from aftertune.control import create_control_token
from aftertune.roll import roll
from aftertune.rooms import Room, routers, stand_in
from aftertune.settings import Settings
from aftertune.settings.sections import MonitorSettings, RouterSettings
from tests.fakes.engine import FakeEngine
from tests.flows.ports import free_row
from tests.serving.router.stack import CHAT_KEY, DEPLOYMENT, free_port, table, target

ROOT = Path(__file__).parents[3]
SAID = "TaskMaster here: I keep your tasks in order, one at a time."
OVER = object()


@dataclass
class Processes:
    """The processes of one host, as `aftertune up` keeps them; `started` counts those of each room."""

    environment: dict[str, str]
    started: dict[str, int] = field(default_factory=dict)
    _children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, room: Room) -> None:
        command = [sys.executable, "-m", room.module]
        self._children[room.name] = subprocess.Popen(
            command, cwd=ROOT, env={**self.environment, **room.settings}
        )
        self.started[room.name] = self.started.get(room.name, 0) + 1

    def runs(self, room: Room) -> bool:
        return room.name in self._children and self._children[room.name].poll() is None

    def end(self, room: Room) -> None:
        self._children[room.name].send_signal(signal.SIGTERM)

    def kill(self, room: Room) -> None:
        raise AssertionError(f"{room.name} does not end by itself")

    def retire(self, room: Room) -> None:
        assert self._children.pop(room.name).returncode == 0

    def kill_all(self) -> None:
        for child in self._children.values():
            child.kill()
            child.wait()


@dataclass
class Users:
    """Ask until told; `kept` use one connection as long as it lasts, the others a new one for each request."""

    url: str
    over: asyncio.Event = field(default_factory=asyncio.Event)
    whole: int = 0
    retried: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    faults: list[str] = field(default_factory=list)

    async def ask(self, *, kept: bool, stream: bool) -> None:
        limits = httpx2.Limits() if kept else httpx2.Limits(max_keepalive_connections=0)
        async with openai.AsyncOpenAI(
            base_url=f"{self.url}/v1",
            api_key=CHAT_KEY,
            max_retries=2,
            timeout=60,
            http_client=openai.DefaultAsyncHttpxClient(limits=limits),
        ) as client:
            while not self.over.is_set():
                try:
                    said = await self._answer(client, kept=kept, stream=stream)
                except (openai.OpenAIError, httpx2.TransportError) as error:
                    self.faults.append(f"{kept=} {stream=} {error!r} from {error.__cause__!r}")
                else:
                    self.whole += said == SAID
                    if said != SAID:
                        self.faults.append(f"{kept=} {stream=} said {said!r}")

    async def _answer(self, client: openai.AsyncOpenAI, *, kept: bool, stream: bool) -> str:
        raw = await client.chat.completions.with_raw_response.create(
            model=DEPLOYMENT, messages=[{"role": "user", "content": "hello"}], stream=stream
        )
        self.retried[kept] += raw.retries_taken
        parsed = raw.parse()
        if isinstance(parsed, openai.AsyncStream):
            chunks = [chunk async for chunk in parsed]
            assert chunks[-1].choices[0].finish_reason == "stop"
            return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        return str(parsed.choices[0].message.content)

    async def wait_for_more(self, answers: int) -> None:
        wanted = self.whole + answers
        async with asyncio.timeout(120):
            while self.whole < wanted and not self.faults:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Two routers on one port; nobody plays the monitor."""
    return Settings(
        home=tmp_path,
        router=RouterSettings(port=free_port(), admin_port=free_row(3), processes=2),
        monitor=MonitorSettings(port=free_port()),
    )


@pytest.fixture
def processes(settings: Settings) -> Iterator[Processes]:
    create_control_token(settings.control_token_file)
    (settings.home / "routing").mkdir()
    plain = {name: value for name, value in os.environ.items() if not name.startswith("AFTERTUNE_")}
    running = Processes(
        {
            **plain,
            "AFTERTUNE_HOME": str(settings.home),
            "AFTERTUNE_ROUTER__PORT": str(settings.router.port),
            "AFTERTUNE_MONITOR__PORT": str(settings.monitor.port),
        }
    )
    yield running
    running.kill_all()


async def looks(steps: Iterator[None], holds: Callable[[], bool] = lambda: False) -> None:
    """Take the steps to their end, in a thread: some of them ask over HTTP."""
    async with asyncio.timeout(300):
        while await asyncio.to_thread(next, steps, OVER) is None and not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def ready(rooms: tuple[Room, ...]) -> None:
    async with asyncio.timeout(120):
        for room in rooms:
            while not await asyncio.to_thread(room.is_ready):  # noqa: ASYNC110
                await asyncio.sleep(0.05)


@pytest.mark.timeout(600)
async def test_every_answer_is_whole(settings: Settings, processes: Processes, stable: FakeEngine) -> None:
    stable.pause_s = 0.3
    # The last table of one of the routers is on disk: the others of the host start by it.
    last = settings.home / "routing" / "router-1.json"
    last.write_text(table(target(stable)).model_dump_json())
    both = routers(settings)
    for room in both:
        processes.start(room)
    await ready(both)
    users = Users(settings.router_url)
    asking = [
        asyncio.create_task(users.ask(kept=kept, stream=stream))
        for kept in (True, False)
        for stream in (True, True, False)
    ]
    said: list[str] = []
    for _ in range(2):
        await looks(roll(processes, both, stand_in(settings), time.monotonic, said.append))
        await users.wait_for_more(20)
    users.over.set()
    await asyncio.gather(*asking)

    assert users.faults == []
    assert users.whole > 40
    assert processes.started == {"router-1": 3, "router-2": 3, "router-3": 2}
    assert said.count("replaced router-1, router-2") == 2
    print(
        f"{users.whole} answers; retried: {users.retried[True]} on kept, {users.retried[False]} on new connections"
    )


@pytest.mark.timeout(600)
async def test_a_successor_that_does_not_start_stops_the_upgrade(
    settings: Settings, processes: Processes, stable: FakeEngine
) -> None:
    last = settings.home / "routing" / "router-1.json"
    last.write_text(table(target(stable)).model_dump_json())
    both = routers(settings)
    for room in both:
        processes.start(room)
    await ready(both)
    said: list[str] = []
    steps = roll(processes, both, stand_in(settings), time.monotonic, said.append)
    await looks(steps, lambda: processes.started.get("router-3", 0) > 0)
    await ready((stand_in(settings),))
    processes.environment["AFTERTUNE_ROUTER__DRAIN_S"] = "wrong"
    await looks(steps)

    assert processes.started == {"router-1": 2, "router-2": 1, "router-3": 1}
    assert said[-1].startswith("router-1 does not become ready")
    assert "Not replaced: router-2." in said[-1]
    assert [processes.runs(room) for room in (*both, stand_in(settings))] == [False, True, True]
    async with openai.AsyncOpenAI(base_url=f"{settings.router_url}/v1", api_key=CHAT_KEY) as client:
        assert [model.id async for model in client.models.list()] == [DEPLOYMENT]
