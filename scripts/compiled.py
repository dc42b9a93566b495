"""`python scripts/compiled.py FOLDER [LEVEL]`: compile the data path in a copy of the sources, in place, by mypyc.

`[tool.aftertune] compiled` in `pyproject.toml` lists its modules. Each becomes an extension beside its source, which
Python then prefers; without the extension the source does the same, slower. Needs a C compiler, Python's headers,
mypy, setuptools and what the modules import.
"""

import os
import sys
import tomllib
from pathlib import Path

GROUP = "aftertune_data_path"
"""`<GROUP>__mypyc` in the top folder holds the code; the other extensions only name their part of it."""


def modules(folder: Path) -> list[str]:
    """Paths of the sources, relative to the folder."""
    settings = tomllib.loads((folder / "pyproject.toml").read_text())
    listed: list[str] = settings["tool"]["aftertune"]["compiled"]
    return listed


def main(folder: str, optimisation: str = "2") -> None:
    """`optimisation` is the C compiler's, 0 to 3. Ends the process with an error when it cannot be compiled."""
    from mypyc.build import mypycify  # noqa: PLC0415  (the build alone needs them)
    from setuptools import Distribution  # noqa: PLC0415
    from setuptools.command.build_ext import build_ext  # noqa: PLC0415

    os.chdir(folder)
    # Errors in what the modules import are the type check's to find, not the build's.
    arguments = ["--config-file=pyproject.toml", "--follow-imports=silent", *modules(Path())]
    extensions = mypycify(arguments, opt_level=optimisation, debug_level="0", group_name=GROUP)
    build = build_ext(Distribution({"name": GROUP, "ext_modules": extensions}))
    build.inplace = True
    build.ensure_finalized()
    build.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
