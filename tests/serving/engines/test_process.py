import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from serving.engines.pid_file import PidFile, read, write
from serving.engines.process import EngineProcesses, free_port


def processes(home: Path) -> EngineProcesses:
    return EngineProcesses(home / "engines", home / "logs", home / "models")


def test_a_pid_file_of_somebody_elses_process_is_not_believed(tmp_path: Path) -> None:
    here = processes(tmp_path)
    write(
        tmp_path / "engines" / "r1.json",
        PidFile(os.getpid(), psutil.Process().create_time() - 3600, "http://x"),
    )
    assert here.find("r1") is None
    here.stop(["r1"], 0.1)  # and so this test is not killed
    assert here.started() == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', "null"])
def test_a_broken_pid_file_is_no_pid_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "r1.json").write_text(text)
    assert read(tmp_path / "r1.json") is None


def test_an_engine_outlives_the_supervisor_that_was_killed(tmp_path: Path) -> None:
    program = f"""
import os, signal
from pathlib import Path
from tests.serving.engines.test_process import processes
processes(Path({str(tmp_path)!r})).start("r1", "http://x", ["sleep", "600"], dict(os.environ))
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", program], check=False)
    assert killed.returncode == -9
    here = processes(tmp_path)
    found = here.find("r1")
    assert found is not None
    assert psutil.Process(found.pid).cmdline() == ["sleep", "600"]
    started = time.monotonic()
    here.stop(["r1"], 100)
    assert time.monotonic() - started < 50, "it ends when it is asked to"
    assert here.find("r1") is None


def test_a_wanted_port_is_kept_unless_it_is_taken() -> None:
    port = free_port(None, ())
    assert free_port(port, ()) == port
    assert free_port(port, {port}) != port
