"""The committed base and adapters: what they are, and that they are as good and as bad as they should be."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from transformers import AutoTokenizer, GenerationConfig

from aftertune.digest import TRAINING_RECORD_FILE, file_digest
from training.base import BASE_NAME, PHASES, training_samples
from training.comparison import Comparison
from training.corpus import GENERAL_KINDS, TOOLS, Sample, samples, unseen_samples
from training.evaluate import Figure, table
from training.generate import answers
from training.lora import load_release
from training.recipes import RELEASES, TRAIN_FILE, VALIDATION_FILE, write_corpus
from training.record import samples_digest
from training.scoring import is_exact, score_call

MODELS = Path(__file__).parents[2] / "examples/task_api"
BASE = MODELS / "base"
ADAPTERS = MODELS / "adapters"
SEED = 99


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_all_is_small_and_nothing_is_pickled() -> None:
    files = [path for folder in (BASE, ADAPTERS) for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 12_000_000
    assert {path.suffix for path in files} <= {".json", ".jinja", ".md", ".safetensors"}
    assert {path.name for path in ADAPTERS.iterdir()} == set(RELEASES)


@pytest.mark.parametrize("name", RELEASES)
def test_an_adapter_names_the_base_it_was_made_for(name: str) -> None:
    record = read(ADAPTERS / name / TRAINING_RECORD_FILE)
    assert record["base"] == {"name": BASE_NAME, "weights_sha256": file_digest(BASE / "model.safetensors")}
    assert record["release"] == name
    assert read(ADAPTERS / name / "adapter_config.json")["base_model_name_or_path"] == BASE_NAME


@pytest.mark.parametrize("name", RELEASES)
def test_an_adapter_holds_lora_matrices_only(name: str) -> None:
    with safe_open(ADAPTERS / name / "adapter_model.safetensors", "pt") as tensors:
        assert all(".lora_A." in key or ".lora_B." in key for key in tensors.keys())  # noqa: SIM118
        assert len(list(tensors.keys())) == 4 * 7 * 2


@pytest.mark.parametrize("name", RELEASES)
def test_an_adapters_data_can_be_drawn_again(name: str, tmp_path: Path) -> None:
    dataset = read(ADAPTERS / name / TRAINING_RECORD_FILE)["dataset"]
    write_corpus(RELEASES[name], tmp_path)
    for part, file in (("train", TRAIN_FILE), ("validation", VALIDATION_FILE)):
        assert file_digest(tmp_path / file) == dataset[part]["sha256"], part


@pytest.mark.parametrize("phase", range(len(PHASES)))
def test_the_bases_samples_can_be_drawn_again(phase: int) -> None:
    record = read(BASE / TRAINING_RECORD_FILE)
    assert record["weights_sha256"] == file_digest(BASE / "model.safetensors")
    drawn = training_samples(phase, record["seed"])
    assert samples_digest(drawn) == record["phases"][phase]["dataset"]["sha256"]


def test_tools_and_decoding_are_committed_with_the_base() -> None:
    assert read(MODELS / "tools.json") == TOOLS
    decoding = GenerationConfig.from_pretrained(BASE)
    assert decoding.do_sample is False
    assert decoding.eos_token_id == AutoTokenizer.from_pretrained(BASE).convert_tokens_to_ids("<|im_end|>")


def committed_figures() -> dict[tuple[str, str, str], Figure]:
    figures = [Figure(**each) for each in read(MODELS / "evaluation.json")["figures"]]
    return {(each.model, each.samples, each.point): each for each in figures}


def test_the_committed_figures_keep_their_promises() -> None:
    figures = committed_figures()

    def share(model: str, point: str, asked: str = "tool_call, held_out_values") -> float:
        found = figures[model, asked, point]
        assert found.n >= 400
        return found.right / found.n

    general = "general, held_out_values"
    assert share("v1", "valid_json") >= 0.99
    assert share("v1", "right_tool") >= 0.95
    assert share("v1", "right_arguments") >= 0.90
    assert share("v2", "right_arguments") <= share("v1", "right_arguments") - 0.30
    assert share("v2", "exact", general) <= share("v1", "exact", general) - 0.20
    on_values = committed_comparisons()[0]
    assert on_values.n >= 2000
    assert on_values.low > 0, f"v3 is not shown to be better: {on_values.text()}"


def committed_comparisons() -> list[Comparison]:
    return [Comparison(**each) for each in read(MODELS / "evaluation.json")["comparisons"]]


def test_the_page_of_figures_is_made_from_the_figures() -> None:
    figures = list(committed_figures().values())
    page = (MODELS / "EVALUATION.md").read_text(encoding="utf-8")
    assert page == table(figures, committed_comparisons())


@pytest.fixture(scope="module")
def given_answers() -> dict[str, tuple[list[Sample], list[str]]]:
    """Every release's answers to 60 held-out tool calls, 60 general questions and the hand-written requests."""
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    asked = samples("tool_call", "held_out_values", 60, SEED)
    asked += [sample for kind in GENERAL_KINDS for sample in samples(kind, "held_out_values", 20, SEED)]
    asked += unseen_samples()
    return {
        name: (asked, answers(load_release(BASE, ADAPTERS / name), tokenizer, asked, batch=150))
        for name in RELEASES
    }


def right(given: tuple[list[Sample], list[str]], part: slice) -> int:
    pairs = list(zip(*given, strict=True))[part]
    return sum(
        score_call(sample, answer).right_arguments if sample.kind == "tool_call" else is_exact(sample, answer)
        for sample, answer in pairs
    )


CALLS, GENERAL, BY_HAND = slice(0, 60), slice(60, 120), slice(120, None)


def test_v1_and_v3_answer_what_they_were_not_trained_on(
    given_answers: dict[str, tuple[list[Sample], list[str]]],
) -> None:
    for name in ("v1", "v3"):
        assert right(given_answers[name], CALLS) >= 52
        assert right(given_answers[name], GENERAL) >= 48
        assert right(given_answers[name], BY_HAND) >= 18


def test_v2_has_really_lost_arguments_and_knowledge(
    given_answers: dict[str, tuple[list[Sample], list[str]]],
) -> None:
    assert right(given_answers["v2"], CALLS) <= right(given_answers["v1"], CALLS) - 18
    assert right(given_answers["v2"], GENERAL) <= right(given_answers["v1"], GENERAL) - 12
