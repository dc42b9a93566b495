"""The state machine under any sequence of acts, on a real store."""

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from aftertune.audit import verify
from aftertune.clock import ManualClock
from aftertune.deployments import (
    aborted,
    canary_started,
    commit,
    configured,
    created,
    frozen,
    promoted,
    rolled_back,
    shadow_started,
    unfrozen,
)
from aftertune.errors import Conflict
from aftertune.store import Store
from aftertune.values.deployment import Act, Deployment, ShadowRule
from aftertune.values.route import Mode
from tests.aftertune.samples import release
from tests.postgres import Postgres

RELEASES = ("v1", "v2", "v3")
shares = st.floats(0.0, 1.0)


class Deploying(RuleBasedStateMachine):
    """Acts in any order; each that is allowed is committed.

    Acts on a state that is not theirs at all are left to the table, so that steps go where it matters.
    """

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.clock = ManualClock()
        self.acts: list[Act] = []
        self.now: Deployment

    def teardown(self) -> None:
        self.store.close()

    @initialize(stable=st.sampled_from(RELEASES))
    def create(self, stable: str) -> None:
        with self.store.write() as tx:
            for name in RELEASES:
                tx.releases.add(release(name))
        self._commit(Act.CREATE, None, created("tasks", stable))

    @rule(data=st.data(), share=shares, mirror=shares)
    def advance(self, data: st.DataObject, share: float, mirror: float) -> None:
        """Shadow, then canary, then promotion; a freeze blocks the last two."""
        if self.now.mode is Mode.NONE:
            candidate = data.draw(st.sampled_from([name for name in RELEASES if name != self.now.stable]))
            self._try(Act.START_SHADOW, True, lambda: shadow_started(self.now, candidate, "r", mirror))
        elif self.now.mode is Mode.SHADOW:
            self._try(Act.START_CANARY, not self.now.frozen, lambda: canary_started(self.now, share, mirror))
        else:
            wanted = data.draw(st.booleans())
            allowed = not self.now.frozen
            self._try(Act.PROMOTE, allowed, lambda: promoted(self.now, fall_back=wanted))

    @precondition(lambda self: self.now.candidate is not None)
    @rule()
    def abort(self) -> None:
        self._try(Act.ABORT, True, lambda: aborted(self.now))

    @rule(data=st.data())
    def roll_back(self, data: st.DataObject) -> None:
        """To a release that was stable once, as the controller chooses; a freeze never stands in the way."""
        with self.store.read() as tx:
            once_stable = {promotion.release for promotion in tx.deployments.promotions("tasks")}
        if self.now.candidate is None:
            once_stable.discard(self.now.stable)
        if once_stable:
            target = data.draw(st.sampled_from(sorted(once_stable)))
            allowed = target != self.now.candidate
            self._try(Act.ROLL_BACK, allowed, lambda: rolled_back(self.now, target))

    @rule(shadowed=st.sets(st.sampled_from(RELEASES)))
    def shadow(self, shadowed: set[str]) -> None:
        rules = tuple(ShadowRule(release=name) for name in sorted(shadowed))
        allowed = not shadowed & {self.now.stable, self.now.candidate} and rules != self.now.shadows
        self._try(Act.CONFIGURE, allowed, lambda: configured(self.now, shadows=rules))

    @rule()
    def freeze_or_unfreeze(self) -> None:
        if self.now.frozen:
            self._try(Act.UNFREEZE, True, lambda: unfrozen(self.now))
        else:
            self._try(Act.FREEZE, True, lambda: frozen(self.now, "audit week"))

    @invariant()
    def what_is_stored_is_what_was_done(self) -> None:
        with self.store.read() as tx:
            stored = tx.deployments.get("tasks")
            promotions = tx.deployments.promotions("tasks")
            entries = list(tx.audit.entries())
        assert stored == self.now
        assert stored.generation == len(self.acts), "one generation an act"
        assert stored.stable in RELEASES
        assert stored.stable not in {stored.candidate, stored.previous_good}
        assert not {rule.release for rule in stored.shadows} & {stored.stable, stored.candidate}
        assert stored.previous_good is not None or not stored.fall_back
        assert (stored.candidate is None) == (stored.mode is Mode.NONE)
        assert (stored.rollout is None) == (stored.candidate is None)
        assert stored.mode is Mode.CANARY or stored.share == 0.0
        assert promotions[0].release == stored.stable
        assert promotions[0].generation <= stored.generation
        assert [entry.action for entry in entries] == self.acts, "one audit entry an act"
        assert [json.loads(entry.body)["after"]["generation"] for entry in entries] == list(
            range(1, len(entries) + 1)
        )
        assert verify(entries).ok

    def _try(self, act: Act, allowed: bool, decide: Any) -> None:
        try:
            after = decide()
        except Conflict:
            assert not allowed, f"{act} was refused on {self.now}"
        else:
            assert allowed, f"{act} was allowed on {self.now}"
            self._commit(act, self.now, after)

    def _commit(self, act: Act, before: Deployment | None, after: Deployment) -> None:
        self.clock.advance(timedelta(seconds=1).total_seconds())
        with self.store.write() as tx:
            assert commit(tx, act, before, after, actor="olga", at=self.clock.now())
        self.now = after
        self.acts.append(act)


def test_any_sequence_of_acts_in_memory(migrated_file: Path) -> None:
    def deploying() -> Deploying:
        store = Store("sqlite://")  # nothing here is about files
        with closing(sqlite3.connect(migrated_file)) as migrated, store.engine.connect() as connection:
            memory = connection.connection.driver_connection
            assert isinstance(memory, sqlite3.Connection)
            migrated.backup(memory)
        return Deploying(store)

    # Any callable that makes one will do, whatever its annotation says.
    run_state_machine_as_test(deploying, settings=settings(max_examples=40, stateful_step_count=25))  # type: ignore[arg-type]


def test_any_sequence_of_acts_on_postgresql(postgres: Postgres, migrated: str) -> None:
    def deploying() -> Deploying:
        return Deploying(Store(postgres.url(postgres.create_database(migrated))))

    run_state_machine_as_test(deploying, settings=settings(max_examples=10, stateful_step_count=25))  # type: ignore[arg-type]
