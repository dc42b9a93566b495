"""The loss of fixed texts on real vLLM is the one that training measures with the same weights."""

import asyncio

import pytest
from transformers import AutoTokenizer

from aftertune.clock import SystemClock
from aftertune.values.evaluation import Loss
from aftertune.values.release import EngineKind
from evals.engine.http_engine import Address, HttpEngine, session
from tests.flows.vllm.loop import Loop
from tests.training.jobs import EXAMPLE
from tests.training.test_sentinel import SUITE
from training.encoding import encode_texts
from training.lora import load_release
from training.optimise import Learner
from training.sentinel import read_texts
from training.spec import Schedule

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1200)]

ONCE = Schedule(steps=1, batch=4, peak_rate=1e-3, warm_up=0)


async def told(url: str, release: str, texts: tuple[str, ...]) -> list[Loss]:
    async with session(timeout_s=180) as client:
        engine = HttpEngine(client, Address(url, release, EngineKind.VLLM), SystemClock())
        return [await engine.loss(text) for text in texts]


def test_the_sentinel_of_training_is_that_of_the_served_release(loop: Loop) -> None:
    texts = read_texts(SUITE)[::5]
    served = asyncio.run(told(loop.engine_url("v1"), "v1", texts))
    tokenizer = AutoTokenizer.from_pretrained(EXAMPLE / "base")
    trained = load_release(EXAMPLE / "base", EXAMPLE / "adapters" / "v1").requires_grad_(requires_grad=True)
    rows = encode_texts(texts, tokenizer, longest=1024)
    assert [loss.tokens for loss in served] == [len(row.ids) - 1 for row in rows]
    mean = sum(loss.nats for loss in served) / sum(loss.tokens for loss in served)
    assert mean == pytest.approx(Learner(trained, ONCE, 1, padding=0).loss(rows), abs=1e-3)
