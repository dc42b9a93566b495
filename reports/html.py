"""The report as one HTML file: no script, nothing fetched, and a policy that forbids both."""

import base64
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"


def html(ready: dict[str, Any]) -> bytes:
    """`ready`: what `reports.pages.pages` made. Only our own drawings go in unescaped."""
    style = (TEMPLATES / "report.css").read_text()
    allowed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=FileSystemLoader(TEMPLATES),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html").render(
        **ready,
        style=Markup(style),  # noqa: S704  (our own file)
        policy=f"default-src 'none'; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'",
        drawing=Markup,
    )
    return page.encode()
