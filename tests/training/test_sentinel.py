"""The sentinel's texts: read, measured at each checkpoint, and the same number as a plain cross-entropy."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from aftertune.errors import BadInput
from tests.training.jobs import EXAMPLE, small_spec
from training.checkpoint import Progress
from training.encoding import encode_texts
from training.optimise import Learner
from training.order import place_order
from training.sentinel import read_texts
from training.spec import Schedule
from training.tuning import Tuning

SUITE = EXAMPLE.parents[1] / "evals/suites/sentinel/samples.jsonl"


def test_the_suites_texts_are_read() -> None:
    texts = read_texts(SUITE)
    assert len(texts) == 60
    assert all(text.strip() for text in texts)


@pytest.mark.parametrize("line", ["{", "[]", '{"text": 3}', '{"scoring": {}}', '{"text": " "}'])
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text(f'{{"text": "One."}}\n{line}\n')
    with pytest.raises(BadInput, match=r"texts\.jsonl:2"):
        read_texts(file)


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_no_texts(tmp_path: Path, content: str) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text(content)
    with pytest.raises(BadInput, match="no texts"):
        read_texts(file)


def test_the_loss_is_the_cross_entropy_of_every_token_but_the_first() -> None:
    texts = read_texts(SUITE)[::6]
    tokenizer = AutoTokenizer.from_pretrained(EXAMPLE / "base")
    model = AutoModelForCausalLM.from_pretrained(EXAMPLE / "base", dtype=torch.float32).eval()
    nats, tokens = 0.0, 0
    for text in texts:
        ids = tokenizer(text, return_tensors="pt").input_ids
        with torch.no_grad():
            likely = model(ids).logits[0, :-1].log_softmax(-1)
        nats -= likely.gather(1, ids[0, 1:, None]).sum().item()
        tokens += ids.shape[1] - 1
    learner = Learner(model, Schedule(steps=1, batch=4, peak_rate=1e-3, warm_up=0), 1, padding=0)
    measured = learner.loss(encode_texts(texts, tokenizer, 1024))
    assert measured == pytest.approx(nats / tokens, abs=1e-4)


def test_it_is_measured_at_each_checkpoint_and_shapes_nothing(tmp_path: Path) -> None:
    spec, few = small_spec(tmp_path, steps=6), tmp_path / "few.jsonl"
    few.write_text("".join(SUITE.read_text().splitlines(keepends=True)[:3]))
    plain, watched = place_order(spec), place_order(spec.model_copy(update={"sentinel": few}))
    assert plain.digest == watched.digest
    seen: dict[str, Progress] = {}
    for name, order in (("plain", plain), ("watched", watched)):
        (tmp_path / name).mkdir()

        def keep(progress: Progress, _saved: int | None, name: str = name) -> None:
            seen[name] = progress

        Tuning(order, tmp_path / name, keep, stop=lambda: False).run()
    points = seen["watched"].points
    assert [point.step for point in points if point.sentinel is not None] == [3, 6]
    assert all(point.sentinel is None for point in seen["plain"].points)
    weights = "adapter/adapter_model.safetensors"
    assert (tmp_path / "plain" / weights).read_bytes() == (tmp_path / "watched" / weights).read_bytes()


def test_a_text_must_have_something_to_predict(tmp_path: Path) -> None:
    file = tmp_path / "texts.jsonl"
    file.write_text('{"text": "a"}\n')
    order = place_order(small_spec(tmp_path).model_copy(update={"sentinel": file}))
    with pytest.raises(BadInput, match="Text 1 of the sentinel has 1 tokens"):
        Tuning(order, tmp_path, lambda *_: None, stop=lambda: False)
