"""Routers, the tables that they follow, and leases."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from aftertune.columns import json_column, time_column


class RouterRow(SQLModel, table=True):
    __tablename__ = "routers"

    name: str = Field(primary_key=True)
    lease_until: datetime = time_column()
    body: dict[str, Any] = json_column()


class RoutingTableRow(SQLModel, table=True):
    __tablename__ = "routing_tables"

    revision: int = Field(primary_key=True)
    at: datetime = time_column()
    body: dict[str, Any] = json_column()


class LeaseRow(SQLModel, table=True):
    """One holder at a time may act as the named thing."""

    __tablename__ = "leases"

    name: str = Field(primary_key=True)
    holder: str
    until: datetime = time_column()
