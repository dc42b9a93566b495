"""No verdict is scripted: give the story the better release as the careless one, and its outcome swaps.

The registration suites are the demo's to show: here nobody asks for them, and the judge alone decides.
"""

from pathlib import Path

import pytest

from aftertune.values.rollout import RolloutState
from aftertune.values.verdict import Outcome
from examples.task_api import people, stack
from examples.task_api.plans import DEPLOYMENT
from examples.task_api.story import Story
from examples.task_api.traffic import Traffic
from tests.flows.leftovers import expect_none_left, processes_of


@pytest.mark.stack
@pytest.mark.usefixtures("no_encoder")
@pytest.mark.timeout(1200)
def test_swapped_candidates_swap_the_outcome(tmp_path: Path) -> None:
    with stack.running(tmp_path / "home", "transformers", print) as running:
        assert running.admin_token is not None
        with people.welcomed(running.console_url, running.admin_token) as cast:
            traffic = Traffic(running.router_url, cast.application_key, DEPLOYMENT, seed=2)
            story = Story(cast, traffic, print, suites=())
            try:
                first, second = story.tell(careless="v3", better="v2")
                running_engines = [p for p in processes_of(tmp_path / "home") if "serve" in p]
            finally:
                traffic.stop()
            stable = cast.operator.get(f"/v1/deployments/{DEPLOYMENT}")["deployment"]["stable"]
    assert (first.shadow, first.state, first.quarantined) == (Outcome.PASS, RolloutState.PROMOTED, False)
    assert (second.shadow, second.state) == (Outcome.FAIL, RolloutState.ABORTED)
    assert stable == "v3"
    assert len(running_engines) >= 2, "the check below must be able to see engines"
    expect_none_left(tmp_path / "home")
    swapped = {"the judge fails v3 in shadow", "the judge passes v2 in shadow"}
    assert swapped <= set(story.surprises), "the story did not notice that its outcome swapped"
