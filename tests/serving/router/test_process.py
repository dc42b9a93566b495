"""The real process: killed, stopped, and started badly."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession

from aftertune.control import create_control_token
from aftertune.values.route import RoutingTable
from tests.fakes.engine import FakeEngine, Fault
from tests.serving.router.stack import CHAT_KEY, body, free_port, records, table, target

ROOT = Path(__file__).parents[3]
HEADERS = {"authorization": f"Bearer {CHAT_KEY}"}


@asynccontextmanager
async def process(
    home: Path, port: int, served: RoutingTable | None = None, admin_port: int = 0
) -> AsyncIterator[Process]:
    """`python -m serving.router` with its last table on disk and no monitor."""
    create_control_token(home / "control.token")
    if served is not None:
        (home / "routing").mkdir(exist_ok=True)
        (home / "routing" / "router-1.json").write_text(served.model_dump_json())
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AFTERTUNE_")},
        "AFTERTUNE_HOME": str(home),
        "AFTERTUNE_ROUTER__PORT": str(port),
        "AFTERTUNE_ROUTER__ADMIN_PORT": str(admin_port or free_port()),
        "AFTERTUNE_MONITOR__PORT": str(free_port()),
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "serving.router", cwd=ROOT, env=environment, stderr=PIPE
    )
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.communicate()


async def serving(session: ClientSession, url: str) -> None:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(OSError):
                async with session.get(f"{url}/healthz") as health:
                    if health.status == 200:
                        return
            await asyncio.sleep(0.05)


async def becomes(session: ClientSession, url: str, status: int) -> object:
    async with asyncio.timeout(60):
        while True:
            async with session.get(url) as answer:
                if answer.status == status:
                    return await answer.json()
            await asyncio.sleep(0.02)


async def test_a_kill_after_the_last_byte_loses_nothing(
    stable: FakeEngine, session: ClientSession, tmp_path: Path
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    for stream in (True, False, True, False):
        async with process(tmp_path, port, table(target(stable))) as child:
            await serving(session, url)
            asked, chat = body(stream=stream), f"{url}/v1/chat/completions"
            async with session.post(chat, json=asked, headers=HEADERS) as answer:
                seen = b""
                async for piece in answer.content.iter_any():
                    seen += piece
                    if b"[DONE]" in seen or seen.endswith(b"}"):
                        child.kill()
                        break
            await child.wait()
    found = [(header.stream, header.error, bool(record.answer)) for header, record in records(tmp_path)]
    assert found == [(True, None, True), (False, None, True)] * 2


async def test_sigterm_lets_a_stream_end(stable: FakeEngine, session: ClientSession, tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    stable.pause_s = 1.0
    async with process(tmp_path, port, table(target(stable))) as child:
        await serving(session, url)
        chat = f"{url}/v1/chat/completions"
        async with session.post(chat, json=body(stream=True), headers=HEADERS) as answer:
            await answer.content.readuntil(b"\n\n")
            child.send_signal(signal.SIGTERM)
            assert (await answer.read()).endswith(b"data: [DONE]\n\n")
        assert await asyncio.wait_for(child.wait(), 60) == 0
    ((header, _),) = records(tmp_path)
    assert header.error is None


async def test_sigterm_is_told_to_load_balancers_and_to_kept_connections(
    stable: FakeEngine, session: ClientSession, tmp_path: Path
) -> None:
    port, admin_port = free_port(), free_port()
    url, admin = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{admin_port}"
    stable.steps = asyncio.Semaphore(2)
    async with process(tmp_path, port, table(target(stable)), admin_port) as child:
        await serving(session, url)
        chat = f"{url}/v1/chat/completions"
        async with session.post(chat, json=body(stream=True), headers=HEADERS) as answer:
            await answer.content.readuntil(b"\n\n")
            child.send_signal(signal.SIGTERM)
            assert await becomes(session, f"{admin}/healthz", 503) == {"status": "draining", "revision": 1}
            for _ in range(100):
                stable.steps.release()
            assert (await answer.read()).endswith(b"data: [DONE]\n\n")
        assert await asyncio.wait_for(child.wait(), 60) == 0


async def test_a_kept_connection_is_ended_with_an_answer(
    stable: FakeEngine, session: ClientSession, tmp_path: Path
) -> None:
    """It is in use all the time: an idle one is closed without a word after a second."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with process(tmp_path, port, table(target(stable))) as child:
        await serving(session, url)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        ask = f"GET /v1/models HTTP/1.1\r\nhost: r\r\nauthorization: Bearer {CHAT_KEY}\r\n\r\n".encode()

        async def answered() -> tuple[bytes, bytes]:
            writer.write(ask)
            return (await reader.readuntil(b"\r\n\r\n")).lower(), await reader.readuntil(b"]}")

        head, _ = await answered()
        assert b"connection: close" not in head
        child.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            while b"connection: close" not in head:
                head, models = await answered()
            assert await reader.read() == b""
        writer.close()
        assert b'"list"' in models
        assert await asyncio.wait_for(child.wait(), 60) == 0


