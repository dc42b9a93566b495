"""The watch on made-up traffic: quiet while nothing changes, quick when something does, and right about what."""

from dataclasses import replace
from itertools import chain, islice

import numpy as np
import pytest

from aftertune.errors import Corrupt
from aftertune.values.drift import DriftCause, DriftState
from monitor.drift.reference import SAME, STRAYS, AnswerReference
from monitor.drift.watch import Observation, Watch, threshold
from tests.monitor.drift.gaussian import Traffic, until_alarm, watch

SHIFTED = 60


@pytest.mark.parametrize("seed", range(6))
def test_a_new_topic_alarms_and_the_same_length_of_usual_traffic_does_not(seed: int) -> None:
    traffic = Traffic(seed)
    quiet, shifted = watch(traffic), watch(traffic)
    assert until_alarm(quiet, traffic.usual(SHIFTED)) is None
    assert quiet.state is DriftState.WATCHING

    assert until_alarm(shifted, chain(traffic.usual(20), traffic.other_topics(SHIFTED - 20))) is not None

    assert shifted.alarm is not None
    assert shifted.alarm.cause is DriftCause.USERS_CHANGED
    assert "prompts chart reached its threshold" in shifted.alarm.reason


@pytest.mark.parametrize("seed", range(6))
def test_other_answers_to_the_same_questions_are_the_model_s_doing(seed: int) -> None:
    traffic = Traffic(seed)
    made = watch(traffic)
    assert until_alarm(made, traffic.usual(40)) is None

    assert until_alarm(made, traffic.other_answers(60)) is not None

    assert made.alarm is not None
    assert made.alarm.cause is DriftCause.MODEL_CHANGED
    assert made.prompts.statistic < threshold(10_000) ** 0.5


def test_a_part_of_the_traffic_is_enough() -> None:
    traffic = Traffic(11)
    made = watch(traffic, reference=200)
    assert until_alarm(made, traffic.usual(100)) is None
    rng = np.random.default_rng(1)
    mixed = (next(traffic.other_topics(1) if rng.random() < 0.2 else traffic.usual(1)) for _ in range(400))
    assert until_alarm(made, mixed) is not None
    assert made.alarm is not None
    assert made.alarm.cause is DriftCause.USERS_CHANGED


def test_false_alarms_are_as_rare_as_promised() -> None:
    """Asked for one in 300 conversations: over many references, both charts together keep it."""
    run_length, observed, alarms = 300, 0, 0
    for seed in range(40):
        traffic = Traffic(100 + seed)
        made = watch(traffic, reference=50, run_length=run_length)
        needed = until_alarm(made, traffic.usual(600), run_length)
        observed += needed or 600
        alarms += needed is not None
    assert observed / max(1, alarms) >= run_length


def test_exact_duplicates_keep_the_promise() -> None:
    """Seven texts again and again: distances are equal, and luck orders them."""
    run_length, observed, alarms = 300, 0, 0
    for seed in range(40):
        traffic, rng = Traffic(500 + seed), np.random.default_rng(seed)
        texts = list(traffic.usual(7))
        asked = (
            replace(texts[int(rng.integers(7))], exchange_id=f"{seed}-{n}", conversation="")
            for n in range(650)
        )
        needed = until_alarm(Watch(50, "test", "v1"), asked, run_length)
        observed += needed or 650
        alarms += needed is not None
    assert observed / max(1, alarms) >= run_length


def test_a_text_is_no_way_from_itself_after_rounding() -> None:
    [one] = Traffic(4).usual(1)
    rounded = np.stack([one.prompt] * 8).astype(np.float16).astype(np.float32)
    reference = AnswerReference(np.hstack([rounded, rounded]))
    [scores] = reference.scores(np.hstack([rounded[:1], rounded[:1]]))
    assert scores == (STRAYS, SAME)


