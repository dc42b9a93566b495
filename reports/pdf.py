"""The report as PDF, by typst: the report is data to the template, never markup, and nothing is read or fetched."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import typst

TEMPLATE = Path(__file__).parent / "templates" / "report.typ"


def pdf(ready: dict[str, Any], watermark: datetime) -> bytes:
    """`ready`: what `reports.pages.pages` made. Same input, same bytes: the watermark is the document's date."""
    made = typst.compile(
        TEMPLATE.read_bytes(),
        format="pdf",
        sys_inputs={"report": json.dumps(ready, ensure_ascii=False)},
        ignore_system_fonts=True,
        timestamp=int(watermark.timestamp()),
    )
    assert isinstance(made, bytes)  # one format, no output path
    return made
