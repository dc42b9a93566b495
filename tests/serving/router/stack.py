"""A router on free ports with fake engines, and what the tests ask of it."""

import asyncio
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openai
from aiohttp import ClientSession

from aftertune.identity import token_hash
from aftertune.settings import Settings
from aftertune.settings.sections import MirrorSettings, MonitorSettings, RouterSettings, SpoolSettings
from aftertune.spool import SpoolRecord, scan, segments
from aftertune.values.exchange import CapturePolicy, ExchangeHeader
from aftertune.values.route import KeyGrant, Mode, Route, RoutingTable, Target
from serving.router.app import Router
from tests.fakes.engine import FakeEngine

CHAT_KEY = "at_chat"
CONTROL = "at_control"
DEPLOYMENT = "tasks"
TASK = "Create a task called check the pump seals with high priority."

CREATE_TASK: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "create_task",
        "parameters": {
            "type": "object",
            "properties": {"title": {"type": "string"}, "priority": {"type": "string"}},
            "required": ["title"],
        },
    },
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def settings(
    home: Path, *, monitor_port: int | None = None, mirror_timeout_s: float = 20.0, **router: Any
) -> Settings:
    """Ports are picked by the system; nobody plays the monitor unless a port is given.

    Deadlines are as long as a busy machine needs: a test of one that expires makes it short itself.
    """
    patient = {"connect_timeout_s": 20.0, "first_byte_timeout_s": 20.0}
    given = {"port": 0, "admin_port": 0, "poll_interval_s": 0.05, **patient, **router}
    return Settings(
        home=home,
        router=RouterSettings.model_validate(given),
        mirror=MirrorSettings(timeout_s=mirror_timeout_s, max_answer_bytes=1_000_000),
        spool=SpoolSettings(),
        monitor=MonitorSettings(port=monitor_port or free_port()),
    )


def target(engine: FakeEngine, accepts: tuple[str, ...] | None = None) -> Target:
    return Target(
        release=f"r-{engine.served_name}", url=engine.url, served_name=engine.served_name, accepts=accepts
    )


def table(
    stable: Target,
    candidate: Target | None = None,
    mode: Mode | None = None,
    *,
    revision: int = 1,
    generation: int = 3,
    share: float = 0.0,
    mirror: float = 1.0,
    capture: CapturePolicy = CapturePolicy.FULL,
) -> RoutingTable:
    """One deployment, stored responses allowed; with a candidate it is mirrored in full unless told otherwise."""
    route = Route(
        deployment=DEPLOYMENT,
        generation=generation,
        stable=stable,
        candidate=candidate,
        mode=mode or (Mode.SHADOW if candidate else Mode.NONE),
        share=share,
        mirror=mirror if candidate else 0.0,
        stored_responses=True,
        capture=capture,
    )
    return RoutingTable(
        revision=revision, routes=(route,), keys={token_hash(CHAT_KEY): KeyGrant(name="app-1")}
    )


def records(home: Path) -> list[tuple[ExchangeHeader, SpoolRecord]]:
    """Everything in the router's spool folder, oldest first."""
    return [
        (ExchangeHeader.model_validate_json(record.header), record)
        for segment in segments(home / "spool" / "router-1")
        for record in scan(segment)
    ]


def client(router: Router, **options: Any) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{router.url}/v1", api_key=CHAT_KEY, max_retries=0, **options)


def body(text: str = "hello", **fields: Any) -> dict[str, Any]:
    return {"model": DEPLOYMENT, "messages": [{"role": "user", "content": text}], **fields}


async def post(
    session: ClientSession,
    router: Router,
    content: Any = None,
    *,
    key: str | None = CHAT_KEY,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, dict[str, str], bytes]:
    """POST a chat request; bytes are sent as they are. Returns status, headers (lower case) and body."""
    sent = {**({"authorization": f"Bearer {key}"} if key else {}), **(headers or {})}
    payload: dict[str, Any] = {"data": content} if isinstance(content, bytes) else {"json": content or body()}
    async with session.post(f"{router.url}/v1/chat/completions", headers=sent, **payload) as answer:
        return answer.status, {n.lower(): v for n, v in answer.headers.items()}, await answer.read()


async def until_recorded(home: Path, count: int) -> None:
    """Wait for the spool to hold `count` records; what writes them signals nobody."""
    async with asyncio.timeout(60):
        while len(records(home)) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
