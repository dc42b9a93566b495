"""The encoder's own process and the example's texts, through the whole loop."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from random import Random

import httpx
import pytest

from aftertune.clock import ManualClock
from aftertune.settings.sections import EncoderSettings
from aftertune.store import Store
from aftertune.store.exchanges import Payload
from aftertune.values.drift import DriftCause, DriftState
from monitor.drift.encoder import OpenAIEncoder
from monitor.drift.readings import EVERY
from monitor.drift.watch import Observation, Watch
from monitor.drift.watcher import DriftWatcher
from tests.aftertune.samples import exchange
from tests.flows.ports import free_port
from tests.flows.waiting import wait_for
from tests.monitor.drift.scene import SETTINGS, Scene
from tests.monitor.wire import completion, request
from training.corpus import Sample, samples

USUAL = {"tool_call": 0.7, "fact": 0.15, "sum": 0.15}


pytestmark = pytest.mark.timeout(400)


class EncoderProcess:
    """Will listen at `url` some time after its start."""

    def __init__(self, home: Path, running: ExitStack) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._running = running
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("AFTERTUNE_")}
        self._environment |= {"AFTERTUNE_HOME": str(home), "AFTERTUNE_ENCODER__PORT": str(port)}

    def start(self) -> None:
        command = [sys.executable, "-m", "serving.encoder"]
        process = self._running.enter_context(subprocess.Popen(command, env=self._environment))
        self._running.callback(process.send_signal, signal.SIGTERM)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[EncoderProcess]:
    with ExitStack() as running:
        yield EncoderProcess(tmp_path, running)


def _asked(store: Store, clock: ManualClock, asked: Sequence[Sample], name: str) -> None:
    with store.write() as tx:
        for index, sample in enumerate(asked):
            clock.advance(0.1)
            leg = exchange(f"{name}-{index:04}", conversation=f"{name}-{index}", arrival=clock.now())
            said = sample.expected if isinstance(sample.expected, str) else sample.expected.name
            tx.exchanges.add(leg, Payload(request(sample.last_user_text()), completion(said)), None)


def test_the_example_s_traffic_is_quiet_and_another_topic_alarms(
    store: Store, clock: ManualClock, process: EncoderProcess
) -> None:
    rng = Random(4)
    usual = [each for kind, share in USUAL.items() for each in samples(kind, "train", int(260 * share), 4)]
    usual = [each for each in usual if len(each.messages) <= 2]
    rng.shuffle(usual)
    scene = Scene(store, clock)
    encoder = OpenAIEncoder(process.url, EncoderSettings().model, timeout_s=90, batch=32)
    scene.watcher = DriftWatcher(
        store, clock, encoder, SETTINGS.model_copy(update={"reference": 120}), scene.metrics
    )

    _asked(store, clock, usual[:180], "usual")
    assert scene.look().state is DriftState.NOT_MEASURED
    process.start()
    wait_for(lambda: scene.look().state is not DriftState.NOT_MEASURED, "the encoder", 120)
    quiet = scene.look(6)
    assert quiet.state is DriftState.WATCHING
    assert quiet.observations >= 60 - EVERY
    assert scene.waiting() == 0
    assert quiet.encoder.startswith("all-MiniLM-L6-v2@")

    _asked(store, clock, samples("fraud", "train", 60, 4), "fraud")
    alarm = scene.look(2)

    assert (alarm.state, alarm.cause) == (DriftState.ALARM, DriftCause.USERS_CHANGED)
    assert alarm.observations - 60 < 60
    assert 'outcome="embedded"' in httpx.get(f"{process.url}/metrics", timeout=30).text
    encoder.close()


def _await_encoder(url: str) -> None:
    def healthy() -> bool:
        with suppress(httpx.TransportError):
            return httpx.get(f"{url}/healthz").is_success
        return False

    wait_for(healthy, "the encoder", 120)


def test_a_counter_in_a_template_is_no_drift(process: EncoderProcess) -> None:
    """Rising numbers come in an order, so nothing but their likeness keeps the watch quiet."""
    encoder = OpenAIEncoder(process.url, EncoderSettings().model, 90.0, 64)
    with closing(encoder):
        process.start()
        _await_encoder(process.url)
        prompts = encoder.embed([f"Create a task called inspect pump {n}" for n in range(320)])
        answers = encoder.embed([f'create_task {{"title": "inspect pump {n}"}}' for n in range(320)])
    alarms = 0
    for seed in range(12):
        watch = Watch(50, "", "v1")
        for n in range(320):
            watch.observe(Observation(f"{seed}-{n}", "", prompts[n], answers[n], "v1"), 10_000)
        alarms += watch.alarm is not None
    assert alarms <= 1
