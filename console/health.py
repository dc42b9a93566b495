"""Is the console up, and does it reach the database?"""

from typing import Literal

from aftertune.values.value import Value
from console.access import ContextOf, guarded_router, public

router = guarded_router("health")


class Health(Value):
    status: Literal["ok"] = "ok"


@router.get("/healthz", dependencies=[public("supervisors and load balancers have no credential")])
def healthz(context: ContextOf) -> Health:
    """503 when the database does not answer."""
    with context.store.read() as tx:
        tx.users.count()
    return Health()
