"""The loop's step on a real store: what is observed, recorded and said."""

from typing import Any

import pytest

from aftertune.clock import ManualClock
from aftertune.migrations import upgrade
from aftertune.store import Store
from aftertune.values.drift import DriftCause, DriftState
from aftertune.values.exchange import CapturePolicy, ExchangeError, ExchangeRole, Source
from monitor.drift import sift as sifting
from tests.monitor.drift.scene import NAME, Scene
from tests.monitor.wire import completion
from tests.monitor.world import Crash, CrashingStore


@pytest.fixture
def scene(store: Store, clock: ManualClock) -> Scene:
    return Scene(store, clock)


def test_it_learns_watches_and_alarms_once(scene: Scene) -> None:
    first = scene.look()
    assert (first.state, first.reference, first.reference_wanted) == (DriftState.LEARNING, 0, 50)

    scene.learn()
    scene.ask(60)
    quiet = scene.look(4)
    assert (quiet.state, quiet.cause, quiet.reference) == (DriftState.WATCHING, DriftCause.NONE, 50)
    assert quiet.observations >= 50
    assert scene.gauge("aftertune_drift_alarm", cause="users_changed") == 0
    assert scene.gauge("aftertune_drift_measured") == 1

    scene.ask(60, topic="fraud")
    alarm = scene.look(4)

    assert (alarm.state, alarm.cause) == (DriftState.ALARM, DriftCause.USERS_CHANGED)
    assert alarm.observations - 60 < 60
    assert all(example > "e00110" for example in alarm.examples)
    assert scene.audit.count("drift_alarm") == 1
    assert scene.gauge("aftertune_drift_alarm", cause="users_changed") == 1
    assert scene.gauge("aftertune_drift_alarm", cause="model_changed") == 0
    prompts = scene.gauge("aftertune_drift_statistic", chart="prompts")
    limit = scene.gauge("aftertune_drift_threshold", chart="prompts")
    assert prompts is not None
    assert limit is not None
    assert prompts >= limit

    scene.restarted()
    scene.ask(60, topic="fraud")
    again = scene.look(4)
    assert (again.state, again.observations) == (DriftState.ALARM, alarm.observations)
    assert scene.audit.count("drift_alarm") == 1
    assert scene.waiting() == 0


def test_a_model_that_answers_otherwise_is_named(scene: Scene) -> None:
    scene.learn(50)
    scene.ask(40)
    scene.look(3)
    scene.ask(60, answer="sorry")
    alarm = scene.look(4)
    assert (alarm.state, alarm.cause) == (DriftState.ALARM, DriftCause.MODEL_CHANGED)
    assert alarm.release == "v1"


def test_relearning_is_noticed_without_traffic(scene: Scene) -> None:
    scene.learn()
    scene.ask(60, topic="fraud")
    assert scene.look(4).state is DriftState.ALARM
    with scene.store.write() as tx:
        tx.drift.forget_watch(NAME)

    anew = scene.look()

    assert (anew.state, anew.reference, anew.observations, anew.charts) == (DriftState.LEARNING, 0, 0, ())
    assert scene.gauge("aftertune_drift_alarm", cause="users_changed") == 0
    assert scene.gauge("aftertune_drift_statistic", chart="prompts") is None
    scene.ask(50, topic="fraud")
    scene.ask(60, topic="fraud")
    assert scene.look(6).state is DriftState.WATCHING


def test_a_promotion_relearns_answers_only(scene: Scene) -> None:
    scene.learn()
    scene.ask(40)
    scene.look(3)
    scene.promote()
    scene.ask(30, answer="different", release="v2")
    after = scene.look(3)

    assert (after.state, after.release) == (DriftState.WATCHING, "v2")
    assert [chart.name for chart in after.charts] == ["prompts"]
    scene.ask(60, answer="different", release="v2")
    assert [chart.name for chart in scene.look(4).charts] == ["prompts", "answers"]


def test_answers_of_canaries_and_failures_are_not_stable_s(scene: Scene) -> None:
    scene.learn()
    scene.ask(30, answer="wild", role=ExchangeRole.CANARY, release="v2")
    scene.ask(30, answer="wild", status=500, error=ExchangeError.ENGINE_ERROR)
    scene.ask(30, answer="wild", role=ExchangeRole.SHADOW, release="v2")
    last = scene.look(6)
    prompts, answers = last.charts
    assert last.state is DriftState.WATCHING
    assert (prompts.observations, answers.observations) == (60, 0)


def later(*roles: str) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": "hello"} for role in roles]}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (later("user", "assistant", "user"), "later_turn"),
        (later("user", "assistant", "tool"), "later_turn"),
        (later("system"), "no_text"),
        ({"messages": [{"role": "user", "content": "  "}]}, "no_text"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]}, "no_text"),
        ({"messages": "hello"}, "no_text"),
        ({"messages": [None, 3]}, "no_text"),
        ([], "no_text"),
        (b"\xff\x00", "no_text"),
    ],
)
def test_what_opens_no_conversation_is_passed_over(scene: Scene, body: object, reason: str) -> None:
    scene.ask_raw(body)
    scene.look()
    assert scene.gauge("aftertune_drift_passed_over_exchanges_total", reason=reason) == 1
    assert scene.waiting() == 0
    assert not scene.encoder.asked
    assert scene.state is None


def test_parts_and_tool_calls_are_read_as_text(scene: Scene) -> None:
    parts = [{"type": "text", "text": "tasks one"}, {"type": "text", "text": "and two"}]
    answer = completion(None, ("create_task", '{"title": "one"}'))
    scene.ask_raw({"messages": [{"role": "user", "content": parts}]}, answer)
    scene.look()
    assert scene.encoder.asked == ["tasks one\nand two", 'create_task {"title": "one"}']


