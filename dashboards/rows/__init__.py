"""The board's rows, from top to bottom."""

from dashboards.rows import quality, rooms, route, traffic

ROWS = (traffic.TRAFFIC, traffic.SHADOW, route.ROUTE, quality.DRIFT, quality.EVALUATION, rooms.ROOMS)


def panel_id(title: str) -> int:
    """Its number on the board, from 1; rows have none. Raises ValueError for a title that no panel has."""
    return [panel.title for row in ROWS for panel in row.panels].index(title) + 1
