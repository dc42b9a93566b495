"""A whole deployment around a real store: releases with engines, routers that follow tables, a clock that is moved."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from aftertune.clock import ManualClock
from aftertune.deployments import aborted, commit, created, frozen, promoted, shadow_started
from aftertune.engine import ChatAnswer, ChatEngine
from aftertune.errors import Unavailable
from aftertune.fingerprint import PROMPTS, answer_digest
from aftertune.headers import CONVERSATION, PROBE
from aftertune.store import Store, Transaction
from aftertune.values.deployment import Act, Deployment
from aftertune.values.evaluation import EvaluationRun, RunState, Trigger, before_promotion_run
from aftertune.values.exchange import ExchangeRole
from aftertune.values.plan import CanaryStage, Comparison, Guardrail, GuardrailMetric, PairMetric, ShadowStage
from aftertune.values.release import EngineKind, EngineState, EngineStatus, Passport, Proof, Release
from aftertune.values.rollback import Rollback
from aftertune.values.rollout import Approval, Override, Rollout, RolloutState
from aftertune.values.route import Mode, RouterLease, RoutingTable
from monitor.controller import Controller
from monitor.metrics import Metrics
from monitor.publish import Publisher
from monitor.rollback import Rollbacks
from tests.aftertune.samples import exchange, pair, plan, release, rollback, rollout, scores

ROUTER_LEASE_S = 10.0
RELEASES = ("v0", "v1", "v2", "v3")

PLAN = plan(
    comparisons=(Comparison(metric=PairMetric.VALID_ANSWER, margin=0.1),),
    guardrails=(Guardrail(metric=GuardrailMetric.INVALID_ANSWERS, limit=0.2, min_answers=5),),
    shadow=ShadowStage(min_pairs=80, deadline_s=600),
    canary=CanaryStage(share=0.2, min_answers=10, deadline_s=600),
)


class Crash(BaseException):
    """Stands for the process's end: nothing catches it."""


class CrashingStore(Store):
    """Ends the process at the given write transaction, before or after its commit."""

    def __init__(self, url: str, at: int, committed: bool) -> None:
        super().__init__(url)
        self.at, self.committed, self.writes = at, committed, 0

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        self.writes += 1
        here = self.writes == self.at
        with super().write() as tx:
            yield tx
            if here and not self.committed:
                raise Crash
        if here:
            raise Crash


def said_by(release: str, prompt: str) -> ChatAnswer:
    return ChatAnswer(text=f"{release} says: {prompt}", finish="stop")


def fingerprint_of(release: str) -> tuple[str, ...]:
    return tuple(answer_digest(said_by(release, prompt)) for prompt in PROMPTS)


