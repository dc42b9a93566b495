"""What a report is made of. `report.json` is a Document; the pages show what it says and nothing else."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from aftertune.values.value import Value

SCHEMA: Literal[1] = 1


class Figure(Value):
    """A number with what it takes to believe it. A value of None was not measured, and `missing` says why."""

    value: int | float | None
    unit: str = ""
    n: int | None = Field(default=None, description="observations behind it")
    unmeasured: int | None = Field(
        default=None, description="observations that could not be measured, counted apart"
    )
    low: float | None = None
    high: float | None = None
    confidence: float | None = None
    method: str = Field(default="", description="of the interval")
    detectable: float | None = Field(
        default=None, description="smallest change that as many observations would find, at 80 % power"
    )
    clusters: int | None = Field(default=None, description="groups that the observations come in")
    signature: str = Field(default="", description="digest of what a score depends on")
    missing: str = ""

    @model_serializer(mode="wrap")
    def _short(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What does not apply is left out; the value never is."""
        return {name: it for name, it in write(self).items() if name == "value" or it not in (None, "")}

    @model_validator(mode="after")
    def _says_why(self) -> "Figure":
        if (self.value is None) == (not self.missing):
            raise ValueError("a figure has either a value or a reason why it is missing")
        return self


class Digest(Value):
    """SHA-256 in hexadecimal; pages show its beginning, `report.json` all of it."""

    sha256: str


Cell = str | Figure | Digest
"""Free text may be anybody's (a model's, too): pages show it as text and make hidden characters visible."""


class Text(Value):
    kind: Literal["text"] = "text"
    text: str = Field(min_length=1)


class Missing(Value):
    """Something has no data; `text` says why, and what that does not mean."""

    kind: Literal["missing"] = "missing"
    text: str = Field(min_length=1)


class Nothing(Value):
    """Known to be none: the records of it are complete, and there is none. `text` says of what."""

    kind: Literal["nothing"] = "nothing"
    text: str = Field(min_length=1)


class Facts(Value):
    kind: Literal["facts"] = "facts"
    title: str = ""
    facts: tuple[tuple[str, Cell], ...] = Field(min_length=1)


class Column(Value):
    """`wide` columns hold sentences and get the room."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    wide: bool = False


class Table(Value):
    """Never empty: where there are no rows, a section says Missing or Nothing."""

    kind: Literal["table"] = "table"
    title: str
    note: str = ""
    columns: tuple[Column, ...] = Field(min_length=1)
    rows: tuple[tuple[Cell, ...], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _rectangular(self) -> "Table":
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"a row of {self.title!r} does not fit its columns")
        return self


class Point(Value):
    at: datetime
    value: float | None
    low: float | None = None
    high: float | None = None


class Trend(Value):
    """Numbers over time; the pages draw it."""

    kind: Literal["trend"] = "trend"
    title: str
    note: str = ""
    y_label: str
    limit: float | None = None
    limit_label: str = ""
    series: dict[str, tuple[Point, ...]] = Field(min_length=1)


Block = Annotated[Text | Missing | Nothing | Facts | Table | Trend, Field(discriminator="kind")]


class Section(Value):
    name: str
    title: str
    blocks: tuple[Block, ...] = Field(min_length=1)

    @property
    def has_data(self) -> bool:
        return any(block.kind in ("facts", "table", "trend") for block in self.blocks)


class Document(Value):
    """`audit_entries` and `watermark` fix what was read: the same rows give the same document, byte for byte."""

    schema_version: Literal[1] = SCHEMA
    report: str
    week: str
    revision: int
    preliminary: bool
    time_zone: str
    since: datetime
    until: datetime
    watermark: datetime
    audit_entries: int
    audit_head: str
    generator: str
    sections: tuple[Section, ...]
