"""A trend as SVG text: the same input makes the same bytes, and no CSS, font or script is needed to show it."""

import html
import importlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

_DPI = 96
_STROKES = (("#1f5fa8", "-", "o"), ("#b3541e", "--", "s"), ("#3d7d3d", "-.", "^"), ("#7a3d8f", ":", "D"))
"""Colour, line and marker together tell series apart: nobody needs to see colours."""
ALONE = timedelta(hours=12)
"""To each side of the only moment that there is."""
_INK, _GRID = "#333333", "#d9d9d9"
_STYLE: Any = {
    "svg.hashsalt": "aftertune",
    "svg.fonttype": "path",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "timezone": "UTC",
}


class TrendPoint(NamedTuple):
    """`value` is None where nothing was measured: the line has a gap there. `low` and `high` bound the value."""

    at: datetime
    value: float | None
    low: float | None = None
    high: float | None = None


def trend_svg(
    series: Mapping[str, Sequence[TrendPoint]],
    *,
    y_label: str,
    limit: float | None = None,
    limit_label: str = "",
    width: int = 640,
    height: int = 220,
) -> str:
    """An `<svg>` element of `width` x `height` pixels, times in UTC; `limit` is a labelled horizontal line."""
    # Agg's parts only: pyplot would keep global state and every figure.
    from matplotlib import rc_context  # noqa: PLC0415  (a quarter of a second, for those who plot)
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    buffer = io.StringIO()
    with rc_context(_STYLE):
        figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, layout="constrained")
        FigureCanvasSVG(figure)
        _draw(figure, series, y_label, limit, limit_label)
        nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(buffer, format="svg", dpi=_DPI, transparent=True, metadata=nothing)
    said = f"{y_label} over time: {', '.join(series) or 'nothing'}"
    return _self_contained(buffer.getvalue(), said, width, height)


def _draw(
    figure: Any,
    series: Mapping[str, Sequence[TrendPoint]],
    y_label: str,
    limit: float | None,
    limit_label: str,
) -> None:
    """`figure` is matplotlib's, whose stubs know neither datetimes nor its own locators."""
    dates: Any = importlib.import_module("matplotlib.dates")
    axes = figure.add_subplot()
    axes.set_ylabel(y_label)
    axes.grid(visible=True, color=_GRID, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    for number, (name, points) in enumerate(series.items()):
        _draw_series(axes, name, sorted(points, key=lambda point: point.at), number)
    if limit is not None:
        axes.axhline(limit, color=_INK, linewidth=1.1, linestyle=(0, (6, 3)))
        axes.annotate(
            limit_label or "limit",
            # On the left: the newest point, on the right, is the one that people look for.
            (0.0, limit),
            xycoords=("axes fraction", "data"),
            xytext=(3, 3),
            textcoords="offset points",
            color=_INK,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.0},
        )
    times = {point.at for points in series.values() for point in points if point.value is not None}
    if not times:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.annotate(
            "nothing measured", (0.5, 0.5), xycoords="axes fraction", ha="center", va="center", color=_INK
        )
        return
    axes.margins(x=0.02, y=0.12)
    if len(times) == 1:
        # Around a single moment matplotlib draws years: it is named, and stands in the middle.
        (at,) = times
        axes.set_xlim(at - ALONE, at + ALONE)
        axes.set_xticks([at], [f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"])
    else:
        locator = dates.AutoDateLocator(minticks=3, maxticks=7)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    if len(series) > 1:
        figure.legend(loc="outside upper left", ncols=min(4, len(series)), frameon=False, handlelength=3)


def _draw_series(axes: Any, name: str, points: Sequence[TrendPoint], number: int) -> None:
    colour, line, marker = _STROKES[number % len(_STROKES)]
    label: str | None = name
    for run in _runs(points):
        times = [point.at for point in run]
        values = [point.value for point in run]
        size = 4.0 if len(points) <= 60 else 0.0
        alone = 4.0 if len(run) == 1 else size
        axes.plot(
            times,
            values,
            color=colour,
            linestyle=line,
            marker=marker,
            markersize=alone,
            linewidth=1.4,
            label=label,
        )
        label = None
        bounded = [point for point in run if point.low is not None and point.high is not None]
        if bounded:
            axes.fill_between(
                [point.at for point in bounded],
                [point.low for point in bounded],
                [point.high for point in bounded],
                color=colour,
                alpha=0.16,
                linewidth=0,
            )
            if len(bounded) == 1:
                axes.vlines(bounded[0].at, bounded[0].low, bounded[0].high, color=colour)


def _runs(points: Sequence[TrendPoint]) -> Iterator[list[TrendPoint]]:
    """The stretches without a gap."""
    run: list[TrendPoint] = []
    for point in points:
        if point.value is None:
            if run:
                yield run
            run = []
        else:
            run.append(point)
    if run:
        yield run


def _self_contained(svg: str, said: str, width: int, height: int) -> str:
    """A page's security policy may forbid inline styles: they become attributes, and the style element goes."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"\s*<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"\s*<style[^>]*>.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r'\s*style="([^"]*)"', _as_attributes, body)
    view = re.search(r'viewBox="[^"]*"', body)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{width}" height="{height}" {view.group() if view else ""} stroke-linejoin="round" '
        f'stroke-linecap="butt" role="img">\n <title>{html.escape(said)}</title>'
    )
    return re.sub(r"<svg[^>]*>", lambda _: head, body, count=1)


def _as_attributes(match: re.Match[str]) -> str:
    pairs = (part.split(":", 1) for part in match.group(1).split(";") if ":" in part)
    return "".join(f' {name.strip()}="{value.strip()}"' for name, value in pairs)
