"""Trends as SVG: the same bytes each time, gaps where nothing was measured, nothing that a strict page forbids."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

from aftertune.plot import TrendPoint, trend_svg

AT = datetime(2026, 1, 5, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"


def points(*values: float | None, bounded: bool = False) -> list[TrendPoint]:
    return [
        TrendPoint(
            AT + timedelta(hours=hour),
            value,
            None if value is None or not bounded else value - 0.1,
            None if value is None or not bounded else value + 0.1,
        )
        for hour, value in enumerate(values)
    ]


def lines(svg: str) -> int:
    """Strokes of data: matplotlib numbers each line that it draws; axes and ticks are the rest."""
    return svg.count('stroke-width="1.4"')


def test_the_same_input_makes_the_same_bytes() -> None:
    made = [trend_svg({"v1": points(0.1, 0.2)}, y_label="share", limit=0.5) for _ in range(2)]
    assert made[0] == made[1]


def test_it_is_whole_svg_of_the_size_that_was_asked_for() -> None:
    root = ET.fromstring(trend_svg({"v1": points(0.1)}, y_label="share", width=500, height=180))
    assert (root.tag, root.get("width"), root.get("height")) == (f"{SVG}svg", "500", "180")
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "share over time: v1"


def test_nothing_that_a_strict_page_forbids() -> None:
    hostile = '</svg><script>alert(1)</script> $\\frac{1}{0}$ "quoted"'
    svg = trend_svg(
        {hostile: points(0.1, 0.2), "v2": points(0.3)}, y_label=hostile, limit=1, limit_label=hostile
    )
    root = ET.fromstring(svg)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "g", "path", "use", "defs", "clipPath", "rect"}
    for element in root.iter():
        assert "style" not in element.attrib
        assert not [name for name in element.attrib if name.startswith("on")]
        assert element.get("{http://www.w3.org/1999/xlink}href", "#").startswith("#")


def test_a_gap_is_a_gap() -> None:
    assert lines(trend_svg({"v1": points(0.1, 0.2, 0.3, 0.4)}, y_label="share")) == 1
    assert lines(trend_svg({"v1": points(0.1, 0.2, None, 0.4)}, y_label="share")) == 2
    assert lines(trend_svg({"v1": points(None, None)}, y_label="share")) == 0


def test_bounds_are_drawn_where_they_are_known() -> None:
    assert "FillBetween" in trend_svg({"v1": points(0.1, 0.2, bounded=True)}, y_label="share")
    assert "FillBetween" not in trend_svg({"v1": points(0.1, 0.2)}, y_label="share")


def test_series_differ_in_more_than_colour() -> None:
    svg = trend_svg({"v1": points(0.1, 0.2), "v2": points(0.3, 0.2)}, y_label="share")
    assert "stroke-dasharray" in svg
    assert 'id="legend_1"' in svg


def test_nothing_at_all_is_said_in_words() -> None:
    svg = trend_svg({}, y_label="share")
    assert "share over time: nothing" in svg
    assert lines(svg) == 0


def middle_of_the_only_tick(svg: str) -> float:
    """In the picture's own units, of the tick and grid line of its x axis."""
    (axis,) = (
        group for group in ET.fromstring(svg).iter(f"{SVG}g") if group.get("id") == "matplotlib.axis_1"
    )
    ticks = [group for group in axis if (group.get("id") or "").startswith("xtick_")]
    assert len(ticks) == 1
    return next(float(use.attrib["x"]) for use in ticks[0].iter(f"{SVG}use") if "x" in use.attrib)


def test_a_single_moment_is_named_and_stands_in_the_middle() -> None:
    """Without a width of its own the axis would be one of years."""
    alone = trend_svg({"v1": points(0.9), "v2": points(0.8, None)}, y_label="share", width=600)
    later = trend_svg(
        {"v1": [TrendPoint(AT + timedelta(days=300), 0.9)], "v2": points(None)}, y_label="share", width=600
    )
    assert "2026-01-05 00:00" in alone
    assert "2026-11-01 00:00" in later
    for svg in (alone, later):
        width = float((ET.fromstring(svg).get("viewBox") or "").split()[2])
        assert 0.4 * width < middle_of_the_only_tick(svg) < 0.7 * width
