"""What the users saw beside what is stored."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import text

from aftertune.store import Store

_LEGS = "SELECT request_id, role FROM exchanges"
_EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


class Account(NamedTuple):
    """`lost`: seen whole and not stored; `twice`: stored more than once; `gap_records`: legs that gaps count."""

    whole: int
    failed: int
    stored_live: int
    stored_shadow: int
    pairs: int
    lost: int
    twice: int
    gap_records: int


def account(store: Store, whole: Sequence[str], failed: int) -> Account:
    with store.engine.connect() as connection:
        legs = Counter((request, role == "shadow") for request, role in connection.execute(text(_LEGS)))
    with store.read() as tx:
        pairs, gaps = tx.pairs.count("tasks"), tx.gaps.count(*_EVER)
    return Account(
        whole=len(whole),
        failed=failed,
        stored_live=sum(count for (_, shadow), count in legs.items() if not shadow),
        stored_shadow=sum(count for (_, shadow), count in legs.items() if shadow),
        pairs=pairs,
        lost=sum((request, False) not in legs for request in set(whole)),
        twice=sum(count > 1 for count in legs.values()),
        gap_records=sum(gaps.values()),
    )
