"""`aftertune replay`"""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from aftertune.cli.client import ConsoleClient, client_from_environment
from aftertune.errors import Unavailable
from aftertune.replay.answer import ReplayAnswer
from aftertune.replay.engine import Asker
from aftertune.replay.prompt import Prompt
from aftertune.settings import load
from aftertune.values.route import Target

PAGE = 50
SEND_BYTES = 600_000
"""Answers are sent on once they hold so much; base64 and JSON make them a third longer."""

STOPPED = 130


@dataclass
class _Told:
    """What came of it so far."""

    accepted: int = 0
    known: int = 0
    redacted: int = 0
    limit: int | None = None
    asked: int = 0
    waiting: list[ReplayAnswer] = field(default_factory=list)

    @property
    def room(self) -> int:
        return PAGE if self.limit is None else min(PAGE, self.limit - self.asked)


def replay(
    deployment: Annotated[str, typer.Option(help="whose stored prompts")],
    release: Annotated[str, typer.Option(help="which answers them; its engine must be ready")],
    since: Annotated[datetime | None, typer.Option(help="prompts from then on (UTC)")] = None,
    until: Annotated[datetime | None, typer.Option(help="prompts before then (UTC)")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="at most so many prompts")] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="at most so many prompts a second")] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="prompts under way at once")] = 4,
    engine: Annotated[str | None, typer.Option(help="another address of the engine, without /v1")] = None,
) -> None:
    """Put stored prompts to a release and make pairs of its answers. Run again, it goes on where it stopped."""
    settings = load()
    job = _Job(
        client_from_environment(settings.console_url),
        f"/v1/deployments/{deployment}/replay",
        {"release": release, **_window(since, until)},
        _Told(limit=limit),
    )
    try:
        asker = asyncio.run(job.run(engine, rate, concurrency, settings.mirror.timeout_s))
    except KeyboardInterrupt:
        job.report()
        typer.echo("stopped; run the same command again: it goes on from here")
        raise typer.Exit(STOPPED) from None
    job.report(asker)
    if asker.away:
        raise Unavailable(
            f"The engine of {release} does not answer; the rest could not be measured.",
            "Start it, then run the same command again: it goes on from here.",
        )


class _Job:
    def __init__(self, client: ConsoleClient, path: str, query: dict[str, str], told: _Told) -> None:
        self._client = client
        self._path = path
        self._query = query
        self._told = told

    async def run(self, engine: str | None, rate: float | None, concurrency: int, timeout_s: float) -> Asker:
        page = await self._page("")
        target = Target.model_validate(page["target"])
        if engine is not None:
            target = target.model_copy(update={"url": engine})
        asker = Asker(target, rate, concurrency, timeout_s)
        try:
            with _progress() as progress:
                task = progress.add_task(
                    target.release, total=min(page["total"], self._told.limit or page["total"])
                )
                await self._pages(page, asker, progress, task)
        finally:
            # Also when it is stopped: what was answered is not lost.
            self._send()
            await asker.close()
        return asker

    def report(self, asker: Asker | None = None) -> None:
        told = self._told
        typer.echo(f"{told.accepted} answers taken in, {told.known} stored already")
        if told.redacted:
            typer.echo(
                f"{told.redacted} prompts were redacted before storage: not what users wrote word for word"
            )
        for reason, n in asker.unmeasured.most_common() if asker else ():
            typer.echo(f"{n} could not be measured: {reason}")

    async def _pages(self, page: Any, asker: Asker, progress: Progress, task: TaskID) -> None:
        while True:
            if self._told.limit is None:
                progress.advance(task, page["done"])
            prompts = [Prompt.model_validate(prompt) for prompt in page["prompts"]]
            self._told.asked += len(prompts)
            self._told.redacted += sum(prompt.redacted for prompt in prompts)
            async with aclosing(asker.answers(prompts)) as answers:
                async for answer in answers:
                    progress.advance(task)
                    if answer is not None:
                        self._keep(answer)
            self._send()
            if page["next"] is None or asker.away or self._told.room <= 0:
                return
            page = await self._page(page["next"])

    async def _page(self, after: str) -> Any:
        query: dict[str, str | int] = {**self._query, "limit": self._told.room, "after": after}
        return await asyncio.to_thread(self._client.get, self._path, **query)

    def _keep(self, answer: ReplayAnswer) -> None:
        size = sum(len(each.answer) for each in self._told.waiting)
        if self._told.waiting and size + len(answer.answer) > SEND_BYTES:
            self._send()
        self._told.waiting.append(answer)

    def _send(self) -> None:
        """Answers leave the list only when the console has them."""
        if not self._told.waiting:
            return
        answers = [each.model_dump(mode="json") for each in self._told.waiting]
        taken = self._client.post(self._path, {"release": self._query["release"], "answers": answers})
        self._told.waiting.clear()
        self._told.accepted += taken["accepted"]
        self._told.known += taken["known"]


def _window(since: datetime | None, until: datetime | None) -> dict[str, str]:
    """Times without a zone are UTC."""
    named = {"since": since, "until": until}
    return {
        name: (at if at.tzinfo else at.replace(tzinfo=UTC)).isoformat()
        for name, at in named.items()
        if at is not None
    }


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
