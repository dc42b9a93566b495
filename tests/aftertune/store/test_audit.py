"""Reading the audit chain's table."""

from aftertune.store import Store
from tests.aftertune.samples import AT


def test_the_newest_entry_of_some_actions(store: Store) -> None:
    with store.write() as tx:
        for action, subject in (("fall_back", "a"), ("return", "a"), ("fall_back", "b"), ("freeze", "a")):
            tx.audit.append(AT, "controller", action, subject)
    with store.read() as tx:
        found = [tx.audit.newest(("fall_back", "return"), subject) for subject in ("a", "b", "c", None)]
    assert [entry and (entry.seq, entry.action) for entry in found] == [
        (2, "return"),
        (3, "fall_back"),
        None,
        (3, "fall_back"),
    ]
