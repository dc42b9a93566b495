"""The tree's own rules: small files, short functions, names that say something, docstrings."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "aftertune",
    "serving",
    "monitor",
    "evals",
    "reports",
    "console",
    "dashboards",
    "training",
    "benchmarks",
)
SAYS_NOTHING = frozenset({"utils", "util", "helpers", "helper", "common", "manager", "misc", "base_classes"})
LONGEST_FILE = 400
LONGEST_FUNCTION = 60

SOURCES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
HISTORY = ROOT / "aftertune" / "migrations" / "versions"


def name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def nodes(file: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(file.read_text()))


def test_there_is_something_to_look_at() -> None:
    assert {file.relative_to(ROOT).parts[0] for file in SOURCES} == set(PACKAGES)


def test_files_are_short() -> None:
    lengths = {name(file): len(file.read_text().splitlines()) for file in [*SOURCES, *TESTS]}
    assert {file: n for file, n in lengths.items() if n > LONGEST_FILE} == {}, "split them by noun"


def test_files_are_named_for_what_they_hold() -> None:
    empty = [
        name(file)
        for file in [*SOURCES, *TESTS]
        if SAYS_NOTHING & {part.removesuffix(".py") for part in file.relative_to(ROOT).parts}
    ]
    assert empty == [], "name them for a noun of the domain"


def test_functions_are_short() -> None:
    long = {
        f"{name(file)}:{node.lineno} {node.name}": lines
        for file in SOURCES
        if HISTORY not in file.parents
        for node in nodes(file)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    }
    assert not long, f"decide, act and record are functions of their own: {long}"


def test_no_class_is_named_for_managing_or_helping() -> None:
    managers = [
        f"{name(file)}:{node.lineno} {node.name}"
        for file in SOURCES
        for node in nodes(file)
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Manager", "Helper", "Util", "Utils"))
    ]
    assert managers == [], "name them for what they are"


def test_modules_say_what_they_are() -> None:
    silent = [name(file) for file in SOURCES if not ast.get_docstring(ast.parse(file.read_text()))]
    assert silent == [], "a module begins with a docstring"
