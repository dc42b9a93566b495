"""Real merges of tiny models."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from aftertune.clock import ManualClock
from aftertune.digest import folder_digest, tokenizer_digest
from aftertune.errors import BadInput, Conflict, Unavailable
from aftertune.values.release import Passport
from serving.merge import weights
from serving.merge.merge import merge
from serving.merge.probes import PROMPTS
from serving.passport import read_passport
from tests.serving.merge.conftest import Models
from tests.serving.merge.models import write_adapter, write_base

MergeTo = Callable[[Models, Path], Passport]


@pytest.fixture
def models(shared_models: Models, tmp_path: Path) -> Models:
    """Copies that the test may spoil."""
    shutil.copytree(shared_models.base, tmp_path / "base")
    shutil.copytree(shared_models.adapter, tmp_path / "adapter")
    return Models(tmp_path / "base", tmp_path / "adapter")


def refused(merge_to: MergeTo, models: Models, tmp_path: Path) -> str:
    """The message of the refusal, which must leave nothing behind."""
    before = sorted(tmp_path.iterdir())
    with pytest.raises(BadInput) as caught:
        merge_to(models, tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == before
    return str(caught.value)


def test_the_merged_folder_answers_as_base_and_adapter_do(
    shared_models: Models, tmp_path: Path, merge_to: MergeTo, say: list[str]
) -> None:
    out = tmp_path / "out"
    passport = merge_to(shared_models, out)
    assert passport.proof.prompts >= 8
    assert passport.proof.max_logit_difference <= passport.proof.tolerance
    tokenizer = AutoTokenizer.from_pretrained(out)
    merged = weights.logits(weights.load_model(out), tokenizer, PROMPTS[:2])
    base = weights.logits(weights.load_model(shared_models.base), tokenizer, PROMPTS[:2])
    assert weights.largest_difference(merged, base) > 0.1  # so the proof could have failed
    assert any("largest logit difference" in line for line in say)
    assert (out / "chat_template.jinja").read_bytes() == (
        shared_models.base / "chat_template.jinja"
    ).read_bytes()


def test_the_passport_names_every_byte_that_is_served(
    shared_models: Models, tmp_path: Path, merge_to: MergeTo
) -> None:
    out = tmp_path / "out"
    passport = merge_to(shared_models, out)
    assert passport == read_passport(out)
    assert passport.merged_digest == folder_digest(out)
    assert passport.tokenizer_digest == tokenizer_digest(shared_models.base)
    assert passport.base_digest == folder_digest(shared_models.base)
    assert passport.adapter_digest == folder_digest(shared_models.adapter)
    assert passport.training["lora.rank"] == 4
    assert "spoilt_by" not in passport.training
    assert {"torch", "transformers", "peft"} <= set(passport.versions)


def test_a_base_is_served_as_it_is(shared_models: Models, tmp_path: Path) -> None:
    out = tmp_path / "out"
    passport = merge("base", shared_models.base, None, out, ManualClock(), lambda _line: None)
    assert passport == read_passport(out)
    assert passport.adapter_digest == ""
    assert passport.proof.max_logit_difference == 0
    given, kept = (load_file(folder / "model.safetensors") for folder in (shared_models.base, out))
    assert given.keys() == kept.keys()
    assert all(torch.equal(given[name].float(), kept[name]) for name in given)


def test_merging_twice_gives_the_same_bytes(shared_models: Models, tmp_path: Path, merge_to: MergeTo) -> None:
    assert merge_to(shared_models, tmp_path / "a") == merge_to(shared_models, tmp_path / "b")


def test_merging_again_changes_nothing(
    shared_models: Models, tmp_path: Path, merge_to: MergeTo, say: list[str]
) -> None:
    first = merge_to(shared_models, tmp_path / "out")
    say.clear()
    assert merge_to(shared_models, tmp_path / "out") == first
    assert say[-1].startswith("merged already")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_another_merge_is_not_written_over(shared_models: Models, tmp_path: Path, merge_to: MergeTo) -> None:
    merge_to(shared_models, tmp_path / "out")
    write_adapter(tmp_path / "other", shared_models.base, seed=9)
    with pytest.raises(Conflict, match="holds another merge"):
        merge_to(Models(shared_models.base, tmp_path / "other"), tmp_path / "out")
    (tmp_path / "out" / "config.json").write_text("{}")
    with pytest.raises(Conflict, match="changed after it was merged"):
        merge_to(shared_models, tmp_path / "out")


def test_a_proof_that_does_not_hold_refuses_the_merge(shared_models: Models, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="do not answer as base"):
        merge(
            "r1",
            shared_models.base,
            shared_models.adapter,
            tmp_path / "out",
            ManualClock(),
            lambda _line: None,
            tolerance=1e-12,
        )
    assert list(tmp_path.iterdir()) == []


def test_an_adapter_with_numbers_that_are_none_is_refused(
    models: Models, tmp_path: Path, merge_to: MergeTo
) -> None:
    file = models.adapter / "adapter_model.safetensors"
    tensors = load_file(file)
    tensors[next(iter(tensors))].fill_(torch.nan)
    save_file(tensors, file)
    assert "largest logit difference is nan" in refused(merge_to, models, tmp_path)


@pytest.mark.parametrize("suffix", ["bin", "pt", "pth", "pkl"])
@pytest.mark.parametrize("where", ["base", "adapter"])
def test_pickles_are_refused(
    models: Models, tmp_path: Path, merge_to: MergeTo, suffix: str, where: str
) -> None:
    (tmp_path / where / f"weights.{suffix}").write_bytes(b"\x80\x04.")
    message = refused(merge_to, models, tmp_path)
    assert f"weights.{suffix} is in a pickle format" in message


def test_an_adapter_for_another_base_is_refused_with_both_digests(
    models: Models, tmp_path: Path, merge_to: MergeTo
) -> None:
    record = json.loads((models.adapter / "training_record.json").read_text())
    write_base(models.base, seed=5)
    message = refused(merge_to, models, tmp_path)
    assert "adapter is for another base" in message
    assert record["base"]["weights_sha256"] in message


@pytest.mark.parametrize("where", ["base/model", "adapter/adapter_model"])
def test_corrupt_weights_are_named(models: Models, tmp_path: Path, merge_to: MergeTo, where: str) -> None:
    file = tmp_path / f"{where}.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    message = refused(merge_to, models, tmp_path)
    assert f"{file} is corrupt" in message


def test_an_adapter_with_a_lost_tensor_is_refused(models: Models, tmp_path: Path, merge_to: MergeTo) -> None:
    file = models.adapter / "adapter_model.safetensors"
    tensors = load_file(file)
    lost = min(tensors)
    del tensors[lost]
    save_file(tensors, file)
    assert f"the first is {lost}" in refused(merge_to, models, tmp_path)


def test_an_adapter_of_another_shape_is_refused(models: Models, tmp_path: Path, merge_to: MergeTo) -> None:
    config = json.loads((models.adapter / "adapter_config.json").read_text())
    (models.adapter / "adapter_config.json").write_text(json.dumps({**config, "r": 2}))
    assert "does not fit the base" in refused(merge_to, models, tmp_path)


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("adapter_config.json", "{", "is not JSON"),
        ("adapter_config.json", "[]", "is not a JSON object"),
        ("adapter_config.json", '{"peft_type": "PROMPT_TUNING"}', "Known: LORA"),
        ("adapter_config.json", None, "There is no"),
        ("adapter_model.safetensors", None, "has no adapter_model.safetensors"),
        ("training_record.json", None, "There is no"),
        ("training_record.json", "{}", "does not say which base"),
    ],
)
def test_what_an_adapter_must_have(
    models: Models, tmp_path: Path, merge_to: MergeTo, file: str, text: str | None, message: str
) -> None:
    if text is None:
        (models.adapter / file).unlink()
    else:
        (models.adapter / file).write_text(text)
    assert message in refused(merge_to, models, tmp_path)


def test_a_base_without_a_chat_template_is_refused(models: Models, tmp_path: Path, merge_to: MergeTo) -> None:
    (models.base / "chat_template.jinja").unlink()
    assert "no chat template" in refused(merge_to, models, tmp_path)


def test_a_folder_that_is_not_there_is_refused(models: Models, tmp_path: Path, merge_to: MergeTo) -> None:
    assert "is not a folder" in refused(merge_to, Models(tmp_path / "none", models.adapter), tmp_path)


def test_missing_libraries_are_named(
    models: Models, tmp_path: Path, merge_to: MergeTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.merge.merge.find_spec", lambda name: None if name == "peft" else object())
    with pytest.raises(Unavailable, match=r"has no peft. Install them: pip install 'aftertune\[engine\]'"):
        merge_to(models, tmp_path / "out")


def command(models: Models, out: Path) -> list[str]:
    paths = ("--base", str(models.base), "--adapter", str(models.adapter), "--out", str(out))
    return [sys.executable, "-m", "serving.merge", "--release", "r1", *paths]


def test_a_refusal_is_one_line_and_exit_code_2(models: Models, tmp_path: Path) -> None:
    (models.adapter / "adapter_model.bin").write_bytes(b"")
    ended = subprocess.run(command(models, tmp_path / "out"), capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: ")
    assert ended.stderr.count("\n") == 1


def test_a_merge_that_is_killed_leaves_no_model_and_the_next_one_finishes(
    shared_models: Models, tmp_path: Path, merge_to: MergeTo
) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(command(shared_models, out), stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        for line in killed.stdout:
            if line.startswith("proving"):
                os.kill(killed.pid, signal.SIGKILL)
    assert killed.returncode == -9
    assert not out.exists()
    assert [path.name for path in tmp_path.iterdir()] == [".out.partial"]
    passport = merge_to(shared_models, out)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert read_passport(out) == passport
