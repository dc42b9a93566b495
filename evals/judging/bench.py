"""Who judges in one run: the configured models and the encoder, each with its limit and its breaker."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from aftertune.engine import AsyncEngine, NoAnswer
from aftertune.errors import AftertuneError, Unavailable
from aftertune.settings.sections import EvalsSettings, JudgeSettings
from evals.judging.breaker import Breaker
from evals.judging.prompt import Asked
from evals.persona.probe import Probe, Vectors

BACKOFF_S = (0.5, 2.0)
"""Before each further try of a request that could not be answered."""

LONGEST_REASON = 200

Sleep = Callable[[float], Awaitable[None]]
Connect = Callable[[JudgeSettings], AsyncEngine]


class JudgeModel(NamedTuple):
    """A judge model: its name and the engine that it answers through. `structured`: it takes a JSON schema."""

    name: str
    engine: AsyncEngine
    structured: bool = True


class Reply(NamedTuple):
    """`said` is None when there is no reply, and `reason` tells why."""

    said: str | None
    reason: str = ""


@dataclass
class Seat:
    """One judge in one run. `distrust` is None until it was examined; empty: it is trusted."""

    judge: JudgeModel
    limit: asyncio.Semaphore
    timeout_s: float
    backoff_s: tuple[float, ...]
    sleep: Sleep
    breaker: Breaker = field(default_factory=Breaker)
    examining: asyncio.Lock = field(default_factory=asyncio.Lock)
    distrust: str | None = None

    async def ask(self, asked: Asked, seed: int) -> Reply:
        """Never raises but for a cancellation. Tries and waits together take no longer than `timeout_s`."""
        settings: dict[str, object] = {"temperature": 0, "seed": seed, "max_tokens": asked.most_tokens}
        if self.judge.structured:
            settings["response_format"] = asked.schema
        async with self.limit:
            if self.breaker.refusal:
                return Reply(None, self.breaker.refusal)
            try:
                said = await self._said(asked, settings)
            except TimeoutError:
                reason = f"the judge gave no reply in {self.timeout_s:g} s"
            except AftertuneError as error:
                reason = f"the judge gave no reply: {_short(error)}"
            else:
                self.breaker.replied()
                return Reply(said)
            self.breaker.failed(reason)
            return Reply(None, reason)

    async def _said(self, asked: Asked, settings: dict[str, object]) -> str:
        """Raises TimeoutError at the deadline, whichever try it falls into, and Unavailable after the last try."""
        deadline = asyncio.get_running_loop().time() + self.timeout_s
        for wait_s in self.backoff_s:
            async with asyncio.timeout_at(deadline):
                try:
                    return (await self.judge.engine.chat(asked.messages, settings=settings)).text
                except Unavailable as error:
                    if isinstance(error, NoAnswer) and not error.can_pass:
                        raise
                    await self.sleep(wait_s)
        async with asyncio.timeout_at(deadline):
            return (await self.judge.engine.chat(asked.messages, settings=settings)).text


@dataclass
class Bench:
    """Everything that judges in one run; it belongs to one event loop. `word` gives fresh random words."""

    seats: tuple[Seat, ...] = ()
    encoder: JudgeModel | None = None
    word: Callable[[], str] = lambda: secrets.token_hex(6)
    probes: dict[str, dict[str, Probe]] = field(default_factory=dict)
    """By persona and trait, once they are fitted."""
    voices: dict[str, Vectors] = field(default_factory=dict)
    """By persona: the embeddings of its exemplars."""
    fitting: asyncio.Lock = field(default_factory=asyncio.Lock)


def seated(
    settings: EvalsSettings,
    connect: Connect,
    encoder: JudgeModel | None = None,
    *,
    backoff_s: tuple[float, ...] = BACKOFF_S,
    sleep: Sleep = asyncio.sleep,
) -> Bench:
    """The judges of the settings, for one run."""
    seats = tuple(
        Seat(
            JudgeModel(each.model, connect(each), each.structured),
            asyncio.Semaphore(settings.judge_concurrency),
            settings.judge_timeout_s,
            backoff_s,
            sleep,
        )
        for each in settings.judges
    )
    return Bench(seats, encoder)


def _short(error: BaseException) -> str:
    said = " ".join(str(error).split()) or type(error).__name__
    return said if len(said) <= LONGEST_REASON else f"{said[:LONGEST_REASON]}…"
