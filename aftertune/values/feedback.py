"""What a user, a program or a reviewer says of an answer, joined to its exchange by the request's id."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field, model_validator

from aftertune.values.value import Value


class FeedbackKind(StrEnum):
    THUMB = "thumb"
    CORRECTION = "correction"
    LABEL = "label"


class Feedback(Value):
    """`up` for a thumb, `text` (what the answer should have been) for a correction, `label` for a label."""

    id: str
    request_id: str = Field(min_length=1, max_length=256)
    kind: FeedbackKind
    up: bool | None = None
    label: str | None = Field(default=None, min_length=1, max_length=256)
    text: str | None = Field(default=None, max_length=100_000)
    comment: str = Field(default="", max_length=10_000)
    end_user: str = Field(default="", max_length=256)
    given_by: str = Field(description="who holds the credential that sent it")
    deployment: str | None = Field(default=None, description="of the exchange, once that is known")
    at: datetime

    @model_validator(mode="after")
    def _says_what_its_kind_says(self) -> "Feedback":
        said = {
            FeedbackKind.THUMB: self.up,
            FeedbackKind.CORRECTION: self.text,
            FeedbackKind.LABEL: self.label,
        }
        if said[self.kind] is None:
            raise ValueError(f"feedback of the kind {self.kind} needs its {_FIELD[self.kind]}")
        if any(value is not None for kind, value in said.items() if kind is not self.kind):
            raise ValueError(f"feedback of the kind {self.kind} has nothing but its {_FIELD[self.kind]}")
        return self


_FIELD = {FeedbackKind.THUMB: "up", FeedbackKind.CORRECTION: "text", FeedbackKind.LABEL: "label"}
