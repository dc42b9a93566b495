"""Valid values to start from; a test changes what it is about."""

from datetime import UTC, datetime
from typing import Any

from aftertune.values.exchange import (
    CapturePolicy,
    Exchange,
    ExchangeHeader,
    ExchangeRole,
    Source,
    ToolCall,
    Usage,
)
from aftertune.values.pair import AnswerScores, Pair
from aftertune.values.plan import Comparison, Guardrail, GuardrailMetric, PairMetric, Plan
from aftertune.values.release import EngineKind, Release, ReleaseState
from aftertune.values.rollback import Rollback, RollbackState
from aftertune.values.rollout import Rollout, RolloutState, Stage

AT = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)


def release(name: str = "v1", **changes: Any) -> Release:
    known = {
        "id": name,
        "engine": EngineKind.TRANSFORMERS,
        "state": ReleaseState.READY,
        "created_by": "olga",
        "created_at": AT,
    }
    return Release(**(known | changes))


def header(exchange_id: str = "e1", **changes: Any) -> ExchangeHeader:
    known = {
        "exchange_id": exchange_id,
        "request_id": "q1",
        "pair_id": None,
        "deployment": "tasks",
        "release": "v1",
        "generation": 1,
        "role": ExchangeRole.STABLE,
        "conversation": "c1",
        "conversation_source": Source.HEADER,
        "end_user": "u1",
        "end_user_source": Source.BODY,
        "tenant": "default",
        "tenant_source": Source.FALLBACK,
        "key": "app",
        "router": "router-1",
        "arrival": AT,
        "first_byte": AT,
        "last_byte": AT,
        "ended": AT,
        "stream": False,
        "status": 200,
        "error": None,
        "capture": CapturePolicy.FULL,
    }
    return ExchangeHeader(**(known | changes))


def exchange(exchange_id: str = "e1", **changes: Any) -> Exchange:
    known = {
        **header(exchange_id).model_dump(),
        "finish": "stop",
        "usage": Usage(prompt_tokens=7, completion_tokens=3),
        "tool_calls": (ToolCall(name="list_tasks", arguments="{}"),),
    }
    return Exchange(**(known | changes))


def scores(**changes: Any) -> AnswerScores:
    known = {
        "completed": 1.0,
        "well_formed": 1.0,
        "grounded": None,
        "valid_answer": 1.0,
        "refusal": 0.0,
        "length": 12,
        "latency_s": 0.25,
    }
    return AnswerScores(**(known | changes))


def pair(pair_id: str = "q1", **changes: Any) -> Pair:
    known = {
        "pair_id": pair_id,
        "deployment": "tasks",
        "generation": 2,
        "stable_release": "v1",
        "candidate_release": "v2",
        "stable_exchange": "e1",
        "candidate_exchange": "e2",
        "conversation": "c1",
        "at": AT,
        "stable": scores(),
        "candidate": scores(),
        "same_tool": None,
        "same_arguments": None,
        "text_similarity": 0.5,
        "agreement": 0.5,
    }
    return Pair(**(known | changes))


def plan(**changes: Any) -> Plan:
    known = {
        "deployment": "tasks",
        "candidate": "v2",
        "comparisons": (Comparison(metric=PairMetric.VALID_ANSWER, margin=0.1),),
        "guardrails": (Guardrail(metric=GuardrailMetric.ERRORS, limit=0.05),),
    }
    return Plan(**(known | changes))


def rollout(name: str = "r1", **changes: Any) -> Rollout:
    known = {
        "id": name,
        "deployment": "tasks",
        "candidate": "v2",
        "baseline": "v1",
        "plan": plan(),
        "requester": "olga",
        "state": RolloutState.RUNNING,
        "stage": Stage.SHADOW,
        "stage_since": AT,
        "created_at": AT,
    }
    return Rollout(**(known | changes))


def rollback(name: str = "b1", **changes: Any) -> Rollback:
    known = {
        "id": name,
        "deployment": "tasks",
        "actor": "olga",
        "automatic": False,
        "reason": "wrong torque values",
        "state": RollbackState.REQUESTED,
        "requested_at": AT,
    }
    return Rollback(**(known | changes))
