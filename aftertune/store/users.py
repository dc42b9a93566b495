"""People, their roles and their signed-in browsers."""

from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, col, delete, func, select

from aftertune.errors import BadInput, NotFound, Unauthenticated
from aftertune.identity import Permission, Principal, Role, token_hash
from aftertune.records import ApiKeyRow, SessionRow, UserRow
from aftertune.values.route import KeyGrant


class User(NamedTuple):
    name: str
    roles: tuple[Role, ...]
    created_at: datetime
    disabled_at: datetime | None


class SignedIn(NamedTuple):
    principal: Principal
    csrf_token: str


class UserTable:
    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, name: str, roles: frozenset[Role], token: str, at: datetime) -> None:
        """Raises BadInput when a user or a key has the name, or when no role is given."""
        if not roles:
            raise BadInput(f"User {name!r} would have no role.", f"Known roles: {', '.join(Role)}.")
        for taken, kind in ((UserRow, "user"), (ApiKeyRow, "key")):
            if self._session.get(taken, name) is not None:
                raise BadInput(f"There is already a {kind} {name!r}.", "Choose another name.")
        self._session.add(
            UserRow(name=name, roles=sorted(roles), token_hash=token_hash(token), created_at=at)
        )
        self._session.flush()

    def disable(self, name: str, at: datetime) -> None:
        row = self._row(name)
        row.disabled_at = at
        self._session.execute(delete(SessionRow).where(col(SessionRow.user) == name))

    def replace_token(self, name: str, token: str) -> None:
        """The old token is refused from now on; ends the user's sessions too."""
        self._row(name).token_hash = token_hash(token)
        self._session.execute(delete(SessionRow).where(col(SessionRow.user) == name))

    def count(self) -> int:
        return self._session.exec(select(func.count()).select_from(UserRow)).one()

    def all(self) -> list[User]:
        rows = self._session.exec(select(UserRow).order_by(UserRow.name)).all()
        return [
            User(row.name, tuple(Role(r) for r in row.roles), row.created_at, row.disabled_at) for row in rows
        ]

    def by_token(self, token: str) -> Principal:
        """Raises Unauthenticated unless an enabled user holds the token."""
        row = self._session.exec(select(UserRow).where(UserRow.token_hash == token_hash(token))).first()
        if row is None or row.disabled_at is not None:
            raise Unauthenticated("The credential is not valid.", "Ask an admin for a token.")
        return _principal(row)

    def chat_keys(self) -> dict[str, KeyGrant]:
        """Token hash → what it may do, of every enabled user who may chat."""
        rows = self._session.exec(select(UserRow).where(col(UserRow.disabled_at).is_(None))).all()
        return {
            row.token_hash: KeyGrant(name=row.name) for row in rows if _principal(row).may(Permission.CHAT)
        }

    def open_session(self, user: str, cookie: str, csrf_token: str, expires_at: datetime) -> None:
        self._session.add(
            SessionRow(
                cookie_hash=token_hash(cookie), user=user, csrf_token=csrf_token, expires_at=expires_at
            )
        )

    def by_cookie(self, cookie: str, at: datetime) -> SignedIn:
        """Raises Unauthenticated unless the cookie belongs to a live session of an enabled user."""
        session = self._session.get(SessionRow, token_hash(cookie))
        if session is None or session.expires_at <= at:
            raise Unauthenticated("The session has ended.", "Sign in again.")
        row = self._row(session.user)
        if row.disabled_at is not None:
            raise Unauthenticated("The session has ended.", "Sign in again.")
        return SignedIn(_principal(row), session.csrf_token)

    def close_session(self, cookie: str) -> None:
        self._session.execute(delete(SessionRow).where(col(SessionRow.cookie_hash) == token_hash(cookie)))

    def _row(self, name: str) -> UserRow:
        row = self._session.get(UserRow, name)
        if row is None:
            raise NotFound("user", name, self._session.exec(select(UserRow.name)).all())
        return row


def _principal(row: UserRow) -> Principal:
    return Principal(row.name, frozenset(Role(role) for role in row.roles))
