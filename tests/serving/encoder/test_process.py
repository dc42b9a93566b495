"""The process itself, asked by the real client."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import numpy as np
import openai
import pytest

from serving.encoder.__main__ import main
from tests.flows.ports import free_port

MODEL = "all-MiniLM-L6-v2"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AFTERTUNE_")}
    environment |= {
        "AFTERTUNE_HOME": str(tmp_path_factory.mktemp("home")),
        "AFTERTUNE_ENCODER__PORT": str(port),
    }
    with subprocess.Popen([sys.executable, "-m", "serving.encoder"], env=environment) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/healthz")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as opened:
        yield opened


def _wait(health: str) -> None:
    deadline = time.monotonic() + 110
    while True:
        try:
            assert httpx.get(health).status_code == 200
        except httpx.TransportError:
            assert time.monotonic() < deadline, "the encoder never answered"
            time.sleep(0.1)
        else:
            return


def test_alike_texts_get_alike_vectors(client: openai.OpenAI) -> None:
    texts = [
        "Add a task to call Ada.",
        "Remind me to phone Ada.",
        "The pump leaks oil.",
        "Add a task to call Ada.",
    ]

    answer = client.embeddings.create(model=MODEL, input=texts)

    vectors = np.array([item.embedding for item in answer.data])
    assert vectors.shape == (4, 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    cosines = vectors @ vectors.T
    assert cosines[0, 3] == pytest.approx(1, abs=1e-5)
    assert cosines[0, 1] > cosines[0, 2] + 0.3
    assert [item.index for item in answer.data] == [0, 1, 2, 3]
    assert answer.usage.prompt_tokens > 20


def test_both_encodings_carry_the_same_numbers(client: openai.OpenAI) -> None:
    as_base64 = client.embeddings.create(model=MODEL, input="one text")
    as_numbers = client.embeddings.create(model=MODEL, input="one text", encoding_format="float")

    assert as_base64.data[0].embedding == pytest.approx(as_numbers.data[0].embedding, abs=1e-7)


def test_it_says_which_weights_it_has(client: openai.OpenAI) -> None:
    [model] = client.models.list().data
    assert model.id == MODEL
    assert len((model.model_extra or {})["digest"]) == 64


def test_it_counts(client: openai.OpenAI, url: str) -> None:
    client.embeddings.create(model=MODEL, input=["a", "b"])
    metrics = httpx.get(f"{url}/metrics").text
    assert 'aftertune_embeddings_total{outcome="embedded"}' in metrics
    assert "aftertune_embedding_duration_seconds_bucket" in metrics


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("AFTERTUNE_ENCODER__MODEL", "gpt", "Unknown embedded encoder model 'gpt'. Known: all-MiniLM-L6-v2."),
        ("AFTERTUNE_ENCODER__HOST", "203.0.113.1", "of 203.0.113.1 cannot be opened"),
    ],
)
def test_what_stops_it_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)

    assert main() == 2
    assert said in capsys.readouterr().err
