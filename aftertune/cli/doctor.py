"""`aftertune doctor`: what is wrong on this machine, and what to do about it."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import httpx
import typer

from aftertune.audit import verify
from aftertune.cli import show
from aftertune.control import read_control_token
from aftertune.errors import AftertuneError
from aftertune.rooms import rooms
from aftertune.settings import Settings, load
from aftertune.trust import trusted
from aftertune.values.release import EngineKind, EngineState

LEAST_FREE_BYTES = 2_000_000_000


class Finding(NamedTuple):
    ok: bool
    subject: str
    detail: str


def doctor() -> None:
    """Check the machine, the rooms, the engines and the audit chain. Exit code 1 when something is wrong."""
    settings = load()
    findings = [*_machine(settings), *_rooms(settings), *_records(settings)]
    show.table(("", "what", "finding"), (("ok" if f.ok else "WRONG", f.subject, f.detail) for f in findings))
    raise typer.Exit(0 if all(f.ok for f in findings) else 1)


def _machine(settings: Settings) -> Iterator[Finding]:
    folder = settings.home if settings.home.exists() else settings.home.absolute().parent
    free = shutil.disk_usage(folder).free
    yield Finding(free > LEAST_FREE_BYTES, "disk", f"{free / 1e9:.1f} GB free under {folder}")
    if settings.engines.kind is EngineKind.TRANSFORMERS:
        missing = [name for name in ("torch", "transformers", "peft") if find_spec(name) is None]
        detail = (
            f"missing: {', '.join(missing)}; run 'make install'" if missing else "torch, transformers, peft"
        )
        yield Finding(not missing, "embedded engine", detail)
    if settings.engines.kind is EngineKind.VLLM:
        found = Path(settings.engines.vllm_python).exists()
        detail = settings.engines.vllm_python if found else "not installed; run 'make vllm'"
        yield Finding(found, "vLLM", detail)
    try:
        read_control_token(settings.control_token_file)
        yield Finding(True, "control token", "present, readable by its owner only")
    except AftertuneError as error:
        yield Finding(False, "control token", str(error))


def _rooms(settings: Settings) -> Iterator[Finding]:
    for room in rooms(settings):
        try:
            status = httpx.get(room.health, timeout=2.0, verify=trusted()).status_code
            yield Finding(status == httpx.codes.OK, room.name, f"{room.health} answers {status}")
        except httpx.HTTPError:
            yield Finding(False, room.name, f"{room.health} does not answer; start 'aftertune up'")


def _records(settings: Settings) -> Iterator[Finding]:
    # Imported here: few commands open the database, and all would wait for its library.
    from aftertune.store import Store  # noqa: PLC0415

    store = Store(settings.database_url)
    try:
        with store.read() as tx:
            chain = verify(tx.audit.entries())
            engines = tx.releases.engines()
            current = tx.routing.current()
            routers = tx.routing.routers()
    except AftertuneError as error:
        yield Finding(False, "database", str(error))
        return
    finally:
        store.close()
    yield Finding(True, "database", store.engine.url.render_as_string(hide_password=True))
    detail = f"{chain.entries} entries, head {chain.head[:16]}" if chain.ok else chain.reason
    yield Finding(chain.ok, "audit chain", detail)
    for name, engine in sorted(engines.items()):
        ok = engine.state in (EngineState.READY, EngineState.STOPPED)
        yield Finding(ok, f"engine of {name}", f"{engine.state} {engine.reason}".strip())
    for router in routers:
        behind = current.revision - router.lease.revision
        detail = "follows the newest table" if not behind else f"{behind} tables behind"
        yield Finding(behind <= 1, f"router {router.lease.router}", detail)
        if router.until > datetime.now(UTC):
            for name, release in router.lease.fallen_back.items():
                said = f"{release} answers: {router.lease.router} finds every engine of stable down"
                yield Finding(False, f"deployment {name}", said)
