"""The proof of a rollback: every live router is asked, by the path that clients take, what it serves now."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from aftertune.clock import Clock
from aftertune.engine import ChatAnswer
from aftertune.errors import Unavailable
from aftertune.fingerprint import MAX_TOKENS, PROMPTS, answer_digest, probe_messages
from aftertune.headers import CONVERSATION, PROBE
from aftertune.values.rollback import RouterProof
from aftertune.values.route import RouterLease
from monitor.admin import Connect, RouterAdmin

TAKE_S = 3.0
"""A router gets this long to take the new table and show it; then it counts as unproven."""
PAUSE_S = 0.3
PROBE_S = 3.0
"""An engine that has not answered a probe by then hangs, and is not asked again."""
PROOF_S = 6.0
"""All probes of a proof end by then."""


class Expected(NamedTuple):
    """What every router must show. An empty fingerprint (an engine that is not ours) is not compared."""

    deployment: str
    release: str
    generation: int
    fingerprint: tuple[str, ...]


class Attempt(NamedTuple):
    """`again`: another attempt may show more (the router is away or behind); an engine that hangs goes on hanging."""

    proof: RouterProof
    again: bool


def verify(
    routers: Sequence[RouterLease],
    expected: Expected,
    connect: Connect,
    clock: Clock,
    pause: Callable[[float], None],
) -> tuple[RouterProof, ...]:
    """One proof a router, all asked at once, within PROOF_S; `pause` sleeps between two attempts (seconds)."""
    if not routers:
        return ()
    began = clock.monotonic()

    def left() -> float:
        return began + PROOF_S - clock.monotonic()

    def prove(router: RouterLease) -> RouterProof:
        admin = connect(router.admin_url)
        attempt = _attempt(router.router, admin, expected, left)
        while attempt.again and left() > PROOF_S - TAKE_S + PAUSE_S:
            pause(PAUSE_S)
            attempt = _attempt(router.router, admin, expected, left)
        return attempt.proof

    with ThreadPoolExecutor(len(routers)) as pool:
        return tuple(pool.map(prove, routers))


def _attempt(router: str, admin: RouterAdmin, expected: Expected, left: Callable[[], float]) -> Attempt:
    try:
        generation = admin.routing().generations.get(expected.deployment)
    except Unavailable as error:
        return Attempt(_unproven(router, None, str(error)), again=True)
    if generation is None or generation < expected.generation:
        reason = f"It is at generation {generation}, not {expected.generation}."
        return Attempt(_unproven(router, generation, reason), again=True)
    try:
        answers = _probe(admin, expected, left)
    except Unavailable as error:
        return Attempt(_unproven(router, generation, str(error)), again=False)
    proof = _proof(router, generation, answers, expected)
    return Attempt(proof, again=not proof.ok)


def _probe(admin: RouterAdmin, expected: Expected, left: Callable[[], float]) -> list[ChatAnswer]:
    """Each prompt in a conversation of its own, so that a split by conversation would show.

    One after the other, as the fingerprint was taken: an engine that batches may answer otherwise.
    """
    answers: list[ChatAnswer] = []
    for number, prompt in enumerate(PROMPTS):
        timeout_s = min(PROBE_S, left())
        if timeout_s <= 0:
            raise Unavailable(f"{number} of {len(PROMPTS)} probes were answered within {PROOF_S:g} s.")
        answers.append(
            admin.probe(expected.deployment, timeout_s).chat(
                probe_messages(prompt),
                max_tokens=MAX_TOKENS,
                headers={PROBE: expected.release, CONVERSATION: f"probe-{expected.generation}-{number}"},
            )
        )
    return answers


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
