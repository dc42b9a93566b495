"""Grafana's library would rather build boards of its second schema; files provision the first one everywhere."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import dashboards.board  # noqa: F401
