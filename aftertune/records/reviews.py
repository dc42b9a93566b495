"""Human review: campaigns, their items, what people said, who works on what; and the questions of suites."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKeyConstraint
from sqlmodel import Field, SQLModel

from aftertune.columns import json_column, time_column


class QuestionRow(SQLModel, table=True):
    """What a sample asks, kept by the digest of its dataset: a changed suite is another dataset."""

    __tablename__ = "questions"

    dataset: str = Field(primary_key=True)
    sample: str = Field(primary_key=True)
    text: str


class CampaignRow(SQLModel, table=True):
    __tablename__ = "campaigns"

    id: str = Field(primary_key=True)
    state: str
    opened_at: datetime = time_column(index=True)
    body: dict[str, Any] = json_column()


class ReviewItemRow(SQLModel, table=True):
    __tablename__ = "review_items"

    campaign: str = Field(primary_key=True, foreign_key="campaigns.id")
    id: str = Field(primary_key=True)
    position: int
    body: dict[str, Any] = json_column()


class RatingRow(SQLModel, table=True):
    """One person's word on one item: the key keeps it from being said twice."""

    __tablename__ = "ratings"
    __table_args__ = (
        ForeignKeyConstraint(["campaign", "item"], ["review_items.campaign", "review_items.id"]),
    )

    campaign: str = Field(primary_key=True)
    item: str = Field(primary_key=True)
    reviewer: str = Field(primary_key=True)
    body: dict[str, Any] = json_column()


class ClaimRow(SQLModel, table=True):
    """A person's hold on an item while they work on it; gone when they have rated it."""

    __tablename__ = "claims"
    __table_args__ = (
        ForeignKeyConstraint(["campaign", "item"], ["review_items.campaign", "review_items.id"]),
    )

    campaign: str = Field(primary_key=True)
    item: str = Field(primary_key=True)
    reviewer: str = Field(primary_key=True)
    until: datetime = time_column()
