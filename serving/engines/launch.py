"""`python -m serving.engines.launch PARENT PID_FILE URL FOLDER COMMAND...`: write the pid file, then become the engine.

The file is written by the process that becomes the engine, so there is never an engine without one: a supervisor
that is killed at any moment finds every engine it started. If PARENT, its pid, was killed before the file could be
written, there is no engine either.
"""

import os
import sys
from pathlib import Path

import psutil

from serving.engines.pid_file import PidFile, write


def main() -> None:
    parent, file, url, folder, *command = sys.argv[1:]
    if os.getppid() != int(parent):
        sys.exit("The supervisor is gone.")
    write(Path(file), PidFile(pid=os.getpid(), create_time=psutil.Process().create_time(), url=url))
    os.chdir(folder)
    os.execvp(command[0], command)  # noqa: S606  (no shell is wanted)


if __name__ == "__main__":
    main()
