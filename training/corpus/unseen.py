"""Requests written by hand, in words and about things that no generator knows."""

from training.corpus.sample import Argument, Message, Sample, ToolCall

_CALLS: tuple[tuple[str, str, dict[str, Argument]], ...] = (
    ("Add a task to feed the neighbour's hamster by Sunday.", "create_task",
     {"title": "feed the neighbour's hamster", "due": "Sunday"}),
    ("Remind me to buy oat milk and bananas, due tomorrow.", "create_task",
     {"title": "buy oat milk and bananas", "due": "tomorrow"}),
    ('Please create a task called "rotate the tyres" with high priority.', "create_task",
     {"title": "rotate the tyres", "priority": "high"}),
    ("New task: water Grandma's orchids, low priority", "create_task",
     {"title": "water Grandma's orchids", "priority": "low"}),
    ("Put renew my library card on my list, due Friday.", "create_task",
     {"title": "renew my library card", "due": "Friday"}),
    ("Create a high priority task to descale the espresso machine by next Monday.", "create_task",
     {"title": "descale the espresso machine", "priority": "high", "due": "next Monday"}),
    ("Todo: sharpen skis", "create_task", {"title": "sharpen skis"}),
    ('Add "choose wallpaper with Mathilde" to my tasks, due 2027-02-11.', "create_task",
     {"title": "choose wallpaper with Mathilde", "due": "2027-02-11"}),
    ("I need to vacuum under the sofa by Saturday, low priority.", "create_task",
     {"title": "vacuum under the sofa", "priority": "low", "due": "Saturday"}),
    ("Note down: swap SIM card 88B, medium priority, due today.", "create_task",
     {"title": "swap SIM card 88B", "priority": "medium", "due": "today"}),
    ("Hi, create a task to proofread chapter 12 of the thesis.", "create_task",
     {"title": "proofread chapter 12 of the thesis"}),
    ("Could you add a task to bleed the radiators?", "create_task", {"title": "bleed the radiators"}),
    ("Task 58 is done, finally!", "complete_task", {"task_id": 58}),
    ("I finished task 1207 this morning.", "complete_task", {"task_id": 1207}),
    ("Please mark task number 6 as complete, it took ages.", "complete_task", {"task_id": 6}),
    ("Hey, tick off task 350.", "complete_task", {"task_id": 350}),
    ("Delete task 77, it was a mistake.", "delete_task", {"task_id": 77}),
    ("Please get rid of task 4021.", "delete_task", {"task_id": 4021}),
    ("Remove number 19 from my list.", "delete_task", {"task_id": 19}),
    ("Task #903 can be deleted, thanks.", "delete_task", {"task_id": 903}),
    ("Make task 64 high priority.", "update_task", {"task_id": 64, "priority": "high"}),
    ("Please move task 208 to next Wednesday.", "update_task", {"task_id": 208, "due": "next Wednesday"}),
    ('Rename task 15 to "sell the piano".', "update_task", {"task_id": 15, "title": "sell the piano"}),
    ("Change the priority of task 731 to low, please.", "update_task", {"task_id": 731, "priority": "low"}),
    ("Reschedule task 5 to 2 December.", "update_task", {"task_id": 5, "due": "2 December"}),
    ("Set task 46 to medium priority and move it to tomorrow.", "update_task",
     {"task_id": 46, "priority": "medium", "due": "tomorrow"}),
    ("Show me my overdue tasks, please.", "list_tasks", {"status": "overdue"}),
    ("What is on my list right now?", "list_tasks", {}),
    ("Please list all open tasks.", "list_tasks", {"status": "open"}),
    ("Which tasks have high priority these days?", "list_tasks", {"priority": "high"}),
)  # fmt: skip


def unseen_samples() -> list[Sample]:
    """Thirty requests with the tools offered, their calls grounded in the request as everywhere."""
    return [
        Sample(
            (Message("user", text),), True, ToolCall.of(name, arguments), "tool_call", "held_out_phrasings"
        )
        for text, name, arguments in _CALLS
    ]
