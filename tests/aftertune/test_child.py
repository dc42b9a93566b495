import os
import select
import signal
import subprocess
import sys

import pytest

PARENT = """
import subprocess, sys, time
from functools import partial
from aftertune.child import end_with_us

number = int(sys.argv[1])
waits = [sys.executable, "-c", "import signal; signal.signal(signal.SIGTERM, signal.SIG_DFL); signal.pause()"]
child = subprocess.Popen(waits, stdout=subprocess.DEVNULL, preexec_fn=partial(end_with_us, number))
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_child_does_not_outlive_a_parent_that_is_killed(number: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(number)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    try:
        ended, _, _ = select.select([child], [], [], 30.0)
        assert ended == [child]
    finally:
        if not ended:
            signal.pidfd_send_signal(child, signal.SIGKILL)
        os.close(child)
