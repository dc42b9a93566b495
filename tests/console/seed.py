"""A console's database with people, releases, a deployment in canary, its verdict, pairs and rollbacks."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from aftertune.deployments import canary_started, commit, created, promoted, shadow_started
from aftertune.identity import Role, new_token
from aftertune.store import Store, Transaction
from aftertune.store.exchanges import Payload
from aftertune.values.deployment import Act
from aftertune.values.exchange import CapturePolicy, Exchange, ExchangeRole, Source
from aftertune.values.pair import AnswerScores, Pair
from aftertune.values.plan import (
    CanaryStage,
    Comparison,
    Guardrail,
    GuardrailMetric,
    PairMetric,
    Plan,
    ShadowStage,
)
from aftertune.values.release import EngineKind, EngineState, EngineStatus, Release, ReleaseState
from aftertune.values.rollback import Rollback, RollbackState, RouterProof
from aftertune.values.rollout import Rollout, RolloutState, Stage
from aftertune.values.route import RouterLease
from aftertune.values.verdict import Measurement, Outcome, Verdict

DEPLOYMENT = "task-api"
ROLLOUT = "ro-seeded"
ROLLBACK = "rb-seeded"
PAIR = "request-1"
HOSTILE = "</pre><script>alert(1)</script> \"quoted\" 'single' & \u202egnp.exe \x1b[31m\u200b"
MODEL_PATH = "/srv/models/v1/merged"


@dataclass(frozen=True)
class Seeded:
    """Tokens by role; each role's user has the role's name, and `approver-2` is a second approver."""

    tokens: dict[str, str]


def seed(store: Store, at: datetime) -> Seeded:
    """v0 and v1 were stable, v2 is a canary that fails, v3 is ready to be tried, v4 is in quarantine."""
    tokens = {role.value: new_token() for role in Role} | {"approver-2": new_token()}
    with store.write() as tx:
        for name, token in tokens.items():
            tx.users.add(name, frozenset({Role(name.removesuffix("-2"))}), token, at)
        for release in ("v0", "v1", "v2", "v3", "v4"):
            _release(tx, release, at)
        tx.releases.quarantine("v4", "answered in the wrong language", at)
        _journey(tx, at)
        tx.routing.renew(_lease("router-1", 6), at + timedelta(seconds=10))
        tx.routing.renew(_lease("router-2", 5), at + timedelta(seconds=10))
        tx.routing.renew(_lease("router-3", 2), at - timedelta(minutes=5))
        for number in range(3):
            _pair(tx, f"request-{number}", at - timedelta(seconds=60 - number), hostile=number == 1)
        tx.rollbacks.add(_rollback(at - timedelta(days=2)))
    return Seeded(tokens)


def plan(candidate: str = "v2") -> Plan:
    return Plan(
        deployment=DEPLOYMENT,
        candidate=candidate,
        comparisons=(Comparison(metric=PairMetric.VALID_ANSWER, margin=0.1),),
        guardrails=(
            Guardrail(metric=GuardrailMetric.ERRORS, limit=0.05),
            Guardrail(metric=GuardrailMetric.INVALID_ANSWERS, limit=0.2),
        ),
        shadow=ShadowStage(min_pairs=50),
        canary=CanaryStage(share=0.2),
    )


def _release(tx: Transaction, release: str, at: datetime) -> None:
    tx.releases.add(
        Release(
            id=release,
            engine=EngineKind.TRANSFORMERS,
            state=ReleaseState.READY,
            base_path="/srv/models/base",
            adapter_path=f"/srv/models/{release}/adapter",
            model_path=f"/srv/models/{release}/merged",
            created_by="operator",
            created_at=at - timedelta(days=5),
        )
    )
    tx.releases.save_engine(
        EngineStatus(
            release=release,
            kind=EngineKind.TRANSFORMERS,
            state=EngineState.READY,
            url="http://127.0.0.1:9001",
            updated_at=at,
        )
    )


def _journey(tx: Transaction, at: datetime) -> None:
    """v0 → v1 stable, then v2 as shadow and canary: generation 6."""
    long_ago = at - timedelta(days=3)
    first = created(DEPLOYMENT, "v0")
    commit(tx, Act.CREATE, None, first, actor="operator", at=long_ago)
    tested = shadow_started(first, "v1", "ro-earlier", 1.0)
    tried = canary_started(tested, 0.1, 1.0)
    stable = promoted(tried)
    shadow = shadow_started(stable, "v2", ROLLOUT, 1.0)
    canary = canary_started(shadow, 0.2, 1.0)
    steps = (
        (Act.START_SHADOW, first, tested),
        (Act.START_CANARY, tested, tried),
        (Act.PROMOTE, tried, stable),
    )
    for act, before, after in steps:
        commit(tx, act, before, after, actor="controller", at=long_ago + timedelta(days=1))
    tx.rollouts.add(
        Rollout(
            id=ROLLOUT,
            deployment=DEPLOYMENT,
            candidate="v2",
            baseline="v1",
            plan=plan(),
            requester="operator",
            state=RolloutState.RUNNING,
            stage=Stage.CANARY,
            stage_since=at - timedelta(minutes=2),
            created_at=at - timedelta(hours=1),
        )
    )
    commit(tx, Act.START_SHADOW, stable, shadow, actor="operator", at=at - timedelta(hours=1))
    commit(tx, Act.START_CANARY, shadow, canary, actor="controller", at=at - timedelta(minutes=2))
    tx.verdicts.add(_verdict(at))


def _verdict(at: datetime) -> Verdict:
    def measured(
        check: str, metric: str, outcome: Outcome, n: int, x: tuple[float, ...], why: str
    ) -> Measurement:
        estimate, low, high, limit = x
        return Measurement(
            check=check,
            metric=metric,
            outcome=outcome,
            n=n,
            estimate=estimate,
            low=low,
            high=high,
            limit=limit,
            alpha=0.05,
            reason=why,
        )

    return Verdict(
        outcome=Outcome.FAIL,
        rollout=ROLLOUT,
        stage=Stage.CANARY,
        release="v2",
        baseline="v1",
        measurements=(
            measured(
                "comparison",
                "valid_answer",
                Outcome.FAIL,
                212,
                (-0.31, -0.42, -0.2, -0.1),
                "v2 is worse than v1 by more than the margin of 0.1.",
            ),
            measured(
                "guardrail",
                "errors",
                Outcome.PASS,
                41,
                (0.0, 0.0, 0.04, 0.05),
                "No more errors than allowed.",
            ),
            Measurement(
                check="guardrail",
                metric="invalid_answers",
                outcome=Outcome.INCONCLUSIVE,
                n=0,
                estimate=None,
                low=None,
                high=None,
                limit=0.2,
                alpha=0.01,
                reason="Nothing was measured yet.",
            ),
        ),
        plan=plan().digest(),
        evidence="ab" * 32,
        judge_version="1",
        at=at - timedelta(seconds=4),
    )


def _pair(tx: Transaction, request_id: str, at: datetime, *, hostile: bool) -> None:
    asked = "Remind me to call Ana\u00a0tomorrow" if not hostile else HOSTILE
    request = json.dumps({"model": DEPLOYMENT, "messages": [{"role": "user", "content": asked}]}).encode()
    answers = {
        "stable": {"content": "Done: I will remind you.", "tool_calls": [_call('{"title": "Call Ana"}')]},
        "candidate": {"content": HOSTILE if hostile else "fraud", "tool_calls": []},
    }
    scores = {"stable": _scores(1.0), "candidate": _scores(0.0)}
    for leg, release, role in (
        ("stable", "v1", ExchangeRole.STABLE),
        ("candidate", "v2", ExchangeRole.SHADOW),
    ):
        answer = json.dumps({"choices": [{"message": answers[leg], "finish_reason": "stop"}]}).encode()
        tx.exchanges.add(_exchange(request_id, leg, release, role, at), Payload(request, answer), scores[leg])
    tx.pairs.add(
        Pair(
            pair_id=request_id,
            deployment=DEPLOYMENT,
            generation=6,
            stable_release="v1",
            candidate_release="v2",
            stable_exchange=f"{request_id}-stable",
            candidate_exchange=f"{request_id}-candidate",
            conversation="c-1",
            at=at,
            stable=scores["stable"],
            candidate=scores["candidate"],
            same_tool=0.0,
            same_arguments=0.0,
            text_similarity=None,
            agreement=0.0,
        )
    )


def _exchange(request_id: str, leg: str, release: str, role: ExchangeRole, at: datetime) -> Exchange:
    return Exchange(
        exchange_id=f"{request_id}-{leg}",
        request_id=request_id,
        pair_id=request_id,
        deployment=DEPLOYMENT,
        release=release,
        generation=6,
        role=role,
        conversation="c-1",
        conversation_source=Source.HEADER,
        end_user="u-1",
        end_user_source=Source.BODY,
        tenant="default",
        tenant_source=Source.FALLBACK,
        key="ingest",
        router="router-1",
        arrival=at,
        first_byte=at,
        last_byte=at,
        ended=at,
        stream=False,
        status=200,
        error=None,
        capture=CapturePolicy.FULL,
        finish="stop",
        usage=None,
        tool_calls=(),
    )


def _call(arguments: str) -> dict[str, object]:
    return {"index": 0, "type": "function", "function": {"name": "create_task", "arguments": arguments}}


def _scores(valid: float) -> AnswerScores:
    return AnswerScores(
        completed=1.0,
        well_formed=1.0,
        grounded=valid,
        valid_answer=valid,
        refusal=0.0,
        length=24,
        latency_s=0.21,
    )


def _lease(router: str, generation: int) -> RouterLease:
    return RouterLease(
        router=router,
        admin_url="http://127.0.0.1:8081",
        revision=generation,
        generations={DEPLOYMENT: generation},
    )


def _rollback(at: datetime) -> Rollback:
    proof = RouterProof(
        router="router-1", generation=3, releases=("v0", "v0"), fingerprint_matches=2, probes=2, ok=True
    )
    return Rollback(
        id=ROLLBACK,
        deployment=DEPLOYMENT,
        actor="controller",
        automatic=True,
        reason="The guardrail on errors failed.",
        state=RollbackState.COMPLETED,
        from_release="v4",
        to_release="v0",
        generation=3,
        first_bad_at=at,
        requested_at=at + timedelta(seconds=1.25),
        switched_at=at + timedelta(seconds=1.5),
        finished_at=at + timedelta(seconds=2.75),
        proofs=(proof,),
        outcome="Every live router proved v0.",
    )
