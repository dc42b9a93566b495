"""Replays: hands out stored prompts, takes a release's answers to them. The engine is asked by who replays."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query
from pydantic import AwareDatetime, Field

from aftertune.capabilities import ACCEPTED_FIELDS
from aftertune.deposit import deposit
from aftertune.errors import BadInput, Conflict
from aftertune.identity import Permission
from aftertune.replay.answer import ROUTER, ReplayAnswer, replay_id, shadow_leg
from aftertune.replay.prompt import Prompt
from aftertune.store import Transaction
from aftertune.values.exchange import CapturePolicy, Exchange, ExchangeRole
from aftertune.values.release import EngineState
from aftertune.values.route import Target
from aftertune.values.value import Value
from console.access import CallerOf, ContextOf, guarded_router, needs
from console.acting import ActingOf
from console.names import NewName, PathName

router = guarded_router("replay")

MOST_PROMPTS = 100
PAGE_BYTES = 8_000_000
"""A page ends with the prompt that goes beyond this."""

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


class Prompts(Value):
    """A page of prompts. `next` is where the following one begins; None after the last.

    `total` counts stored prompts of the time asked for, `done` those of this page that the release has answered.
    """

    target: Target
    prompts: tuple[Prompt, ...]
    total: int
    done: int
    next: str | None


class Answers(Value):
    release: NewName
    answers: tuple[ReplayAnswer, ...] = Field(min_length=1, max_length=MOST_PROMPTS)


class Replayed(Value):
    """`known` ones had been stored before."""

    accepted: int
    known: int


@router.get("/v1/deployments/{name}/replay", dependencies=[needs(Permission.RUN_ROLLOUT)])
def get_prompts(
    name: PathName,
    release: Annotated[str, Query(max_length=128)],
    context: ContextOf,
    caller: CallerOf,
    since: AwareDatetime = _FIRST,
    until: AwareDatetime | None = None,
    after: Annotated[str, Query(max_length=256)] = "",
    limit: Annotated[int, Query(ge=1, le=MOST_PROMPTS)] = MOST_PROMPTS,
) -> Prompts:
    """What users asked stable and the release has not answered yet, oldest first. Who read it is audited."""
    caller.principal.require(Permission.READ_PAYLOAD)
    now = context.clock.now()
    with context.store.write() as tx:
        deployment = tx.deployments.get(name).name
        target = _target(tx, release)
        window = (deployment, release, since, until or now)
        legs = tx.replays.page(*window, after, limit)
        answered = tx.replays.answered(release, legs)
        prompts, seen = _page(tx, legs, answered)
        if prompts:
            read = {"release": release, "prompts": len(prompts)}
            tx.audit.append(now, caller.name, "read_payload", f"{deployment}/replay", read)
        return Prompts(
            target=target,
            prompts=prompts,
            total=tx.replays.count(*window),
            done=seen - len(prompts),
            next=legs[seen - 1].exchange_id if seen < len(legs) or len(legs) == limit else None,
        )


@router.post("/v1/deployments/{name}/replay", status_code=202, dependencies=[needs(Permission.RUN_ROLLOUT)])
def add_answers(name: PathName, body: Answers, acting: ActingOf) -> Replayed:
    """Each becomes a shadow leg of the release; ingest makes pairs of them. A second answer to a prompt is not stored."""
    with acting.transaction() as tx:
        deployment, release = tx.deployments.get(name).name, tx.releases.get(body.release).id
        new = {}
        for answer in body.answers:
            unique = replay_id(release, answer.exchange_id)
            if tx.exchanges.get(unique) is not None:
                continue
            stable = _stable_leg(tx, deployment, release, answer.exchange_id)
            payload = tx.exchanges.payload(stable.exchange_id)
            if payload is None:
                raise Conflict(f"The payload of exchange {stable.exchange_id!r} is gone.", "Leave it out.")
            joined = stable.model_copy(update={"pair_id": tx.replays.join(stable.exchange_id)})
            new[unique] = shadow_leg(joined, payload.request, answer, release, acting.actor, acting.at)
        if new:
            evidence = {"release": release, "accepted": len(new)}
            tx.audit.append(acting.at, acting.actor, "replay", deployment, evidence)
            deposit(acting.context.settings.spool_folder / ROUTER, new.values(), acting.at)
    return Replayed(accepted=len(new), known=len(body.answers) - len(new))


def _target(tx: Transaction, release: str) -> Target:
    """Raises NotFound; Conflict where no engine of the release is ready."""
    found = tx.releases.get(release)
    engine = tx.releases.engine(found.id)
    if engine is None or engine.state is not EngineState.READY or not engine.url:
        state = engine.state if engine else "without an engine"
        raise Conflict(f"The engine of {found.id} is not ready: {state}.", "Start it, then replay.")
    return Target(
        release=found.id,
        url=engine.url,
        served_name=found.served_name or found.id,
        accepts=ACCEPTED_FIELDS[found.engine],
    )


def _page(tx: Transaction, legs: list[Exchange], answered: set[str]) -> tuple[tuple[Prompt, ...], int]:
    """The prompts that wait for an answer, and how many of the legs were looked at."""
    prompts: list[Prompt] = []
    size = seen = 0
    for leg in legs:
        seen += 1
        if leg.exchange_id in answered:
            continue
        prompts.append(_prompt(tx, leg))
        size += len(prompts[-1].request)
        if size > PAGE_BYTES:
            break
    return tuple(prompts), seen


def _prompt(tx: Transaction, leg: Exchange) -> Prompt:
    payload = tx.exchanges.payload(leg.exchange_id)
    return Prompt(
        exchange_id=leg.exchange_id,
        endpoint=leg.endpoint,
        request=payload.request.decode(errors="replace") if payload else "",
        redacted=leg.capture is CapturePolicy.REDACTED,
    )


def _stable_leg(tx: Transaction, deployment: str, release: str, exchange_id: str) -> Exchange:
    leg = tx.exchanges.get(exchange_id)
    fits = leg is not None and leg.deployment == deployment and leg.role is ExchangeRole.STABLE
    if leg is None or not fits or leg.release == release:
        raise BadInput(
            f"{exchange_id!r} is no stored request of {deployment} that {release} could answer.",
            "Replay only what the console hands out.",
        )
    return leg
