"""Credentials of applications: which deployments each may call, how much, until when."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field

from aftertune.errors import BadInput, Conflict
from aftertune.identity import CONTROLLER, Permission, new_token
from aftertune.store import Transaction
from aftertune.values.api_key import ApiKey
from aftertune.values.route import KeyGrant
from aftertune.values.value import Value
from console.access import ContextOf, guarded_router, needs
from console.acting import ActingOf
from console.names import NewName, PathName

router = guarded_router("keys")

Limit = Annotated[int | None, Field(default=None, ge=1, le=1_000_000_000)]


class KeyTerms(Value):
    """What a key may do. A limit of null is none, and a limit holds for each router process."""

    deployments: tuple[str, ...] | None = Field(
        default=None, min_length=1, max_length=1000, description="null: every deployment"
    )
    requests_a_minute: Limit
    tokens_a_minute: Limit
    concurrency: Limit
    expires_at: AwareDatetime | None = Field(default=None, description="null: never")


class NewKey(KeyTerms):
    name: NewName


class KeyChange(KeyTerms):
    """What is left out stays as it is."""


class KeyView(KeyTerms):
    name: str
    state: str = Field(description="valid, expired or revoked")
    created_by: str
    created_at: datetime
    revoked_at: datetime | None
    revoked_by: str


class IssuedKey(Value):
    """The token is shown this once; only its hash is kept."""

    key: KeyView
    token: str


@router.get("/v1/keys", dependencies=[needs(Permission.MANAGE_USERS)])
def list_keys(context: ContextOf) -> list[KeyView]:
    with context.store.read() as tx:
        return key_views(tx, context.clock.now())


@router.post("/v1/keys", status_code=201, dependencies=[needs(Permission.MANAGE_USERS)])
def create_key(body: NewKey, acting: ActingOf) -> IssuedKey:
    if body.name == CONTROLLER.name:
        raise BadInput(f"The name {body.name!r} belongs to the controller.", "Choose another name.")
    token = new_token()
    with acting.transaction() as tx:
        if not acting.first_time(tx, "create_key", body.name, body):
            raise _shown_before(body.name)
        _refuse_unknown(tx, body)
        _refuse_past(body.expires_at, acting.at)
        key = ApiKey(
            grant=KeyGrant(name=body.name, **_limits(body)),
            created_by=acting.actor,
            created_at=acting.at,
            expires_at=body.expires_at,
        )
        tx.api_keys.add(key, token)
        tx.audit.append(acting.at, acting.actor, "create_key", body.name, _terms(key))
        return IssuedKey(key=_view(key, acting.at), token=token)


@router.post("/v1/keys/{name}/terms", dependencies=[needs(Permission.MANAGE_USERS)])
def change_key(name: PathName, body: KeyChange, acting: ActingOf) -> KeyView:
    """Routers follow within about a second. Ending a key is an act of its own: revoke it."""
    with acting.transaction() as tx:
        before = tx.api_keys.get(name)
        if acting.first_time(tx, "change_key", name, body):
            _refuse_unknown(tx, body)
            if "expires_at" in body.model_fields_set:
                _refuse_past(body.expires_at, acting.at)
            after = _changed(before, body)
            tx.api_keys.change(after, acting.at)
            evidence = {"before": _terms(before), "after": _terms(after)}
            tx.audit.append(acting.at, acting.actor, "change_key", name, evidence)
        return _view(tx.api_keys.get(name), acting.at)


@router.post("/v1/keys/{name}/token", status_code=201, dependencies=[needs(Permission.MANAGE_USERS)])
def rotate_key(name: PathName, acting: ActingOf) -> IssuedKey:
    """A new token; routers refuse the old one within about a second."""
    token = new_token()
    with acting.transaction() as tx:
        if not acting.first_time(tx, "rotate_key", name):
            raise _shown_before(name)
        tx.api_keys.replace_token(name, token, acting.at)
        tx.audit.append(acting.at, acting.actor, "rotate_key", name)
        return IssuedKey(key=_view(tx.api_keys.get(name), acting.at), token=token)


@router.post("/v1/keys/{name}/revoke", dependencies=[needs(Permission.MANAGE_USERS)])
def revoke_key(name: PathName, acting: ActingOf) -> KeyView:
    """For good: the name stays with its holder's exchanges."""
    with acting.transaction() as tx:
        if acting.first_time(tx, "revoke_key", name) and tx.api_keys.revoke(name, acting.actor, acting.at):
            tx.audit.append(acting.at, acting.actor, "revoke_key", name)
        return _view(tx.api_keys.get(name), acting.at)


def key_views(tx: Transaction, now: datetime) -> list[KeyView]:
    """All keys, also those that are over, by name."""
    return [_view(key, now) for key in tx.api_keys.all()]


def key_view(tx: Transaction, name: str, now: datetime) -> KeyView:
    """Raises NotFound."""
    return _view(tx.api_keys.get(name), now)


def _changed(key: ApiKey, change: KeyChange) -> ApiKey:
    given = {field: getattr(change, field) for field in change.model_fields_set}
    expires_at = given.pop("expires_at", key.expires_at)
    return key.model_copy(update={"grant": key.grant.model_copy(update=given), "expires_at": expires_at})


def _limits(terms: KeyTerms) -> dict[str, object]:
    return {
        "deployments": terms.deployments,
        "requests_a_minute": terms.requests_a_minute,
        "tokens_a_minute": terms.tokens_a_minute,
        "concurrency": terms.concurrency,
    }


def _terms(key: ApiKey) -> dict[str, object]:
    """For the audit log."""
    ends = key.expires_at.isoformat() if key.expires_at else None
    return {**key.grant.model_dump(mode="json", exclude={"name", "expires_at"}), "expires_at": ends}


def _refuse_unknown(tx: Transaction, terms: KeyTerms) -> None:
    for deployment in terms.deployments or ():
        tx.deployments.get(deployment)


def _refuse_past(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is not None and expires_at <= now:
        raise BadInput(
            f"The key would expire at {expires_at.isoformat()}, which is over.", "Give a later time."
        )


def _shown_before(name: str) -> Conflict:
    return Conflict(
        f"The token of {name!r} was issued under this key before and cannot be shown again.",
        f"POST /v1/keys/{name}/token under a new idempotency key for another one.",
    )


def _view(key: ApiKey, now: datetime) -> KeyView:
    state = "revoked" if key.revoked_at else "valid" if key.valid(now) else "expired"
    return KeyView(
        state=state,
        created_by=key.created_by,
        created_at=key.created_at,
        revoked_at=key.revoked_at,
        revoked_by=key.revoked_by,
        expires_at=key.expires_at,
        **key.grant.model_dump(exclude={"expires_at"}),
    )
