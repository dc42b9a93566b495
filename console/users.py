"""People and machines that hold a credential."""

from datetime import datetime

from pydantic import Field

from aftertune.errors import BadInput, Conflict, NotFound
from aftertune.identity import CONTROLLER, Permission, Role, new_token
from aftertune.store import Transaction
from aftertune.store.users import User
from aftertune.values.value import Value
from console.access import ContextOf, guarded_router, needs
from console.acting import ActingOf
from console.names import NewName, PathName

router = guarded_router("users")


class UserView(Value):
    name: str
    roles: tuple[Role, ...]
    created_at: datetime
    disabled_at: datetime | None


class NewUser(Value):
    name: NewName
    roles: tuple[Role, ...] = Field(min_length=1)


class Issued(Value):
    """The token is shown this once; only its hash is kept."""

    user: UserView
    token: str


@router.get("/v1/users", dependencies=[needs(Permission.MANAGE_USERS)])
def list_users(context: ContextOf) -> list[UserView]:
    with context.store.read() as tx:
        return [_view(user) for user in tx.users.all()]


@router.post("/v1/users", status_code=201, dependencies=[needs(Permission.MANAGE_USERS)])
def add_user(body: NewUser, acting: ActingOf) -> Issued:
    if body.name == CONTROLLER.name:
        raise BadInput(f"The name {body.name!r} belongs to the controller.", "Choose another name.")
    token = new_token()
    with acting.transaction() as tx:
        if not acting.first_time(tx, "add_user", body.name, body):
            raise _shown_before(body.name)
        tx.users.add(body.name, frozenset(body.roles), token, acting.at)
        tx.audit.append(acting.at, acting.actor, "add_user", body.name, {"roles": sorted(set(body.roles))})
        return Issued(user=_named(tx, body.name), token=token)


@router.post("/v1/users/{name}/disable", dependencies=[needs(Permission.MANAGE_USERS)])
def disable_user(name: PathName, acting: ActingOf) -> UserView:
    """Ends the user's sessions; their token is refused from now on."""
    if name == acting.actor:
        raise Conflict("You cannot disable yourself.", "Ask another admin, so that one always remains.")
    with acting.transaction() as tx:
        if acting.first_time(tx, "disable_user", name):
            tx.users.disable(name, acting.at)
            tx.audit.append(acting.at, acting.actor, "disable_user", name)
        return _named(tx, name)


@router.post("/v1/users/{name}/token", status_code=201, dependencies=[needs(Permission.MANAGE_USERS)])
def replace_token(name: PathName, acting: ActingOf) -> Issued:
    """The old token and the user's sessions end at once."""
    token = new_token()
    with acting.transaction() as tx:
        if not acting.first_time(tx, "replace_token", name):
            raise _shown_before(name)
        user = _named(tx, name)
        if user.disabled_at is not None:
            raise Conflict(f"The user {name!r} is disabled.", "Add a user under another name.")
        tx.users.replace_token(name, token)
        tx.audit.append(acting.at, acting.actor, "replace_token", name)
        return Issued(user=user, token=token)


def _shown_before(name: str) -> Conflict:
    return Conflict(
        f"The token of {name!r} was issued under this key before and cannot be shown again.",
        f"POST /v1/users/{name}/token under a new key for another one.",
    )


def _named(tx: Transaction, name: str) -> UserView:
    users = {user.name: user for user in tx.users.all()}
    if name not in users:
        raise NotFound("user", name, users)
    return _view(users[name])


def _view(user: User) -> UserView:
    return UserView(**user._asdict())
