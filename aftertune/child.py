"""Child processes: none outlives the one that started it."""

import ctypes
import signal

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def end_with_us(number: int = signal.SIGTERM) -> None:
    """For `preexec_fn`: the child gets this signal when the thread that starts it ends, by kill -9 too."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, number)
