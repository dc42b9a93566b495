"""The Task API's five tools, as an OpenAI `tools` list with complete JSON Schemas."""

from typing import Any, Final

PRIORITIES: Final = ("low", "medium", "high")
STATUSES: Final = ("open", "done", "overdue")

_TASK_ID: dict[str, Any] = {"type": "integer", "minimum": 1, "description": "Number of the task."}
_TITLE: dict[str, Any] = {"type": "string", "minLength": 1, "description": "What is to be done."}
_PRIORITY: dict[str, Any] = {"type": "string", "enum": list(PRIORITIES)}
_DUE: dict[str, Any] = {"type": "string", "minLength": 1, "description": "When, in the user's own words."}


def _tool(name: str, description: str, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    return {
        "type": "function",
        "function": {"name": name, "description": description, "parameters": parameters},
    }


TOOLS: Final[list[dict[str, Any]]] = [
    _tool(
        "create_task",
        "Add a task to the user's list.",
        {"title": _TITLE, "priority": _PRIORITY, "due": _DUE},
        ["title"],
    ),
    _tool(
        "update_task",
        "Change a task's title, priority or due time.",
        {"task_id": _TASK_ID, "title": _TITLE, "priority": _PRIORITY, "due": _DUE},
        ["task_id"],
    ),
    _tool("complete_task", "Mark a task as done.", {"task_id": _TASK_ID}, ["task_id"]),
    _tool("delete_task", "Remove a task from the list.", {"task_id": _TASK_ID}, ["task_id"]),
    _tool(
        "list_tasks",
        "List tasks, all or filtered.",
        {"status": {"type": "string", "enum": list(STATUSES)}, "priority": _PRIORITY},
        [],
    ),
]

TOOL_NAMES: Final[tuple[str, ...]] = tuple(tool["function"]["name"] for tool in TOOLS)


def parameters_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of one tool's arguments. Raises KeyError for a name outside `TOOL_NAMES`."""
    schemas: dict[str, dict[str, Any]] = {
        tool["function"]["name"]: tool["function"]["parameters"] for tool in TOOLS
    }
    return schemas[name]
