"""A judge over real HTTP, from the settings to the judgements."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from aftertune.clock import SystemClock
from aftertune.settings import Settings
from aftertune.settings.sections import EvalsSettings, JudgeSettings
from aftertune.values.evaluation import Answer, Judgement
from evals.judges import Judges
from evals.judging.canary import PREFIX
from evals.suite.suite import Suite
from tests.evals.judging.test_judge import manners
from tests.fakes.judge import FakeJudge, Mood, fake_judge

KEY = "sk-judge-0815"


@pytest.fixture
def fake() -> Iterator[FakeJudge]:
    with fake_judge() as running:
        yield running


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return manners(tmp_path, 1)


async def judged(suite: Suite, url: str, timeout_s: float = 30.0) -> list[Judgement]:
    judges = (JudgeSettings.model_validate({"url": url, "model": "judge-1", "key": KEY}),)
    settings = Settings(evals=EvalsSettings(judges=judges, judge_timeout_s=timeout_s))
    async with Judges(settings, SystemClock()).seated(suite) as judging:
        assert judging is not None
        found = await judging(suite.samples[0], (Answer(text="Thank you. Bye."),))
    return [each for each in found if not each.question.startswith(PREFIX)]


@pytest.mark.parametrize(("mood", "value"), [(Mood.YES, 1.0), (Mood.NO, 0.0)])
async def test_a_verdict_is_a_value(suite: Suite, fake: FakeJudge, mood: Mood, value: float) -> None:
    fake.mood = mood
    found = await judged(suite, fake.url)
    assert {each.value for each in found} == {value}
    assert len(found) == 6 + 12
    asked = fake.seen[-1]
    assert (asked["model"], asked["temperature"]) == ("judge-1", 0)
    assert asked["response_format"]["json_schema"]["strict"] is True


@pytest.mark.parametrize(
    ("mood", "why"),
    [
        (Mood.MAYBE, "neither yes nor no"),
        (Mood.PROSE, "something else than one JSON object"),
        (Mood.SERVER_ERROR, "the judge gave no reply"),
        (Mood.HANG, "gave no reply"),
    ],
)
async def test_a_failure_is_a_reason(suite: Suite, fake: FakeJudge, mood: Mood, why: str) -> None:
    fake.mood = mood
    found = await judged(suite, fake.url, timeout_s=1.0 if mood in (Mood.HANG, Mood.SERVER_ERROR) else 30.0)
    assert {each.value for each in found} == {None}
    assert any(why in each.reason for each in found), {each.reason for each in found}


async def test_a_judge_that_is_not_there_is_unmeasured_and_its_key_is_told_to_nobody(
    suite: Suite, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    found = await judged(suite, "http://127.0.0.1:1", timeout_s=1.0)
    assert {each.value for each in found} == {None}
    assert KEY not in caplog.text
    assert all(KEY not in each.model_dump_json() for each in found)
