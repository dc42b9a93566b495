"""A document ready for pages: every cell is safe text, with what belongs to a number on a line of its own.

HTML and PDF show the same words, because both are made from this and from nothing else.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from aftertune.plot import TrendPoint, trend_svg
from aftertune.visible import visible
from reports.cells import moment
from reports.document import (
    Block,
    Cell,
    Digest,
    Document,
    Facts,
    Figure,
    Missing,
    Nothing,
    Section,
    Table,
    Text,
    Trend,
)

SHORT_DIGEST = 12
NARROW, WIDE = (5, 16), (16, 60)
"""Least and most weight of a column; a weight is about a character."""
FULL = 110
"""A table of this weight takes the page's width, a lighter one less."""
PLOT = (760, 220)


def pages(document: Document) -> dict[str, Any]:
    """Strings, numbers and lists only: what a template may use."""
    return {
        "title": f"Governance report {document.week}",
        "week": document.week,
        "report": visible(document.report),
        "revision": document.revision,
        "preliminary": document.preliminary,
        "watermark": f"{moment(document.watermark)} UTC",
        "period": f"{_day(document.since, document)} to {_day(document.until, document)} ({document.time_zone})",
        "audit_head": document.audit_head,
        "audit_entries": document.audit_entries,
        "generator": document.generator,
        "sections": [_section(section) for section in document.sections],
    }


def _day(at: datetime, document: Document) -> str:
    return at.astimezone(ZoneInfo(document.time_zone)).strftime("%Y-%m-%d %H:%M")


def _section(section: Section) -> dict[str, Any]:
    return {
        "name": section.name,
        "title": section.title,
        "blocks": [_block(block) for block in section.blocks],
    }


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Text() | Missing() | Nothing():
            return {"kind": block.kind, "text": visible(block.text)}
        case Facts():
            facts = [[visible(name), _cell(cell)] for name, cell in block.facts]
            return {"kind": block.kind, "title": visible(block.title), "facts": facts}
        case Table():
            return _table(block)
        case Trend():
            return {
                "kind": block.kind,
                "title": visible(block.title),
                "note": visible(block.note),
                "svg": _svg(block),
            }


def _table(table: Table) -> dict[str, Any]:
    rows = [_row(row) for row in table.rows]
    columns: list[dict[str, Any]] = [
        {
            "title": column.title,
            "wide": column.wide,
            "number": all(isinstance(row[at], Figure) for row in table.rows),
            "weight": _weight([row[at] for row in rows], column.title, column.wide),
        }
        for at, column in enumerate(table.columns)
    ]
    _fit(columns)
    return {
        "kind": table.kind,
        "title": visible(table.title),
        "note": visible(table.note),
        "columns": columns,
        "share": min(100, sum(column["weight"] for column in columns) * 100 // FULL),
        "rows": rows,
    }


def _fit(columns: Sequence[dict[str, Any]]) -> None:
    """Where the page is too narrow, columns of sentences give way, alike: they break well, names and numbers do not."""
    wide = [column for column in columns if column["wide"]]
    asked = sum(column["weight"] for column in wide)
    left = FULL - (sum(column["weight"] for column in columns) - asked)
    if left < asked:
        for column in wide:
            column["weight"] = max(WIDE[0], column["weight"] * left // asked)


def _row(row: Sequence[Cell]) -> list[dict[str, str]]:
    """Why a number is missing is not squeezed beside it when another cell of the row tells it."""
    told = [cell for cell in row if isinstance(cell, str)]
    cells = []
    for cell in row:
        shown = _cell(cell)
        if isinstance(cell, Figure) and cell.missing and any(cell.missing in text for text in told):
            shown |= {"text": "not measured", "more": _more(cell)}
        cells.append(shown)
    return cells


def _weight(cells: Sequence[dict[str, str]], title: str, wide: bool) -> int:
    least, most = WIDE if wide else NARROW
    longest = max(_length(cell) for cell in cells)
    return min(most, max(least, longest, *map(len, title.split())))


def _length(cell: dict[str, str]) -> int:
    """In characters of the text's own face: a digest's are wider, and what stands below is small."""
    return max(len(cell["text"]) * (5 if cell["kind"] == "digest" else 4), len(cell["more"]) * 3) // 4


def _cell(cell: Cell) -> dict[str, str]:
    if isinstance(cell, Digest):
        return {"kind": "digest", "text": cell.sha256[:SHORT_DIGEST], "more": "", "whole": cell.sha256}
    if isinstance(cell, Figure):
        if cell.value is None:
            return {"kind": "missing", "text": "not available", "more": visible(cell.missing), "whole": ""}
        return {"kind": "figure", "text": _number(cell.value, cell.unit), "more": _more(cell), "whole": ""}
    return {"kind": "text", "text": visible(cell), "more": "", "whole": ""}


def _more(figure: Figure) -> str:
    said = [_interval(figure)] if figure.low is not None or figure.high is not None else []
    if figure.n is not None and (figure.unit != "s" or figure.n > 1):
        groups = f" in {figure.clusters:,} groups" if figure.clusters is not None else ""
        said.append(f"n = {figure.n:,}{groups}")
    if figure.unmeasured:
        said.append(f"{figure.unmeasured:,} unmeasured")
    if figure.detectable is not None:
        said.append(f"finds {_number(figure.detectable, figure.unit)}")
    return ", ".join(said)


def _interval(figure: Figure) -> str:
    """An end that is not known is left open."""
    if figure.low is None or figure.high is None:
        known = figure.low if figure.high is None else figure.high
        assert known is not None  # the caller saw one
        return f"at {'least' if figure.high is None else 'most'} {_number(known, figure.unit)}"
    low, high = (_number(end, figure.unit) for end in (figure.low, figure.high))
    number, _, unit = low.partition(" ")
    return f"{number if high.endswith(unit) else low} to {high}"


def _number(value: float, unit: str) -> str:
    if unit == "share":
        return f"{value:.1%}".replace("%", " %")
    if isinstance(value, int):
        shown = f"{value:,}"
    elif value != 0 and abs(value) < 0.001:
        shown = f"{value:.1e}"
    else:
        shown = f"{value:,.3f}"
    return f"{shown} {unit}".strip()


def _svg(trend: Trend) -> str:
    series = {
        visible(name): [TrendPoint(point.at, point.value, point.low, point.high) for point in points]
        for name, points in trend.series.items()
    }
    width, height = PLOT
    return trend_svg(
        series,
        y_label=trend.y_label,
        limit=trend.limit,
        limit_label=trend.limit_label,
        width=width,
        height=height,
    )
