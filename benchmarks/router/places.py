"""Where the benchmark keeps what it builds and what it compares with."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = Path(__file__).parent / "c"
BUILD = Path(__file__).parent / "build"
"""Compiled programs, and the homes of routers while they are measured: on the checkout's disk, so that fsync is real."""

COMPILED = ROOT / ".compiled"
"""Our router with its data path compiled, as a wheel has it: `scripts/compile` makes it."""

PEERS = ROOT / ".venv-peers"
"""One environment for each peer from PyPI; `scripts/bench-peers` makes them."""

PROXY_CORE = 0
REST_CORE = 1
