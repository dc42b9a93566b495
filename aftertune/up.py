"""`aftertune up`: every room as a child process on one machine, restarted when it dies, ended together.

Rooms are found by name only: this module starts them with `python -m` and never imports them.
"""

import fcntl
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from aftertune.child import end_with_us
from aftertune.clock import Clock
from aftertune.control import create_control_token
from aftertune.errors import AftertuneError, BadInput, Unavailable
from aftertune.identity import Role, new_token
from aftertune.migrations import upgrade
from aftertune.roll import roll
from aftertune.rooms import Room, port_is_free, ports, rooms, routers, stand_in
from aftertune.settings import Settings
from aftertune.store import Store

log = logging.getLogger(__name__)

STOP_GRACE_S = 35.0
"""A router drains for up to 30 s; after this a room is killed."""

_OVER = object()

DATABASE_PATIENCE_S = 10.0
"""A database that starts together with the rooms is ready by then."""


@dataclass
class _Child:
    """`ending`: it was told to, and is not started again."""

    room: Room
    process: subprocess.Popen[bytes]
    started: float
    failures: int = 0
    restart_at: float | None = None
    ending: bool = False


@contextmanager
def only_one(home: Path) -> Iterator[bool]:
    """Hold the home folder for one `up`; yields whether the last one was killed. Raises BadInput while one runs."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / "up.lock").open("a+b") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput(
                f"'aftertune up' already runs on {home}.", "Stop it, or set AFTERTUNE_HOME."
            ) from None
        lock.seek(0)
        was_killed = bool(lock.read())
        lock.write(b"running")
        lock.flush()
        try:
            yield was_killed
        finally:
            lock.truncate(0)


def prepare(settings: Settings, clock: Clock, say: Callable[[str], None]) -> None:
    """Make the schema, the control token and, the first time, an admin, whose token is said once.

    It is said before it is stored (as a hash): a crash in between costs nothing, the next start makes another.
    A database that does not answer is waited for, DATABASE_PATIENCE_S long. Raises BadInput.
    """
    (settings.home / "logs").mkdir(exist_ok=True)
    create_control_token(settings.control_token_file)
    store = Store(settings.database_url)
    try:
        _migrate(store, say)
        with store.write() as tx:
            if tx.users.count():
                return
            token = new_token()
            tx.users.add("admin", frozenset({Role.ADMIN}), token, clock.now())
            tx.audit.append(clock.now(), "system", "create_user", "admin", {"roles": [Role.ADMIN]})
            say(f"admin token (shown once): {token}")
    finally:
        store.close()


def _migrate(store: Store, say: Callable[[str], None]) -> None:
    deadline, told = time.monotonic() + DATABASE_PATIENCE_S, False
    while True:
        try:
            return upgrade(store.engine)
        except Unavailable as error:
            if time.monotonic() > deadline:
                raise BadInput(error.what, "Start it, or correct AFTERTUNE_DATABASE__URL.") from error
            if not told:
                say(f"{error.what} Trying again for {DATABASE_PATIENCE_S:g} s.")
                told = True
            time.sleep(0.2)


def refuse_taken_ports(settings: Settings, patience_s: float) -> None:
    """Raises BadInput, naming the setting, for a port that is still taken after `patience_s` seconds."""
    deadline = time.monotonic() + patience_s
    for name, (host, port) in ports(settings).items():
        while not port_is_free(host, port):
            if time.monotonic() > deadline:
                raise BadInput(
                    f"Port {port} on {host} is in use.",
                    f"Stop what listens there, or set AFTERTUNE_{name.split(' ')[0].upper()} to a free port.",
                )
            time.sleep(0.1)


@dataclass
class Supervisor:
    """Starts the rooms, restarts them when they die, replaces the routers on SIGHUP, stops all on request."""

    settings: Settings
    say: Callable[[str], None]
    environment: Mapping[str, str]
    _children: dict[str, _Child] = field(default_factory=dict)
    _stopping: bool = False
    _roll_wanted: bool = False

    def run(self) -> None:
        """Until SIGINT or SIGTERM. Raises BadInput when a room cannot start, Unavailable when one is not ready."""
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGHUP, self._on_hangup)
        try:
            for room in rooms(self.settings):
                self.start(room)
            self._wait_until_ready()
            self.say(f"console  {self.settings.console_url}")
            self.say(f"router   {self.settings.router_url}/v1")
            rolling: Iterator[None] = iter(())
            while not self._stopping:
                self._revive()
                if next(rolling, _OVER) is _OVER and self._roll_wanted:
                    self._roll_wanted = False
                    rolling = roll(
                        self, routers(self.settings), stand_in(self.settings), time.monotonic, self.say
                    )
                time.sleep(0.1)
        except AftertuneError:
            if not self._stopping:
                raise
        finally:
            self._stop_all()

    def start(self, room: Room) -> None:
        """Begin its process, whatever became of an earlier one."""
        with self._log_file(room).open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", room.module],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**self.environment, **room.settings},
                start_new_session=True,
                preexec_fn=end_with_us,  # noqa: PLW1509  (single-threaded here)
            )
        before = self._children.get(room.name)
        self._children[room.name] = _Child(
            room, process, time.monotonic(), failures=before.failures if before else 0
        )

    def runs(self, room: Room) -> bool:
        child = self._children.get(room.name)
        return child is not None and child.process.poll() is None

    def end(self, room: Room) -> None:
        """Ask it to; it is not started again."""
        self._children[room.name].ending = True
        self._signal(room, signal.SIGTERM)

    def kill(self, room: Room) -> None:
        self._signal(room, signal.SIGKILL)

    def retire(self, room: Room) -> None:
        """A router that has ended and does not come back is no longer expected to follow."""
        self._children.pop(room.name, None)
        store = Store(self.settings.database_url)
        try:
            with store.write() as tx:
                tx.routing.forget(room.name)
        except AftertuneError as error:
            self.say(f"{room.name} stays listed as silent: {error}")
        finally:
            store.close()

    def _signal(self, room: Room, number: signal.Signals) -> None:
        child = self._children.get(room.name)
        if child is not None and child.process.poll() is None:
            child.process.send_signal(number)

    def _wait_until_ready(self) -> None:
        for room in rooms(self.settings):
            deadline = time.monotonic() + 60
            while not self._stopping and not room.is_ready():
                child = self._children[room.name]
                if child.process.poll() is not None:
                    tail = self._log_file(room).read_text(errors="replace").strip().splitlines()[-3:]
                    raise BadInput(f"{room.name} could not start: {' '.join(tail) or 'no message'}")
                if time.monotonic() > deadline:
                    raise Unavailable(f"{room.name} is not ready.", f"Look at {self._log_file(room)}.")
                time.sleep(0.05)

    def _revive(self) -> None:
        now = time.monotonic()
        for child in list(self._children.values()):
            code = child.process.poll()
            if code is None or child.ending:
                continue
            if child.restart_at is None:
                child.failures = 0 if now - child.started > 60 else child.failures + 1
                child.restart_at = now + min(5.0, 0.1 * 2**child.failures)
                self.say(f"{child.room.name} ended (exit code {code}); starting it again")
            elif now >= child.restart_at:
                self.start(child.room)

    def _stop_all(self) -> None:
        for child in reversed(self._children.values()):
            if child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + STOP_GRACE_S
        for child in self._children.values():
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _on_hangup(self, _number: int, _frame: FrameType | None) -> None:
        self._roll_wanted = True

    def _log_file(self, room: Room) -> Path:
        return self.settings.home / "logs" / f"{room.name}.log"


def child_environment(settings: Settings) -> dict[str, str]:
    """The rooms' environment: ours, with the home folder made absolute."""
    return {**os.environ, "AFTERTUNE_HOME": str(settings.home.absolute())}
