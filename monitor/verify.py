"""The proof of a rollback: every live router is asked, by the path that clients take, what it serves now."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from aftertune.engine import ChatAnswer
from aftertune.errors import Unavailable
from aftertune.fingerprint import MAX_TOKENS, PROMPTS, answer_digest, probe_messages
from aftertune.headers import CONVERSATION, PROBE
from aftertune.values.rollback import RouterProof
from aftertune.values.route import RouterLease
from monitor.admin import Connect, RouterAdmin

ATTEMPTS = 10
PAUSE_S = 0.3
"""A router gets about three seconds to take the new table before it counts as unproven."""


class Expected(NamedTuple):
    """What every router must show. An empty fingerprint (an engine that is not ours) is not compared."""

    deployment: str
    release: str
    generation: int
    fingerprint: tuple[str, ...]


def verify(
    routers: Sequence[RouterLease], expected: Expected, connect: Connect, pause: Callable[[float], None]
) -> tuple[RouterProof, ...]:
    """One proof a router, all asked at once; `pause` sleeps between two attempts."""
    if not routers:
        return ()

    def prove(router: RouterLease) -> RouterProof:
        admin = connect(router.admin_url)
        proof = _attempt(router.router, admin, expected)
        for _ in range(ATTEMPTS - 1):
            if proof.ok:
                break
            pause(PAUSE_S)
            proof = _attempt(router.router, admin, expected)
        return proof

    with ThreadPoolExecutor(len(routers)) as pool:
        return tuple(pool.map(prove, routers))


def _attempt(router: str, admin: RouterAdmin, expected: Expected) -> RouterProof:
    try:
        generation = admin.routing().generations.get(expected.deployment)
    except Unavailable as error:
        return _unproven(router, None, str(error))
    if generation is None or generation < expected.generation:
        return _unproven(router, generation, f"It is at generation {generation}, not {expected.generation}.")
    try:
        answers = _probe(admin, expected)
    except Unavailable as error:
        return _unproven(router, generation, str(error))
    return _proof(router, generation, answers, expected)


def _probe(admin: RouterAdmin, expected: Expected) -> list[ChatAnswer]:
    """Each prompt in a conversation of its own, so that a split by conversation would show."""
    engine = admin.probe(expected.deployment)
    return [
        engine.chat(
            probe_messages(prompt),
            max_tokens=MAX_TOKENS,
            headers={PROBE: expected.release, CONVERSATION: f"probe-{expected.generation}-{number}"},
        )
        for number, prompt in enumerate(PROMPTS)
    ]


def _proof(router: str, generation: int, answers: Sequence[ChatAnswer], expected: Expected) -> RouterProof:
    digests = tuple(answer_digest(answer) for answer in answers)
    matches = sum(a == b for a, b in zip(digests, expected.fingerprint, strict=False))
    faults = [
        *{f"a probe came from {a.release}" for a in answers if a.release != expected.release},
        *{
            f"a probe was answered under generation {a.generation}"
            for a in answers
            if a.generation is None or a.generation < expected.generation
        },
    ]
    if expected.fingerprint and matches < len(digests):
        faults.append(f"{matches} of {len(digests)} answers match the engine's fingerprint")
    return RouterProof(
        router=router,
        generation=generation,
        releases=tuple(answer.release or "" for answer in answers),
        fingerprint_matches=matches,
        probes=len(answers),
        ok=not faults,
        reason=_sentence(faults)
        if faults or expected.fingerprint
        else "By headers: no fingerprint is known.",
    )


def _sentence(faults: Sequence[str]) -> str:
    return f"{'; '.join(sorted(faults)).capitalize()}." if faults else ""


def _unproven(router: str, generation: int | None, reason: str) -> RouterProof:
    return RouterProof(
        router=router,
        generation=generation,
        releases=(),
        fingerprint_matches=0,
        probes=0,
        ok=False,
        reason=reason,
    )
