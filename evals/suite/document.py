"""A document that queries are to find: the layout of a suite's documents file, one object a line."""

from pydantic import Field

from aftertune.values.value import Value


class Document(Value):
    id: str = Field(min_length=1)
    text: str = Field(min_length=1)
