"""What a process loads. The import contracts themselves are checked by `make check` (import-linter)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("serving", "monitor", "evals", "reports", "console", "dashboards", "training")
HEAVY = frozenset(
    {
        *("torch", "transformers", "peft", "sentence_transformers"),
        *("pandas", "scipy", "matplotlib", "evidently", "ragas"),
    }
)
FORBIDDEN = {
    "aftertune.store": HEAVY | {"aiohttp", "fastapi"},
    "serving.router": HEAVY | {"sqlalchemy", "sqlmodel", "sqlite3", "alembic"},
    "serving.engines": HEAVY,
    "monitor": HEAVY,
    "evals": HEAVY,
    "reports": HEAVY - {"pandas", "scipy"},
    "console": HEAVY,
}
"""By package, with every module in it except its entry."""

LOADED = """
import importlib, json, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(getattr(package, "__path__", ()), package.__name__ + "."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
WHERE = """
import importlib.util, json, sys
print(json.dumps({name: importlib.util.find_spec(name).origin for name in sys.argv[1:]}))
"""


@pytest.mark.parametrize("module", sorted(FORBIDDEN))
def test_a_process_loads_nothing_that_is_not_its_own(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, module], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert FORBIDDEN[module] & set(json.loads(done.stdout)) == set()


def test_the_installed_rooms_are_those_beside_the_kernel(tmp_path: Path) -> None:
    """Their names are plain words: another distribution's `monitor` must not stand in the way."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", WHERE, "aftertune", *ROOMS],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, f"install the checkout: pip install -e . ({done.stderr})"
    found = {room: Path(origin).parent for room, origin in json.loads(done.stdout).items()}
    assert found == {room: found["aftertune"].parent / room for room in ("aftertune", *ROOMS)}
