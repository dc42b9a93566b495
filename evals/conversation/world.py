"""The simulated Task API's list of tasks, the errors that are planned for it, and the list that a sample wants."""

from collections import Counter
from typing import Annotated, Literal

from pydantic import Field, model_validator

from aftertune.values.value import Value

Status = Literal["open", "done"]
Priority = Literal["low", "medium", "high"]
Words = Annotated[str, Field(max_length=4000)]
"""Of a model or a sample. A length is only taken of text that can be written: half a surrogate pair is refused."""


class Task(Value):
    id: int = Field(ge=1)
    title: Words = Field(min_length=1)
    status: Status = "open"
    priority: Priority | None = None
    due: Words | None = Field(default=None, description="in the user's own words")
    overdue: bool = False


class World(Value):
    """The whole state: equal worlds behave alike."""

    tasks: tuple[Task, ...] = ()
    next_id: int = Field(default=1, ge=1, description="number of the next new task")

    @model_validator(mode="after")
    def _numbers_are_unique(self) -> "World":
        if any(times > 1 for times in Counter(task.id for task in self.tasks).values()):
            raise ValueError("two tasks have the same id")
        if any(task.id >= self.next_id for task in self.tasks):
            raise ValueError("next_id is not above every task's id")
        return self

    def find(self, number: int) -> Task | None:
        return next((task for task in self.tasks if task.id == number), None)

    def with_new(self, task: Task) -> "World":
        return World(tasks=(*self.tasks, task), next_id=max(self.next_id, task.id) + 1)

    def with_changed(self, task: Task) -> "World":
        return World(
            tasks=tuple(task if each.id == task.id else each for each in self.tasks), next_id=self.next_id
        )

    def without(self, number: int) -> "World":
        return World(tasks=tuple(task for task in self.tasks if task.id != number), next_id=self.next_id)


class Fault(Value):
    """An error that passes: the next `times` calls of the tool, or of any, meet it and change nothing."""

    tool: str = Field(default="", description="empty: any")
    code: Literal["unavailable", "rate_limited", "timeout"] = "unavailable"
    times: int = Field(default=1, ge=1)


class Wanted(Value):
    """A task as it has to be in the end: one of the titles, one of the dues. Without an id, any task will do."""

    id: int | None = None
    titles: tuple[str, ...] = Field(min_length=1)
    status: Status = "open"
    priority: Priority | None = None
    dues: tuple[str, ...] = Field(default=(), description="none: it has no due time")

    def is_met_by(self, task: Task) -> bool:
        return (
            self.id in (None, task.id)
            and task.title in self.titles
            and task.status == self.status
            and task.priority == self.priority
            and (task.due in self.dues if self.dues else task.due is None)
        )


class Goal(Value):
    """Every task that there has to be, and no other; the order is free."""

    tasks: tuple[Wanted, ...] = ()
