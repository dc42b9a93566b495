"""How results are printed: aligned tables for people, JSON for programs."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Cells are shown as they are: markup in them means nothing."""
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    Console().print(grid)


def document(value: Any) -> None:
    """Pretty JSON on standard output."""
    print(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True))  # noqa: T201
