"""Requests beyond one call of one tool, written by hand: several calls, several right answers, other tools, no call."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Truth = Sequence[Mapping[str, Mapping[str, Sequence[Any]]]]


def _complete(number: int) -> dict[str, Any]:
    return {"complete_task": {"task_id": [number]}}


def _delete(number: int) -> dict[str, Any]:
    return {"delete_task": {"task_id": [number]}}


def _create(*titles: str, **more: Sequence[Any]) -> dict[str, Any]:
    return {"create_task": {"title": titles, **more}}


def _update(number: int, **more: Sequence[Any]) -> dict[str, Any]:
    return {"update_task": {"task_id": [number], **more}}


def _list(**wanted: Sequence[Any]) -> dict[str, Any]:
    return {"list_tasks": wanted}


PARALLEL: tuple[tuple[str, Truth], ...] = (
    ("Close tasks 4 and 9.", [_complete(4), _complete(9)]),
    ("Tasks 18, 19 and 23 are done.", [_complete(18), _complete(19), _complete(23)]),
    ("Remove number 301 and number 77.", [_delete(301), _delete(77)]),
    ("Add two tasks: wash the van, and fill the tank.", [_create("wash the van"), _create("fill the tank")]),
    ("Set tasks 6 and 16 to high priority.", [_update(6, priority=["high"]), _update(16, priority=["high"])]),
    ("Make 51 low and 52 medium priority.", [_update(51, priority=["low"]), _update(52, priority=["medium"])]),
    ("Delete tasks 8, 80 and 800.", [_delete(8), _delete(80), _delete(800)]),
    ("Show my open tasks, and those of high priority.", [_list(status=["open"], priority=[""]),
                                                        _list(priority=["high"], status=["", "open"])]),
)  # fmt: skip
MULTIPLE: tuple[tuple[str, Truth], ...] = (
    ("Close task 4 and delete task 5.", [_complete(4), _delete(5)]),
    ("Delete 61, then add a task: call the plumber.", [_delete(61), _create("call the plumber")]),
    ("Task 12 is done, and rename task 13 to spare keys.", [_complete(12), _update(13, title=["spare keys"])]),
    ("Show all tasks and close number 3.", [_list(), _complete(3)]),
    ("Add a task: book a room, and set task 70 to low priority.",
     [_create("book a room"), _update(70, priority=["low"])]),
    ("Close 14, delete 15, and rename 16 to tyres.", [_complete(14), _delete(15), _update(16, title=["tyres"])]),
    ("Remove task 90 and make a new one: order cables.", [_delete(90), _create("order cables")]),
    ("List what is overdue, and finish task 44.", [_list(status=["overdue"]), _complete(44)]),
)  # fmt: skip
ALTERNATIVES: tuple[tuple[str, Truth], ...] = (
    ("Add a task: renew the licence, due by 3 May.", [_create("renew the licence", due=["3 May", "by 3 May"])]),
    ("Task 20 is due on Monday morning.",
     [_update(20, due=["Monday morning", "on Monday morning"])]),
    ("Remind me to call Lena's school.", [_create("call Lena's school", "Call Lena's school")]),
    ("What is still open?", [_list(status=["open"])]),
    ("Show me everything on my list.", [_list(status=["", "open"], priority=[""])]),
    ("Create an urgent task: stop the leak.", [_create("stop the leak", priority=["high"])]),
    ("New task, nothing special: sort the shelf.", [_create("sort the shelf", priority=["", "low", "medium"])]),
    ("Move 31 to next week.", [_update(31, due=["next week"])]),
)  # fmt: skip
NO_CALL = (
    "What does it mean that a task is overdue?",
    "Share task 5 with Nadia.",
    "Which of your tools can delete a task?",
    "Do not close task 8, I have changed my mind.",
    "How many priorities does a task have?",
    "Print my tasks on paper.",
    "Is it Friday today?",
    "If I wanted to close a task, what would you need from me?",
    "Thank you, that was all.",
    "Translate the word task into German.",
)
SOME_CALL = (
    "Find out whether I have anything to do.",
    "Do something about my list, it is a mess.",
    "Check my list before we go on.",
    "Have a look at what I have to do today.",
)


def _tool(name: str, description: str, properties: dict[str, Any], *required: str) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


_TEXT, _WHOLE, _NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
_POSITION = {
    "type": "object",
    "properties": {"part": _TEXT, "count": _WHOLE},
    "required": ["part", "count"],
    "additionalProperties": False,
}
WORKSHOP = (
    _tool("order_parts", "Order spare parts.",
          {"parts": {"type": "array", "items": _POSITION}, "express": {"type": "boolean"}}, "parts"),
    _tool("log_reading", "Store a measured value.",
          {"sensor": _TEXT, "value": _NUMBER, "unit": {"type": "string", "enum": ["bar", "°C", "Nm"]}},
          "sensor", "value", "unit"),
    _tool("book_visit", "Book a technician.",
          {"place": {"type": "object", "properties": {"hall": _WHOLE, "machine": _TEXT}, "required": ["hall"]},
           "days": {"type": "array", "items": _TEXT}}, "place"),
)  # fmt: skip
OTHER_TOOLS: tuple[tuple[str, Truth], ...] = (
    ("Order four M8 bolts.", [{"order_parts": {"parts": [[{"part": ["M8 bolts", "M8 bolt", "M8"], "count": [4]}]],
                                               "express": [False, ""]}}]),
    ("Express order: two V-belts B-17 and one bearing 6204.",
     [{"order_parts": {"parts": [[{"part": ["V-belts B-17", "V-belt B-17"], "count": [2]},
                                  {"part": ["bearing 6204"], "count": [1]}],
                                 [{"part": ["bearing 6204"], "count": [1]},
                                  {"part": ["V-belts B-17", "V-belt B-17"], "count": [2]}]], "express": [True]}}]),
    ("Sensor P3 shows 5 bar.", [{"log_reading": {"sensor": ["P3"], "value": [5], "unit": ["bar"]}}]),
    ("T1 is at -12.5 °C, T2 at 40 °C.", [{"log_reading": {"sensor": ["T1"], "value": [-12.5], "unit": ["°C"]}},
                                        {"log_reading": {"sensor": ["T2"], "value": [40], "unit": ["°C"]}}]),
    ("Store 85 Nm for key K-2.", [{"log_reading": {"sensor": ["K-2", "key K-2"], "value": [85], "unit": ["Nm"]}}]),
    ("Book a technician for the press in hall 3.",
     [{"book_visit": {"place": [{"hall": [3], "machine": ["press", "the press"]}], "days": [""]}}]),
    ("I need a technician in hall 1, Monday or Tuesday.",
     [{"book_visit": {"place": [{"hall": [1]}], "days": [["Monday", "Tuesday"], ["Tuesday", "Monday"]]}}]),
    ("Log 2.0 bar for P9, and book a visit to hall 9.",
     [{"log_reading": {"sensor": ["P9"], "value": [2], "unit": ["bar"]}},
      {"book_visit": {"place": [{"hall": [9]}], "days": [""]}}]),
)  # fmt: skip


def tool_calls_wide() -> Iterator[dict[str, Any]]:
    groups: tuple[tuple[str, Sequence[tuple[str, Truth]], Any], ...] = (
        ("parallel", PARALLEL, True),
        ("multiple", MULTIPLE, True),
        ("alternatives", ALTERNATIVES, True),
        ("other_tools", OTHER_TOOLS, WORKSHOP),
    )
    for task, requests, tools in groups:
        for number, (request, truth) in enumerate(requests, 1):
            scoring = {"kind": "tool_calls", "ground_truth": truth}
            yield _sample(f"{task}-{number:02}", task, request, scoring, tools)
    for task, said, kind in (("no_call", NO_CALL, "no_tool_call"), ("some_call", SOME_CALL, "any_tool_call")):
        for number, request in enumerate(said, 1):
            yield _sample(f"{task}-{number:02}", task, request, {"kind": kind}, True)


def _sample(name: str, task: str, request: str, scoring: Mapping[str, Any], tools: Any) -> dict[str, Any]:
    return {
        "id": name,
        "task": task,
        "messages": [{"role": "user", "content": request}],
        "tools": tools,
        "scoring": scoring,
    }
