"""Who may do what: users, their browsers, the keys of applications."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from aftertune.columns import json_column, time_column


class UserRow(SQLModel, table=True):
    __tablename__ = "users"

    name: str = Field(primary_key=True)
    roles: list[str] = json_column()
    token_hash: str = Field(unique=True)
    created_at: datetime = time_column()
    disabled_at: datetime | None = time_column(nullable=True)


class SessionRow(SQLModel, table=True):
    """A signed-in browser; only the hash of its cookie is kept."""

    __tablename__ = "sessions"

    cookie_hash: str = Field(primary_key=True)
    user: str = Field(foreign_key="users.name")
    csrf_token: str
    expires_at: datetime = time_column()


class ApiKeyRow(SQLModel, table=True):
    """A credential of an application; only its hash is kept."""

    __tablename__ = "api_keys"

    name: str = Field(primary_key=True)
    token_hash: str = Field(unique=True)
    created_at: datetime = time_column()
    expires_at: datetime | None = time_column(nullable=True)
    revoked_at: datetime | None = time_column(nullable=True)
    body: dict[str, Any] = json_column()
