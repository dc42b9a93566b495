"""Credentials of applications: what each may do, until when."""

from datetime import datetime
from functools import lru_cache

from sqlalchemy import Text, cast
from sqlmodel import Session, col, or_, select

from aftertune.errors import BadInput, Conflict, NotFound
from aftertune.identity import token_hash
from aftertune.records import ApiKeyRow, UserRow
from aftertune.values.api_key import ApiKey
from aftertune.values.route import KeyGrant


class ApiKeyTable:
    """Keys are revoked, never deleted: a name in an exchange means one holder for good."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, key: ApiKey, token: str) -> None:
        """Raises BadInput when a key or a user has the name."""
        for taken, kind in ((ApiKeyRow, "key"), (UserRow, "user")):
            if self._session.get(taken, key.name) is not None:
                raise BadInput(f"There is already a {kind} {key.name!r}.", "Choose another name.")
        self._session.add(
            ApiKeyRow(
                name=key.name,
                token_hash=token_hash(token),
                created_at=key.created_at,
                expires_at=key.expires_at,
                body=key.model_dump(mode="json"),
            )
        )
        self._session.flush()

    def change(self, key: ApiKey, at: datetime) -> None:
        """Put the key in place of the one of its name. Raises NotFound; Conflict when that one is revoked or over."""
        self._save(self._valid(key.name, at), key)

    def replace_token(self, name: str, token: str, at: datetime) -> None:
        """The old token is refused from now on. Raises NotFound; Conflict when the key is revoked or over."""
        self._valid(name, at).token_hash = token_hash(token)

    def revoke(self, name: str, by: str, at: datetime) -> bool:
        """False when it was revoked before, which stays as it was. Raises NotFound."""
        row = self._row(name)
        if row.revoked_at is not None:
            return False
        key = ApiKey.model_validate(row.body)
        self._save(row, key.model_copy(update={"revoked_at": at, "revoked_by": by}))
        return True

    def get(self, name: str) -> ApiKey:
        """Raises NotFound."""
        return ApiKey.model_validate(self._row(name).body)

    def all(self) -> list[ApiKey]:
        """Also those that are revoked or over."""
        bodies = self._session.exec(select(ApiKeyRow.body).order_by(ApiKeyRow.name)).all()
        return [ApiKey.model_validate(body) for body in bodies]

    def by_token(self, token: str, at: datetime) -> KeyGrant | None:
        """What the key of this token may do; None when no valid key has it."""
        row = self._session.exec(select(ApiKeyRow).where(ApiKeyRow.token_hash == token_hash(token))).first()
        key = ApiKey.model_validate(row.body) if row is not None else None
        return key.grant if key is not None and key.valid(at) else None

    def grants(self, at: datetime) -> dict[str, KeyGrant]:
        """Token hash → what it may do, of every key that is valid at this moment."""
        # The publisher asks this several times a second: as text, what did not change is not read again.
        found = self._session.exec(
            select(col(ApiKeyRow.token_hash), cast(ApiKeyRow.body, Text)).where(
                col(ApiKeyRow.revoked_at).is_(None),
                or_(col(ApiKeyRow.expires_at).is_(None), col(ApiKeyRow.expires_at) > at),
            )
        ).all()
        return {digest: _grant(body) for digest, body in found}

    def _save(self, row: ApiKeyRow, key: ApiKey) -> None:
        row.expires_at, row.revoked_at = key.expires_at, key.revoked_at
        row.body = key.model_dump(mode="json")

    def _valid(self, name: str, at: datetime) -> ApiKeyRow:
        row = self._row(name)
        if not ApiKey.model_validate(row.body).valid(at):
            how = "was revoked" if row.revoked_at is not None else "has expired"
            raise Conflict(f"The key {name!r} {how}.", "Create a key under another name.")
        return row

    def _row(self, name: str) -> ApiKeyRow:
        row = self._session.get(ApiKeyRow, name)
        if row is None:
            raise NotFound("key", name, self._session.exec(select(ApiKeyRow.name)).all())
        return row


@lru_cache(maxsize=16_384)
def _grant(body: str) -> KeyGrant:
    return ApiKey.model_validate_json(body).granted
