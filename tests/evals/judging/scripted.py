"""A judge in the process: an engine that says what a function makes of what it was asked, and counts what it was asked."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from aftertune.engine import AsyncEngine
from aftertune.errors import Unavailable
from aftertune.settings.sections import EvalsSettings, JudgeSettings
from aftertune.values.evaluation import Answer, Loss
from evals.judging.bench import Bench, JudgeModel, seated
from evals.judging.canary import CANARIES


class Heard(NamedTuple):
    """What a judge can read in one request."""

    system: str
    user: str
    settings: Mapping[str, Any]

    @property
    def code(self) -> str:
        return found(r"The code is (\w+)", self.system)

    @property
    def marker(self) -> str:
        return found(r"a line BEGIN (\w+)", self.system)

    @property
    def answer(self) -> str:
        return found(rf"The answer:\nBEGIN {self.marker}\n(.*?)\nEND {self.marker}", self.user)

    @property
    def sentences(self) -> int | None:
        listed = re.search(r"a list of (\d+)", self.system)
        return int(listed[1]) if listed else None

    @property
    def canary(self) -> float | None:
        """The right answer, if it is a canary."""
        known = (each.right for each in CANARIES if each.answer == self.answer and each.question in self.user)
        return next(known, None)


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.DOTALL)
    assert match is not None, text
    return match[1]


Said = Callable[[Heard], str]


class ScriptedEngine:
    """Raises Unavailable for `AWAY`, never ends for `HANG`."""

    AWAY, HANG = "<away>", "<hang>"

    def __init__(self, said: Said) -> None:
        self.said = said
        self.heard: list[Heard] = []

    async def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        stream: bool = False,
        raw: bool = False,
        settings: Mapping[str, Any],
    ) -> Answer:
        self.heard.append(Heard(messages[0]["content"], messages[-1]["content"], settings))
        said = self.said(self.heard[-1])
        if said == self.AWAY:
            raise Unavailable("The judge is away.")
        if said == self.HANG:
            await asyncio.Event().wait()
        return Answer(text=said)

    async def loss(self, text: str) -> Loss:
        raise NotImplementedError

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        raise NotImplementedError


def reply(heard: Heard, verdict: float | Sequence[float], **more: object) -> str:
    """As a judge replies that does what it was told."""
    names = {1.0: "yes", 0.0: "no"}
    said: dict[str, object] = {"code": heard.code, "reason": "It is so."}
    if heard.sentences is None:
        assert not isinstance(verdict, Sequence)
        said["verdict"] = names[verdict]
    else:
        each = verdict if isinstance(verdict, Sequence) else [verdict] * heard.sentences
        said["verdicts"] = [names[one] for one in each]
    return json.dumps(said | more)


def honest(verdict: float) -> Said:
    """Right about canaries, and always the same about answers."""
    return lambda heard: reply(heard, verdict if heard.canary is None else heard.canary)


def sits(*said: Said | AsyncEngine, encoder: AsyncEngine | None = None, timeout_s: float = 30.0) -> Bench:
    """A bench of judges `judge-0`, `judge-1`, …, without waits between tries, with words in a fixed order."""
    engines = [each if not callable(each) else ScriptedEngine(each) for each in said]
    judges = tuple(JudgeSettings(url="http://judge", model=f"judge-{n}") for n in range(len(engines)))

    async def at_once(_: float) -> None:
        await asyncio.sleep(0)

    by_name = dict(zip((each.model for each in judges), engines, strict=True))
    bench = seated(
        EvalsSettings(judges=judges, judge_timeout_s=timeout_s, judge_concurrency=4),
        lambda each: by_name[each.model],
        None if encoder is None else JudgeModel("encoder-1", encoder),
        sleep=at_once,
    )
    words = (f"w{n:08}" for n in range(10**8))
    bench.word = lambda: next(words)
    return bench
