"""Stable's and the candidate's answers to the same request, scored. Nothing here knows the right answer."""

from datetime import datetime

from pydantic import Field

from aftertune.values.value import Value


class AnswerScores(Value):
    """One leg. Scores are in [0, 1]; None means that the score does not apply (no tool was called, say)."""

    completed: float = Field(ge=0, le=1, description="1: status 200, ended by itself, not empty")
    well_formed: float = Field(
        ge=0, le=1, description="1: each tool call names an offered tool and fits its schema"
    )
    grounded: float | None = Field(
        ge=0, le=1, description="share of calls whose values occur in the conversation"
    )
    valid_answer: float = Field(
        ge=0, le=1, description="completed x well_formed x grounded (where it applies)"
    )
    refusal: float = Field(ge=0, le=1)
    length: int = Field(ge=0, description="characters of text and tool arguments")
    latency_s: float | None = Field(ge=0, description="arrival to last byte")


class Pair(Value):
    """`agreement` is same tools and arguments where either leg called one, else similarity of the texts, in [0, 1]."""

    pair_id: str = Field(
        description="the exchange id of the shadow leg: each copy of a request makes its own pair"
    )
    deployment: str
    generation: int
    stable_release: str
    candidate_release: str
    stable_exchange: str
    candidate_exchange: str
    conversation: str
    at: datetime
    stable: AnswerScores
    candidate: AnswerScores
    same_tool: float | None = Field(ge=0, le=1)
    same_arguments: float | None = Field(ge=0, le=1)
    text_similarity: float | None = Field(ge=0, le=1)
    agreement: float = Field(ge=0, le=1)
