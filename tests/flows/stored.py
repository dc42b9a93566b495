"""What ingest has stored of the answers that users saw."""

from collections.abc import Sequence

from aftertune.store import Store


def legs(store: Store, request: str) -> list[str]:
    """The roles of the request's stored legs, sorted."""
    with store.read() as tx:
        return sorted(leg.role for leg in tx.exchanges.by_request(request))


def all_stored(store: Store, requests: Sequence[str]) -> bool:
    """Each user's answer once: never twice, and in the end none is missing. Raises AssertionError for one twice."""
    found = [legs(store, request).count("stable") for request in requests]
    assert max(found) <= 1
    return min(found) == 1