def test_blanks_before_a_text_do_not_make_it_one_that_no_encoder_takes(scene: Scene) -> None:
    blanks = " " * 3_000
    body = {"messages": [{"role": "user", "content": f"{blanks}tasks please"}]}
    scene.ask_raw(body, completion(f"{blanks}tasks done"))
    scene.look()
    assert scene.encoder.asked == ["tasks please", "tasks done"]


def test_a_named_conversation_counts_once_and_a_derived_one_each_time(scene: Scene) -> None:
    scene.ask(3, conversation="the same")
    scene.ask(3, conversation="the same", conversation_source=Source.FALLBACK)
    scene.look()
    assert scene.gauge("aftertune_drift_passed_over_exchanges_total", reason="later_turn") == 2
    scene.ask(25)
    assert scene.look().reference == 29


@pytest.mark.parametrize("fault", ["The encoder at http://here gave no answer: Connection error.", "No."])
def test_an_encoder_that_is_away_is_said_once_and_made_up_for(scene: Scene, fault: str) -> None:
    scene.learn()
    scene.ask(26)
    assert scene.look().state is DriftState.WATCHING

    scene.encoder.fault = fault
    scene.ask(40)
    down = scene.look(5)
    assert (down.state, down.reason) == (DriftState.NOT_MEASURED, fault)
    assert down.observations == 26
    assert scene.gauge("aftertune_drift_measured") == 0
    assert [each.state for each in scene.readings].count(DriftState.NOT_MEASURED) == 1

    scene.encoder.fault = ""
    back = scene.look(3)
    assert (back.state, back.observations) == (DriftState.WATCHING, 58)  # 32 at the first look
    scene.ask(25)
    assert scene.look(2).observations >= 66 + 17
    assert scene.gauge("aftertune_drift_measured") == 1


def test_an_alarm_is_not_hidden_by_an_encoder_that_goes_away(scene: Scene) -> None:
    scene.learn()
    scene.ask(60, topic="fraud")
    scene.look(4)
    scene.encoder.fault = "gone"
    scene.ask(5)
    assert scene.look(2).state is DriftState.ALARM
    assert scene.gauge("aftertune_drift_alarm", cause="users_changed") == 1
    assert scene.gauge("aftertune_drift_measured") == 0


@pytest.mark.parametrize("change", ["name", "size"])
def test_vectors_of_another_encoder_are_not_compared(scene: Scene, change: str) -> None:
    scene.learn()
    before = scene.state
    if change == "name":
        scene.encoder.name = "other"
    else:
        scene.encoder.size = 12
    scene.ask(5)

    told = scene.look(2)

    assert told.state is DriftState.NOT_MEASURED
    assert "The reference was made by fake, 24 dimensions" in told.reason
    assert "relearn" in told.reason
    assert scene.state == before
    assert scene.waiting() == 5


@pytest.mark.parametrize("capture", [CapturePolicy.METADATA, CapturePolicy.REDACTED, CapturePolicy.NONE])
def test_without_text_nothing_is_measured(store: Store, clock: ManualClock, capture: CapturePolicy) -> None:
    scene = Scene(store, clock, capture)
    told = scene.look(3)
    assert told.state is DriftState.NOT_MEASURED
    assert f"capture policy is {capture}" in told.reason
    assert len(scene.readings) == 1
    assert scene.gauge("aftertune_drift_measured") == 0


def test_a_stored_state_that_cannot_be_read_is_not_replaced(scene: Scene) -> None:
    scene.learn()
    with scene.store.write() as tx:
        tx.drift.save_watch(NAME, b"broken", None)
    scene.restarted()
    scene.ask(5)
    told = scene.look(2)
    assert told.state is DriftState.NOT_MEASURED
    assert "Let the deployment relearn" in told.reason
    assert scene.state == b"broken"


def test_one_look_takes_only_so_much(scene: Scene) -> None:
    scene.ask(sifting.PER_TICK + 10)
    scene.look()
    assert scene.waiting() == 10


def test_a_backlog_that_grows_is_sampled(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sifting, "MOST_WAITING", 100)
    scene.ask(400)
    scene.look(8)
    behind = scene.gauge("aftertune_drift_passed_over_exchanges_total", reason="behind")
    assert behind is not None
    assert 30 < behind < 300
    assert scene.waiting() + behind + 8 * sifting.PER_TICK >= 400


def test_late_exchanges_are_still_seen(scene: Scene) -> None:
    early = scene.clock.now()
    scene.ask(40)
    scene.look(2)
    scene.ask(1, arrival=early)
    scene.look()
    assert scene.waiting() == 0


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_a_crash_at_any_commit_changes_nothing(
    scene: Scene, clock: ManualClock, tmp_path_factory: pytest.TempPathFactory, at: int, committed: bool
) -> None:
    """Against a twin that was never interrupted."""
    twin_store = Store(f"sqlite:///{tmp_path_factory.mktemp('twin') / 'twin.db'}")
    upgrade(twin_store.engine)
    twin = Scene(twin_store, ManualClock())
    for each in (scene, twin):
        each.learn()
        each.ask(50)
        each.ask(50, topic="fraud")
    url = scene.store.engine.url.render_as_string(hide_password=False)
    crashing = CrashingStore(url, at, committed)
    scene.restarted(crashing)
    with pytest.raises(Crash):
        scene.look(6)
    crashing.close()

    scene.restarted()
    scene.look(6)
    twin.look(6)

    assert scene.state == twin.state
    assert scene.audit.count("drift_alarm") == twin.audit.count("drift_alarm") == 1
    assert scene.waiting() == twin.waiting() == 0
    twin_store.close()
