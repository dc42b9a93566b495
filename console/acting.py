"""An act: who, when, under which idempotency key; its transaction, and the monitor woken after it."""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

import rfc8785
from fastapi import BackgroundTasks, Depends, Header, Response
from pydantic import BaseModel, StringConstraints

from aftertune.errors import BadInput
from aftertune.store import Transaction
from console.access import CallerOf, ContextOf
from console.context import Context

REPLAYED_HEADER = "idempotent-replayed"
IdempotencyKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{8,128}$")]
"""Names an act: sent again with the same key and body, it is not done again."""

Reason = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]+$"
    ),
]
"""Why a person acts; it goes into the audit log."""


@dataclass(frozen=True)
class Acting:
    context: Context
    actor: str
    at: datetime
    key: str | None
    background: BackgroundTasks
    response: Response

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Everything inside happens or nothing does; when it did, the monitor is woken after the response."""
        with self.context.store.write() as tx:
            yield tx
        self.background.add_task(self.context.wake)

    def first_time(self, tx: Transaction, act: str, subject: str, body: BaseModel | None = None) -> bool:
        """False when this actor did exactly this under this key before. Raises IdempotencyReuse.

        The body's digest is part of what the key stands for: another body under the same key is another act.
        """
        if self.key is None:
            return True
        digest = _digest(body) if body else ""
        first = tx.deployments.claim_key(
            f"{self.actor}/{self.key}", self.actor, act, f"{subject} {digest}".strip(), self.at
        )
        if not first:
            self.response.headers[REPLAYED_HEADER] = "true"
        return first

    def under(self, key: str) -> "Acting":
        """The same act, under a key that did not come in the header."""
        return replace(self, key=key)

    def new_id(self, prefix: str) -> str:
        """An id that is the same each time when there is a key."""
        if self.key is None:
            return f"{prefix}-{secrets.token_hex(6)}"
        return f"{prefix}-{hashlib.sha256(f'{self.actor}/{self.key}'.encode()).hexdigest()[:12]}"


def acting(
    context: ContextOf,
    caller: CallerOf,
    background: BackgroundTasks,
    response: Response,
    idempotency_key: Annotated[IdempotencyKey | None, Header()] = None,
) -> Acting:
    return Acting(context, caller.name, context.clock.now(), idempotency_key, background, response)


ActingOf = Annotated[Acting, Depends(acting)]


def _digest(body: BaseModel) -> str:
    try:
        return hashlib.sha256(rfc8785.dumps(body.model_dump(mode="json"))).hexdigest()
    except rfc8785.CanonicalizationError as error:
        raise BadInput(f"The body holds a number that JSON cannot carry: {error}.") from error
