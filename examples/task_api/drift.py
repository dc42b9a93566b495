"""The watch over what users ask: quiet while nothing changes, an alarm with its cause when the topic does."""

from typing import Any

from aftertune.values.drift import DriftCause, DriftState
from examples.task_api.narrator import Narrator, until
from examples.task_api.people import People
from examples.task_api.plans import DEPLOYMENT
from examples.task_api.traffic import OTHER_TOPICS, Traffic

LEARNING_TIMEOUT_S = 400.0
CONTROL = 80
"""Observations of unshifted traffic; the shifted traffic must alarm within as many."""
ALARM_TIMEOUT_S = 400.0


def watch(narrator: Narrator, people: People, traffic: Traffic) -> None:
    """First a control without a shift, then the shift."""
    traffic.hurry()
    traffic.start()
    reading = _wait(people, LEARNING_TIMEOUT_S, "the reference window", DriftState.WATCHING)
    narrator.say(
        f"  reference of {reading['reference']} conversations; a false alarm comes after {reading['run_length']} "
        "on average, or later"
    )
    quiet_from = reading["observations"]
    for _ in until(ALARM_TIMEOUT_S, "unshifted traffic"):
        reading = _reading(people)
        if reading["state"] == DriftState.ALARM or reading["observations"] - quiet_from >= CONTROL:
            break
    quiet = reading["observations"] - quiet_from
    narrator.expect(
        reading["state"] == DriftState.WATCHING,
        f"no alarm in {reading['observations']} conversations of unshifted traffic, the last {quiet} the control",
    )
    before = reading["observations"]
    narrator.say("  users begin to ask about card fraud and plant maintenance instead")
    traffic.shift_to(OTHER_TOPICS)
    reading = _wait(people, ALARM_TIMEOUT_S, "the alarm", DriftState.ALARM)
    needed = reading["observations"] - before
    narrator.expect(
        reading["cause"] == DriftCause.USERS_CHANGED and needed <= max(quiet, CONTROL),
        f"drift alarm after {needed} conversations, cause {reading['cause']}: {reading['reason']}",
    )
    traffic.stop()


def _wait(people: People, seconds: float, what: str, state: DriftState) -> dict[str, Any]:
    for _ in until(seconds, what):
        reading = _reading(people)
        if reading and reading["state"] == state:
            break
    return reading


def _reading(people: People) -> dict[str, Any]:
    return people.operator.get(f"/v1/deployments/{DEPLOYMENT}/drift")["reading"] or {}
