"""The simulated Task API: pure, (world, call) → (world, result). Results have the form of the example's API."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from aftertune.values.exchange import ToolCall
from evals.conversation.world import Fault, Task, World
from evals.scorers.tool_calls.arguments import strictly
from evals.scorers.tool_calls.toolbox import Toolbox

Arguments = Mapping[str, Any]
Content = dict[str, Any]

_PASSING = MappingProxyType(
    {
        "unavailable": "the task list is not available just now",
        "rate_limited": "too many requests, wait a moment",
        "timeout": "the task list did not answer in time",
    }
)
_CHANGEABLE = frozenset({"title", "priority", "due"})


class Result(NamedTuple):
    """What a call gives back as JSON. An error has `error`, `code` and `retry`: whether the same call can help."""

    content: Content

    @property
    def failed(self) -> bool:
        return "error" in self.content


class Scene(NamedTuple):
    """The world, and the errors that are still to come."""

    world: World
    faults: tuple[Fault, ...] = ()


def carry_out(scene: Scene, call: ToolCall, tools: Toolbox) -> tuple[Scene, Result]:
    """A planned error comes before anything is looked at; then the call must be one that the tools list allows."""
    met = next((fault for fault in scene.faults if fault.tool in ("", call.name)), None)
    if met is not None:
        left = (met.model_copy(update={"times": met.times - 1}),) if met.times > 1 else ()
        at = scene.faults.index(met)
        faults = (*scene.faults[:at], *left, *scene.faults[at + 1 :])
        return scene._replace(faults=faults), _error(met.code, _PASSING[met.code], retry=True)
    world, result = _carried_out(scene.world, call, tools)
    return scene._replace(world=world), result


def _carried_out(world: World, call: ToolCall, tools: Toolbox) -> tuple[World, Result]:
    act = _ACTS.get(call.name)
    if act is None or call.name not in tools:
        known = ", ".join(sorted(name for name in tools if name in _ACTS))
        return world, _error("unknown_tool", f"no such tool; there are {known}")
    arguments = strictly(call.arguments)
    if arguments is None:
        return world, _error("malformed", "the arguments are not one JSON object")
    if complaint := tools[call.name].complaint(arguments):
        return world, _error("invalid", f"the arguments do not fit: {complaint}")
    try:
        return act(world, arguments)
    except (KeyError, TypeError, ValueError, OverflowError):
        # Another tools list than the example's may allow what this world cannot hold.
        return world, _error("invalid", "the arguments do not fit the task list")


def _error(code: str, message: str, *, retry: bool = False) -> Result:
    return Result({"error": message, "code": code, "retry": retry})


def _no_such_task() -> Result:
    return _error("not_found", "no such task")


def _create(world: World, given: Arguments) -> tuple[World, Result]:
    task = Task(id=world.next_id, **given)
    return world.with_new(task), Result({"task_id": task.id})


def _update(world: World, given: Arguments) -> tuple[World, Result]:
    task = world.find(int(given["task_id"]))
    if task is None:
        return world, _no_such_task()
    changes = {name: value for name, value in given.items() if name != "task_id"}
    if not changes or not changes.keys() <= _CHANGEABLE:
        return world, _error("invalid", "nothing to change: give a title, priority or due")
    if "due" in changes:
        changes["overdue"] = False
    changed = Task.model_validate({**task.model_dump(), **changes})
    return world.with_changed(changed), Result({"ok": "true"})


def _complete(world: World, given: Arguments) -> tuple[World, Result]:
    task = world.find(int(given["task_id"]))
    if task is None:
        return world, _no_such_task()
    if task.status == "done":
        return world, _error("conflict", "task is done already")
    done = task.model_copy(update={"status": "done", "overdue": False})
    return world.with_changed(done), Result({"ok": "true"})


def _delete(world: World, given: Arguments) -> tuple[World, Result]:
    number = int(given["task_id"])
    if world.find(number) is None:
        return world, _no_such_task()
    return world.without(number), Result({"ok": "true"})


def _list(world: World, given: Arguments) -> tuple[World, Result]:
    status, priority = given.get("status"), given.get("priority")
    found = [
        task
        for task in world.tasks
        if priority in (None, task.priority)
        and (task.overdue if status == "overdue" else status in (None, task.status))
    ]
    shown = [task.model_dump(exclude_none=True, exclude={"overdue"}) for task in found]
    return world, Result({"count": len(found), "tasks": shown})


_ACTS: Mapping[str, Callable[[World, Arguments], tuple[World, Result]]] = MappingProxyType(
    {
        "create_task": _create,
        "update_task": _update,
        "complete_task": _complete,
        "delete_task": _delete,
        "list_tasks": _list,
    }
)