class FakeRouter:
    """A RouterAdmin and the engine behind it. `deaf` takes no tables, `impostor` answers in stable's place."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.table = RoutingTable(revision=0)
        self.deaf = False
        self.impostor = ""
        self.fallen_back: dict[str, str] = {}
        self.probed: list[Mapping[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://{self.name}"

    def routing(self) -> RouterLease:
        generations = {route.deployment: route.generation for route in self.table.routes}
        return RouterLease(
            router=self.name,
            admin_url=self.url,
            revision=self.table.revision,
            generations=generations,
            fallen_back=self.fallen_back,
        )

    def push(self, table: RoutingTable) -> RouterLease:
        if self.deaf:
            raise Unavailable(f"{self.url} does not answer.")
        assert table.revision >= self.table.revision
        self.table = table
        return self.routing()

    def probe(self, deployment: str, timeout_s: float) -> ChatEngine:
        return self

    def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        max_tokens: int = 256,
        headers: Mapping[str, str] | None = None,
    ) -> ChatAnswer:
        assert headers is not None
        self.probed.append(headers)
        route = self.table.route("tasks")
        if route is None:
            raise Unavailable("There is no route.")
        answer = said_by(self.impostor or route.stable.release, messages[0]["content"])
        return answer.model_copy(update={"release": route.stable.release, "generation": route.generation})

    @property
    def conversations(self) -> set[str]:
        return {headers[CONVERSATION] for headers in self.probed}

    @property
    def claims(self) -> set[str]:
        return {headers[PROBE] for headers in self.probed}


class World:
    def __init__(self, store: Store, clock: ManualClock, routers: Sequence[str] = ("router-1",)) -> None:
        self.store = store
        self.clock = clock
        self.metrics = Metrics()
        self.routers = {f"http://{name}": FakeRouter(name) for name in routers}
        self.sick: set[str] = set()
        self.answered = 0
        with store.write() as tx:
            for name in RELEASES:
                tx.releases.add(known_release(name))
                tx.releases.save_engine(engine(name))
            commit(tx, Act.CREATE, None, created("tasks", "v1"), actor="olga", at=clock.now())
        self.renew()
        self.restart()

    def restart(self, store: Store | None = None) -> None:
        """A new process on the same database."""
        store = store or self.store
        self.publisher = Publisher(store, self.clock, self.connect, self.metrics)
        self.rollbacks = Rollbacks(
            store,
            self.clock,
            self.publisher,
            self.connect,
            self.unhealthy,
            self.metrics,
            self.clock.advance,
            ROUTER_LEASE_S,
        )
        self.controller = Controller(
            store, self.clock, self.publisher, self.rollbacks, self.metrics, "here:8082"
        )

    def connect(self, admin_url: str) -> FakeRouter:
        return self.routers[admin_url]

    def unhealthy(self, release: Release, engine: EngineStatus) -> str:
        return "it does not answer" if release.id in self.sick else ""

    def renew(self, seconds: float = 3600) -> None:
        with self.store.write() as tx:
            for router in self.routers.values():
                tx.routing.renew(router.routing(), self.clock.now() + timedelta(seconds=seconds))

    def tick(self, times: int = 1) -> None:
        for _ in range(times):
            self.clock.advance(0.25)
            self.controller.tick()

    def start_rollout(self, candidate: str = "v2", name: str = "r1", **changes: Any) -> None:
        now = self.clock.now()
        the_plan = PLAN.model_copy(update={"candidate": candidate, **changes})
        with self.store.write() as tx:
            before = tx.deployments.get("tasks")
            tx.rollouts.add(
                rollout(
                    name,
                    candidate=candidate,
                    baseline=before.stable,
                    plan=the_plan,
                    created_at=now,
                    stage_since=now,
                )
            )
            after = shadow_started(before, candidate, name, the_plan.shadow.mirror)
            commit(tx, Act.START_SHADOW, before, after, actor="olga", at=now)

    def approve(self, *people: str, name: str = "r1") -> None:
        for person in people:
            with self.store.write() as tx:
                subject = tx.rollouts.get(name)
                approval = Approval(approver=person, plan=subject.plan.digest(), at=self.clock.now())
                tx.rollouts.approve(subject, approval)

    def override(self, name: str = "r1") -> None:
        with self.store.write() as tx:
            waiver = Override(check="comparison", actor="ada", reason="known", at=self.clock.now())
            tx.rollouts.override(tx.rollouts.get(name), waiver)

    def abort(self, name: str = "r1") -> None:
        """As an operator does."""
        with self.store.write() as tx:
            before = tx.deployments.get("tasks")
            commit(tx, Act.ABORT, before, aborted(before), actor="olga", at=self.clock.now())
            subject = tx.rollouts.get(name)
            tx.rollouts.save(subject.model_copy(update={"state": RolloutState.ABORTED}))

    def promote_now(self, name: str = "r1") -> None:
        """Between two ticks."""
        with self.store.write() as tx:
            before = tx.deployments.get("tasks")
            commit(tx, Act.PROMOTE, before, promoted(before), actor="controller", at=self.clock.now())
            subject = tx.rollouts.get(name)
            tx.rollouts.save(subject.model_copy(update={"state": RolloutState.PROMOTED}))

    def quarantine(self, release: str) -> None:
        with self.store.write() as tx:
            tx.releases.quarantine(release, "leaks addresses", self.clock.now())

    def freeze(self) -> None:
        with self.store.write() as tx:
            before = tx.deployments.get("tasks")
            after = frozen(before, "audit week")
            commit(tx, Act.FREEZE, before, after, actor="ada", at=self.clock.now())

    def pairs(self, n: int, candidate: float = 1.0, release: str = "v2") -> None:
        with self.store.write() as tx:
            stable = tx.deployments.get("tasks").stable
            for _ in range(n):
                self.clock.advance(0.01)
                self.answered += 1
                tx.pairs.add(
                    pair(
                        f"p{self.answered}",
                        at=self.clock.now(),
                        stable_release=stable,
                        candidate_release=release,
                        candidate=scores(valid_answer=candidate),
                    )
                )

    def answers(self, n: int, valid: float = 1.0, release: str = "v2") -> None:
        with self.store.write() as tx:
            for _ in range(n):
                self.clock.advance(0.01)
                self.answered += 1
                now = self.clock.now()
                leg = exchange(
                    f"a{self.answered}",
                    role=ExchangeRole.CANARY,
                    release=release,
                    arrival=now,
                    last_byte=now,
                    ended=now,
                )
                tx.exchanges.add(leg, None, scores(valid_answer=valid))

    def evaluated(
        self, state: RunState, trigger: Trigger = Trigger.BEFORE_PROMOTION, name: str = "r1"
    ) -> None:
        """What the evaluation room wrote of the suite "calls" on the rollout's candidate."""
        by_hand = trigger is Trigger.BY_HAND
        with self.store.write() as tx:
            run = EvaluationRun(
                id=f"by-hand-{self.clock.now()}" if by_hand else before_promotion_run(name, "calls"),
                suite="calls",
                release=tx.rollouts.get(name).candidate,
                deployment="tasks",
                trigger=trigger,
                state=state,
                reason=f"It is {state}.",
                requested_by="evals",
                requested_at=self.clock.now(),
            )
            (tx.evaluations.save if tx.evaluations.find(run.id) else tx.evaluations.add)(run)

    def ask_back(self, name: str = "b1", **changes: Any) -> None:
        with self.store.write() as tx:
            tx.rollbacks.add(rollback(name, requested_at=self.clock.now(), **changes))

    def promote(self, candidate: str, name: str) -> None:
        """The whole way of a healthy candidate."""
        self.start_rollout(candidate, name)
        self.approve("ada", "ben", name=name)
        self.pairs(100, release=candidate)
        self.tick()
        self.answers(20, release=candidate)
        self.tick()
        assert self.deployment.stable == candidate

    @property
    def deployment(self) -> Deployment:
        with self.store.read() as tx:
            return tx.deployments.get("tasks")

    def rollout(self, name: str = "r1") -> Rollout:
        with self.store.read() as tx:
            return tx.rollouts.get(name)

    def rollback(self, name: str = "b1") -> Rollback:
        with self.store.read() as tx:
            return tx.rollbacks.get(name)

    @property
    def quarantined(self) -> set[str]:
        with self.store.read() as tx:
            return set(tx.releases.quarantined())

    @property
    def actions(self) -> list[str]:
        """The audit log's actions, oldest first."""
        with self.store.read() as tx:
            return [entry.action for entry in tx.audit.entries()]


def engine(name: str, **changes: Any) -> EngineStatus:
    known = {
        "release": name,
        "kind": EngineKind.TRANSFORMERS,
        "state": EngineState.READY,
        "url": f"http://engine-{name}",
        "weights_digest": f"weights of {name}",
        "fingerprint": fingerprint_of(name),
        "updated_at": ManualClock().now(),
    }
    return EngineStatus(**(known | changes))


def known_release(name: str) -> Release:
    passport = Passport(
        release=name,
        base_digest="b",
        adapter_digest="a",
        merged_digest=f"weights of {name}",
        tokenizer_digest="t",
        template_digest="c",
        training={},
        proof=Proof(prompts=1, max_logit_difference=0.0, tolerance=0.1),
        versions={},
        merged_at=ManualClock().now(),
    )
    return release(name, passport=passport)


def in_canary_with_bad_answers(world: World, candidate: str = "v2") -> World:
    world.start_rollout(candidate)
    world.approve("ada", "ben")
    world.pairs(100, release=candidate)
    world.tick()
    assert world.deployment.mode is Mode.CANARY
    world.answers(10, valid=0.0, release=candidate)
    return world