async def test_a_pin_by_hand_needs_nothing_but_this_host(
    stable: FakeEngine, candidate: FakeEngine, session: ClientSession, tmp_path: Path
) -> None:
    """The command, the file and the router: there is no monitor, no console and no database."""
    port, admin_port = free_port(), free_port()
    url = f"http://127.0.0.1:{port}"

    async def aftertune(*arguments: str) -> str:
        environment = {
            **os.environ,
            "AFTERTUNE_HOME": str(tmp_path),
            "AFTERTUNE_ROUTER__ADMIN_PORT": str(admin_port),
        }
        command = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "aftertune", *arguments, cwd=ROOT, env=environment, stdout=PIPE, stderr=PIPE
        )
        said, trouble = await asyncio.wait_for(command.communicate(), 60)
        assert command.returncode == 0, said + trouble
        return said.decode()

    async def answered() -> str:
        async with session.post(f"{url}/v1/chat/completions", json=body(), headers=HEADERS) as answer:
            assert answer.status == 200
            return answer.headers["x-aftertune-release"]

    async with process(tmp_path, port, table(target(stable), target(candidate)), admin_port):
        await serving(session, url)
        assert await answered() == "r-v1"
        said = await aftertune("pin", "tasks", "r-v2", "--reason", "the control plane is dead")
        assert "router-1: shows it" in said
        assert await answered() == "r-v2"
        assert "router-1: shows it" in await aftertune("unpin", "tasks")
        assert await answered() == "r-v1"


async def test_sigterm_does_not_wait_for_idle_connections(
    stable: FakeEngine, candidate: FakeEngine, session: ClientSession, tmp_path: Path
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    candidate.fault = Fault.HANG
    async with process(tmp_path, port, table(target(stable), target(candidate))) as child:
        await serving(session, url)
        async with session.post(f"{url}/v1/chat/completions", json=body(), headers=HEADERS) as answer:
            assert answer.status == 200
        child.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(child.wait(), 25) == 0, "a drain lasts 30 s"


async def test_a_port_in_use_is_told_on_standard_error(session: ClientSession, tmp_path: Path) -> None:
    async with FakeEngine("holder") as holder, process(tmp_path, holder.port) as child:
        _, stderr = await asyncio.wait_for(child.communicate(), 60)
    assert child.returncode == 2
    message = f"error: Port {holder.port} on 127.0.0.1 is in use. Stop the program that holds it, or set AFTERTUNE_ROUTER__PORT."
    assert stderr.decode().strip().endswith(message)


@pytest.mark.parametrize("mode", [None, 0o644])
async def test_a_missing_or_open_control_token_stops_the_start(tmp_path: Path, mode: int | None) -> None:
    async with process(tmp_path, free_port()) as child:
        file = tmp_path / "control.token"
        if mode is None:
            file.unlink()
        else:
            file.chmod(mode)
        _, stderr = await asyncio.wait_for(child.communicate(), 60)
    assert child.returncode == 2
    assert stderr.startswith(b"error: The control token")


def test_the_router_needs_no_torch_and_no_database() -> None:
    import subprocess

    code = "import sys, serving.router.__main__; print([m for m in ('torch', 'sqlmodel', 'sqlalchemy', 'fastapi') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
