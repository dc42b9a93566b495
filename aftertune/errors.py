"""Every error Aftertune raises on purpose.

AftertuneError                 what happened, and what to do about it
├── BadInput                   400, exit code 2: the caller must change something
│   ├── UnknownName            400: a name nobody declared; lists the known ones
│   ├── Unauthenticated        401: no credential, or one that nobody holds
│   ├── Forbidden              403: a known person without the permission
│   ├── NotFound               404: nothing is stored under that name
│   └── Conflict               409: the state does not allow it now
│       ├── StaleGeneration    409: somebody changed the deployment first; read again
│       └── IdempotencyReuse   409: the key was used for a different act
├── Unavailable                503: something we depend on is away; trying again may help
└── Corrupt                    500: stored bytes do not verify; a person must look
"""

from collections.abc import Iterable
from typing import ClassVar


class AftertuneError(Exception):
    """`what` happened (a sentence) and `remedy` (what the reader can do; may be empty)."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(f"{what} {remedy}".strip())
        self.what = what
        self.remedy = remedy


class BadInput(AftertuneError):
    status = 400
    title = "Bad input"
    exit_code = 2


class UnknownName(BadInput):
    title = "Unknown name"

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.known = tuple(sorted(known))
        super().__init__(f"Unknown {kind} {name!r}.", f"Known: {', '.join(self.known) or 'none'}.")


class Unauthenticated(BadInput):
    status = 401
    title = "Not authenticated"


class Forbidden(BadInput):
    status = 403
    title = "Not permitted"


class NotFound(BadInput):
    status = 404
    title = "Not found"

    def __init__(self, kind: str, name: str, known: Iterable[str] = ()) -> None:
        self.known = tuple(sorted(known))
        remedy = f"Known: {', '.join(self.known)}." if self.known else ""
        super().__init__(f"There is no {kind} {name!r}.", remedy)


class Conflict(BadInput):
    status = 409
    title = "Conflict"


class StaleGeneration(Conflict):
    title = "Stale generation"

    def __init__(self, deployment: str, seen: int) -> None:
        super().__init__(
            f"Deployment {deployment!r} is no longer at generation {seen}.",
            "Read it again, then decide again.",
        )


class IdempotencyReuse(Conflict):
    title = "Idempotency key reused"

    def __init__(self, key: str) -> None:
        super().__init__(f"The idempotency key {key!r} was used for a different act.", "Use a new key.")


class Unavailable(AftertuneError):
    status = 503
    title = "Unavailable"


class Corrupt(AftertuneError):
    title = "Corrupt data"
