"""Whether a world is as a sample wants it."""

from evals.conversation.world import Goal, World
from evals.scorers.tool_calls import matching


def reached(world: World, goal: Goal) -> bool:
    """Each wanted task is a task of its own, and there is no other."""
    if len(world.tasks) != len(goal.tasks):
        return False
    fits = [
        [index for index, wanted in enumerate(goal.tasks) if wanted.is_met_by(task)] for task in world.tasks
    ]
    return matching.best(fits, len(fits))