def test_the_smallest_reference_still_alarms() -> None:
    traffic = Traffic(3)
    made = watch(traffic, reference=50)
    until_alarm(made, traffic.usual(50))
    assert until_alarm(made, traffic.other_topics(SHIFTED)) is not None


def test_an_alarm_stands_and_nothing_more_is_weighed() -> None:
    traffic = Traffic(1)
    made = watch(traffic)
    until_alarm(made, traffic.other_topics(60))
    before = made.saved_state()

    assert not made.observe(next(traffic.usual(1)), 10_000)
    assert made.saved_state() == before
    assert made.state is DriftState.ALARM
    assert made.alarm is not None
    assert len(made.alarm.examples) == 5


def test_a_conversation_counts_once() -> None:
    traffic = Traffic(1)
    made = Watch(50, "test", "v1")
    first = next(traffic.usual(1))
    again = Observation("e-again", first.conversation, first.prompt, None, "v1")

    assert made.observe(first, 10_000)
    assert not made.observe(again, 10_000)
    assert made.prompts.learnt == 1


def test_conversations_without_a_name_are_all_counted() -> None:
    traffic = Traffic(1)
    made = Watch(50, "test", "v1")
    for observation in traffic.usual(3):
        assert made.observe(Observation(observation.exchange_id, "", observation.prompt, None, "v1"), 10_000)
    assert made.prompts.learnt == 3


def test_a_promotion_gives_answers_a_new_reference_and_prompts_keep_theirs() -> None:
    traffic = Traffic(2)
    made = watch(traffic)
    until_alarm(made, traffic.usual(30))
    digest, observations = made.prompts.digest, made.observations

    made.follow("v2")
    assert [chart.name for chart in made.charts(10_000)] == ["prompts"]
    assert until_alarm(made, traffic.other_answers(30, "v2")) is None
    assert (made.answers.learnt, made.prompts.digest, made.observations) == (30, digest, observations + 30)

    assert until_alarm(made, traffic.other_answers(120, "v2")) is None  # it is what this release does
    assert made.answers.watching


def test_answers_of_another_release_than_stable_do_not_count() -> None:
    traffic = Traffic(2)
    made = watch(traffic)
    assert until_alarm(made, traffic.other_answers(60, "v9")) is None
    assert made.answers.observations == 0


def test_a_watch_that_was_stored_goes_on_as_if_nothing_had_happened() -> None:
    traffic = Traffic(5)
    observations = [*traffic.usual(140), *traffic.other_topics(20)]
    through = Watch(100, "test", "v1")
    stored = Watch(100, "test", "v1")
    for index, observation in enumerate(observations):
        through.observe(observation, 10_000)
        stored.observe(observation, 10_000)
        if index % 7 == 0:
            stored = Watch.restored(stored.saved_state(), stored.saved_reference())

    assert through.alarm is not None
    assert stored.saved_state() == through.saved_state()
    assert stored.saved_reference() == through.saved_reference()


def test_the_stored_state_is_small() -> None:
    traffic = Traffic(5)
    made = watch(traffic)
    until_alarm(made, traffic.usual(1500))
    assert len(made.saved_state()) < 40_000


@pytest.mark.parametrize("garbage", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_a_state_that_cannot_be_read_is_said(garbage: bytes) -> None:
    made = watch(Traffic(5))
    with pytest.raises(Corrupt, match="stored state"):
        Watch.restored(garbage, made.saved_reference())
    with pytest.raises(Corrupt, match="stored state"):
        Watch.restored(made.saved_state(), garbage)


def test_readings_are_on_a_scale_of_powers_of_ten() -> None:
    traffic = Traffic(5)
    made = watch(traffic)
    [prompts, answers] = made.charts(10_000)
    assert (prompts.name, prompts.statistic, prompts.threshold) == ("prompts", 0.0, 4.6021)
    assert answers.threshold == prompts.threshold
    list(islice((made.observe(each, 10_000) for each in traffic.other_topics(5)), 5))
    assert made.charts(10_000)[0].statistic > 1
