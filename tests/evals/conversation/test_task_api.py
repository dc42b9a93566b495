"""The simulated Task API: what calls change, what it refuses, errors that pass, and goals."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aftertune.values.exchange import ToolCall
from evals.conversation.goal import reached
from evals.conversation.task_api import Result, Scene, carry_out
from evals.conversation.world import Fault, Goal, Task, Wanted, World
from evals.scorers.tool_calls.toolbox import toolbox
from examples.task_api.conversations import TOOLS

BOX = toolbox(json.loads(TOOLS.read_text(encoding="utf-8")))
REPORT = Task(id=3, title="report", priority="high", due="Friday", overdue=True)
PLANTS = Task(id=7, title="plants")
WORLD = World(tasks=(REPORT, PLANTS), next_id=8)


def carried_out(name: str, arguments: dict[str, Any] | str, world: World = WORLD) -> tuple[World, Result]:
    written = arguments if isinstance(arguments, str) else json.dumps(arguments)
    scene, result = carry_out(Scene(world), ToolCall(name=name, arguments=written), BOX)
    return scene.world, result


def test_calls_change_the_list() -> None:
    world, result = carried_out("create_task", {"title": "van", "due": "Monday"})
    assert result.content == {"task_id": 8}
    assert world.find(8) == Task(id=8, title="van", due="Monday")
    assert world.next_id == 9
    world, result = carried_out("update_task", {"task_id": 3, "due": "Sunday"}, world)
    assert result.content == {"ok": "true"}
    assert world.find(3) == Task(id=3, title="report", priority="high", due="Sunday"), "no longer overdue"
    world, _ = carried_out("complete_task", {"task_id": 3}, world)
    assert [task.status for task in world.tasks] == ["done", "open", "open"]
    world, _ = carried_out("delete_task", {"task_id": 7.0}, world)
    assert [task.id for task in world.tasks] == [3, 8]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [3, 7]),
        ({"status": "open"}, [3, 7]),
        ({"status": "overdue"}, [3]),
        ({"status": "done"}, []),
        ({"priority": "high"}, [3]),
        ({"status": "open", "priority": "low"}, []),
    ],
)
def test_the_list_is_told(wanted: dict[str, Any], found: list[int]) -> None:
    world, result = carried_out("list_tasks", wanted)
    assert world == WORLD
    assert result.content["count"] == len(found)
    assert [task["id"] for task in result.content["tasks"]] == found


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("complete_task", {"task_id": 99}, "not_found"),
        ("delete_task", {"task_id": 8}, "not_found"),
        ("update_task", {"task_id": 99, "title": "x"}, "not_found"),
        ("update_task", {"task_id": 3}, "invalid"),
        ("complete_task", {"task_id": "3"}, "invalid"),
        ("complete_task", {}, "invalid"),
        ("create_task", {"title": ""}, "invalid"),
        ("create_task", {"title": "x", "priority": "urgent"}, "invalid"),
        ("create_task", {"title": "x", "colour": "red"}, "invalid"),
        ("create_task", '{"title": "x"', "malformed"),
        ("create_task", '{"title": "x", "due": "\\ud800"}', "invalid"),
        ("update_task", '{"task_id": 3, "due": "\\udc00 Friday"}', "invalid"),
        ("create_task", "[]", "malformed"),
        ("create_task", '{"title": "x", "title": "y"}', "malformed"),
        ("share_task", {"task_id": 3}, "unknown_tool"),
        ("", {}, "unknown_tool"),
    ],
)
def test_what_is_refused_changes_nothing(name: str, arguments: Any, code: str) -> None:
    world, result = carried_out(name, arguments)
    assert world == WORLD
    assert result.failed
    assert (result.content["code"], result.content["retry"]) == (code, False)


def test_a_task_is_done_only_once() -> None:
    done, _ = carried_out("complete_task", {"task_id": 7})
    again, result = carried_out("complete_task", {"task_id": 7}, done)
    assert again == done
    assert result.content["code"] == "conflict"


def test_a_passing_error_is_met_by_its_tool_and_passes() -> None:
    scene = Scene(WORLD, (Fault(tool="delete_task", code="timeout", times=2), Fault()))
    delete = ToolCall(name="delete_task", arguments='{"task_id": 7}')
    look = ToolCall(name="list_tasks", arguments="{}")
    seen = []
    for call in (delete, look, delete, delete):
        before = scene.world
        scene, result = carry_out(scene, call, BOX)
        seen.append(result.content.get("code"))
        assert (scene.world == before) == (call is look or result.failed)
    assert seen == ["timeout", "unavailable", "timeout", None]
    assert scene.faults == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"tasks": [{"id": 1, "title": "a"}, {"id": 1, "title": "b"}], "next_id": 2},
        {"tasks": [{"id": 5, "title": "a"}], "next_id": 5},
        {"tasks": [{"id": 1, "title": ""}], "next_id": 2},
        {"tasks": [{"id": 1, "title": "a", "status": "late"}], "next_id": 2},
        {"tasks": [{"id": 1, "title": "a", "owner": "me"}], "next_id": 2},
    ],
)
def test_an_impossible_world_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        World.model_validate(wrong)


def test_goals() -> None:
    report = Wanted(id=3, titles=("report",), priority="high", dues=("Friday", "on Friday"))
    plants = Wanted(id=7, titles=("plants",))
    assert reached(WORLD, Goal(tasks=(plants, report)))
    assert not reached(WORLD, Goal(tasks=(report,))), "one too many"
    assert not reached(WORLD, Goal(tasks=(report, plants, plants))), "one too few"
    assert not reached(WORLD, Goal(tasks=(report, plants.model_copy(update={"id": 8}))))
    assert not reached(WORLD, Goal(tasks=(report, plants.model_copy(update={"dues": ("Friday",)}))))
    assert not reached(WORLD, Goal(tasks=(report.model_copy(update={"dues": ()}), plants)))
    assert not reached(WORLD, Goal(tasks=(report.model_copy(update={"priority": None}), plants)))
    assert not reached(WORLD, Goal(tasks=(report, plants.model_copy(update={"status": "done"}))))
    either = Wanted(titles=("plants", "report"), priority="high", dues=("Friday",))
    assert reached(WORLD, Goal(tasks=(either, plants)))


CALLS = st.builds(
    ToolCall,
    name=st.sampled_from([*BOX, "share_task"]),
    arguments=st.one_of(
        st.text(max_size=20),
        st.fixed_dictionaries(
            {},
            optional={
                "task_id": st.integers(0, 12) | st.floats() | st.none(),
                "title": st.text(max_size=4) | st.integers(),
                "priority": st.sampled_from(["low", "high", "urgent", None]),
                "due": st.text(max_size=4),
                "status": st.sampled_from(["open", "done", "overdue", "late"]),
            },
        ).map(json.dumps),
    ),
)


@given(st.lists(CALLS, max_size=8), st.lists(st.builds(Fault, times=st.integers(1, 2)), max_size=2))
def test_whatever_is_called_the_world_stays_possible(made: list[ToolCall], faults: list[Fault]) -> None:
    scene = Scene(WORLD, tuple(faults))
    for call in made:
        after, result = carry_out(scene, call, BOX)
        assert carry_out(scene, call, BOX) == (after, result), "pure"
        assert World.model_validate_json(after.world.model_dump_json()) == after.world
        assert json.loads(json.dumps(result.content)) == result.content
        if result.failed or call.name == "list_tasks":
            assert after.world == scene.world
        scene = after


def test_another_tools_list_may_allow_what_the_world_cannot_hold() -> None:
    lax = toolbox([{"type": "function", "function": {"name": name, "parameters": {}}} for name in BOX])
    for name, written in (("create_task", '{"title": 5}'), ("complete_task", "{}"), ("update_task", '{"task_id": 3, "id": 9}'),
                          ("delete_task", '{"task_id": "seven"}')):  # fmt: skip
        scene, result = carry_out(Scene(WORLD), ToolCall(name=name, arguments=written), lax)
        assert scene.world == WORLD
        assert result.content["code"] == "invalid"
