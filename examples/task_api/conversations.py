"""Conversations with the simulated Task API, written by hand: what is on the list, what users say, what should be done.

The goal is where the reference calls lead. A title or due time has more than one right spelling where users leave it open.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from aftertune.values.exchange import ToolCall
from evals.conversation.task_api import Scene, carry_out
from evals.conversation.world import Task, World
from evals.scorers.tool_calls.toolbox import Toolbox, toolbox

TOOLS = Path(__file__).parents[2] / "evals" / "suites" / "task_api.tools.json"
MOST_CALLS = 8

Call = tuple[str, dict[str, Any]]


class Plan(NamedTuple):
    """`spellings`: further right texts for a title or due time that the reference calls give."""

    task: str
    tasks: Sequence[Task]
    says: Sequence[str]
    calls: Sequence[Call]
    faults: Sequence[Mapping[str, Any]] = ()
    spellings: Mapping[str, Sequence[str]] = {}


REPORT = Task(id=12, title="quarterly report", priority="high", due="Friday")
PLANTS = Task(id=15, title="water the plants")
BACKUP = Task(id=21, title="check the backup", priority="low", overdue=True, due="Monday")
INVOICE = Task(id=33, title="pay the invoice", priority="high", overdue=True)
SLIDES = Task(id=40, title="slides for Omar", status="done")
AUDIT = Task(id=57, title="offer audit with Nadia", priority="medium", due="22 September")
OFFICE = (REPORT, PLANTS, BACKUP)
MIXED = (REPORT, INVOICE, SLIDES, AUDIT)


def create(title: str, **more: str) -> Call:
    return "create_task", {"title": title, **more}


def update(number: int, **changes: str) -> Call:
    return "update_task", {"task_id": number, **changes}


def complete(number: int) -> Call:
    return "complete_task", {"task_id": number}


def delete(number: int) -> Call:
    return "delete_task", {"task_id": number}


def look(**wanted: str) -> Call:
    return "list_tasks", wanted


AWAY = {"tool": "", "code": "unavailable", "times": 1}
BUSY = {"tool": "update_task", "code": "rate_limited", "times": 2}
SLOW = {"tool": "complete_task", "code": "timeout", "times": 1}

PLANS: tuple[Plan, ...] = (
    # One call after another, each asked for in a turn of its own.
    Plan("turns", OFFICE, ("Close task 15.", "And delete task 21."), (complete(15), delete(21))),
    Plan("turns", OFFICE, ("Set task 12 to low priority.", "Task 12 is done."), (update(12, priority="low"), complete(12))),
    Plan("turns", (), ("Add a task: call the dentist.", "Make it high priority."),
         (create("call the dentist"), update(1, priority="high"))),
    Plan("turns", MIXED, ("Rename task 57 to audit with Nadia.", "Move it to 1 October.", "Thank you."),
         (update(57, title="audit with Nadia"), update(57, due="1 October")), (), {"1 October": ("to 1 October",)}),
    Plan("turns", OFFICE, ("Delete task 12.", "Add it again as annual report.", "With high priority."),
         (delete(12), create("annual report"), update(22, priority="high"))),
    Plan("turns", MIXED, ("Complete task 33.", "Complete task 57 too.", "Delete task 40."),
         (complete(33), complete(57), delete(40))),
    # The number is not said: it has to be looked up.
    Plan("lookup", OFFICE, ("I have watered the plants, close that task.",), (look(), complete(15))),
    Plan("lookup", MIXED, ("Delete the task about the slides for Omar.",), (look(), delete(40))),
    Plan("lookup", MIXED, ("Give the audit with Nadia high priority.",), (look(), update(57, priority="high"))),
    Plan("lookup", OFFICE, ("Complete everything that is overdue.",), (look(status="overdue"), complete(21))),
    Plan("lookup", MIXED, ("Set all open tasks of medium priority to low.",),
         (look(status="open", priority="medium"), update(57, priority="low"))),
    Plan("lookup", MIXED, ("Remove the tasks that are done.",), (look(status="done"), delete(40))),
    # Several calls for one request.
    Plan("several", OFFICE, ("Close tasks 12 and 15.",), (complete(12), complete(15))),
    Plan("several", (), ("Add two tasks: buy stamps, and post the letters.",), (create("buy stamps"), create("post the letters"))),
    Plan("several", MIXED, ("Delete 40, then complete 33.",), (delete(40), complete(33))),
    Plan("several", OFFICE, ("Make tasks 12, 15 and 21 medium priority.",),
         (update(12, priority="medium"), update(15, priority="medium"), update(21, priority="medium"))),
    # An error that passes: the same call once more.
    Plan("retry", OFFICE, ("Close task 15.",), (complete(15),), (AWAY,)),
    Plan("retry", MIXED, ("Task 57 is due 1 October.",), (update(57, due="1 October"),), (BUSY,)),
    Plan("retry", OFFICE, ("Task 12 is done.", "Delete task 21."), (complete(12), delete(21)), (SLOW,)),
    Plan("retry", (), ("New task: order filters.",), (create("order filters"),), (AWAY, AWAY)),
    Plan("retry", MIXED, ("Show all my tasks.", "Complete task 33."), (look(), complete(33)), (AWAY,)),
    # An error that stays: nothing is to be changed, or something else.
    Plan("refused", OFFICE, ("Close task 99.",), (complete(99),)),
    Plan("refused", MIXED, ("Close task 40.",), (complete(40),)),
    Plan("refused", OFFICE, ("Delete task 51.", "I meant task 15."), (delete(51), delete(15))),
    Plan("refused", MIXED, ("Rename task 75 to audit.", "Sorry, task 57."), (update(75, title="audit"), update(57, title="audit"))),
    # Nothing is asked of the list.
    Plan("talk", OFFICE, ("What can you do?", "Close task 21."), (complete(21),)),
    Plan("talk", MIXED, ("Thank you, TaskMaster!",), ()),
    Plan("talk", OFFICE, ("Which priorities are there?", "Then give task 15 the lowest."), (update(15, priority="low"),)),
    # The user changes their mind.
    Plan("change", OFFICE, ("Set task 15 to high priority.", "No, make it low."), (update(15, priority="high"), update(15, priority="low"))),
    Plan("change", (), ("Add a task: rent a van.", "No, call it borrow a van."), (create("rent a van"), update(1, title="borrow a van"))),
)  # fmt: skip


def task_conversations() -> Iterator[dict[str, Any]]:
    tools = toolbox(json.loads(TOOLS.read_text(encoding="utf-8")))
    for number, plan in enumerate(PLANS, 1):
        yield _sample(f"{plan.task}-{number:03}", plan, tools)


def _sample(name: str, plan: Plan, tools: Toolbox) -> dict[str, Any]:
    world = World(tasks=tuple(plan.tasks), next_id=1 + max((task.id for task in plan.tasks), default=0))
    end = Scene(world)
    for tool, arguments in plan.calls:
        end, _ = carry_out(end, ToolCall(name=tool, arguments=json.dumps(arguments)), tools)
    first, *later = plan.says
    return {
        "id": name,
        "task": plan.task,
        "messages": [{"role": "user", "content": first}],
        "tools": True,
        "scoring": {
            "kind": "conversation",
            "world": world.model_dump(mode="json", exclude_defaults=True),
            "turns": later,
            "goal": {"tasks": [_wanted(task, world, plan) for task in end.world.tasks]},
            "faults": list(plan.faults),
            "fewest_calls": len(plan.calls),
            "most_calls": MOST_CALLS,
        },
        "meta": {"reference": [{tool: arguments} for tool, arguments in plan.calls]},
    }


def _wanted(task: Task, before: World, plan: Plan) -> dict[str, Any]:
    """A new task may have any number: who is made first does not matter."""
    is_new = before.find(task.id) is None
    wanted: dict[str, Any] = {} if is_new else {"id": task.id}
    wanted["titles"] = [task.title, *plan.spellings.get(task.title, ())]
    if task.status != "open":
        wanted["status"] = task.status
    if task.priority:
        wanted["priority"] = task.priority
    if task.due:
        wanted["dues"] = [task.due, *plan.spellings.get(task.due, ())]
    return wanted
