"""A run that is waited for: a bar on a terminal, a line for each change elsewhere."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn


class Watched:
    """`seen` is what was said last."""

    def __init__(self, run: str) -> None:
        self.seen = ""
        self._run = run
        self._console = Console()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
            console=self._console,
            disable=not self._console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task(run, total=None, pace="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def look(self, view: Mapping[str, Any]) -> None:
        """At the run as the API shows it."""
        state = view["state"] if not view["samples"] else f"{view['state']}, {view['done']}/{view['samples']}"
        progress = view["progress"]
        self._bar.update(
            self._task,
            description=f"{self._run}: {view['state']}",
            completed=progress["asked"],
            total=progress["total"] or None,
            pace=pace(progress),
        )
        if state != self.seen and not self._console.is_terminal:
            self._console.print(f"{self._run}: {state}", markup=False, highlight=False)
        self.seen = state


def pace(progress: Mapping[str, Any]) -> str:
    """Samples a second and the time that is left, where they are known."""
    if progress["rate"] is None or progress["seconds_left"] is None:
        return ""
    minutes, seconds = divmod(round(progress["seconds_left"]), 60)
    return f"{progress['rate']:.1f}/s, {minutes}:{seconds:02d} left"
