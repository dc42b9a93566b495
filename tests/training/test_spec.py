from pathlib import Path

import pytest
import yaml

from aftertune.errors import BadInput, UnknownName
from tests.training.jobs import EXAMPLE, small_spec, spec_file
from training.recipes import RELEASES, TOOLS_FILE, TRAIN_FILE, VALIDATION_FILE, write_corpus
from training.spec import Schedule, read_spec


def test_a_spec_says_paths_from_its_own_folder(tmp_path: Path) -> None:
    spec = small_spec(tmp_path)
    read = read_spec(spec_file(tmp_path, spec))
    assert read == spec
    assert read.data.train == tmp_path / "train.jsonl"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lora": {"rnk": 8}}, r"Unknown key in .*'lora.rnk'.* Known: .*lora.rank.*validation.every"),
        ({"learning_rate": 1}, r"'learning_rate'.*schedule.peak_rate"),
        (
            {"schedule": {"steps": 1, "epochs": 1, "batch": 1, "peak_rate": 1, "warm_up": 0}},
            "either steps or epochs",
        ),
        ({"release": "base"}, "'base' names the base itself"),
        ({"release": "a b"}, "'release'"),
        ({"lora": {"rank": 8, "alpha": 8, "layers": ["lm_head"]}}, "q_proj"),
        ({"seed": None}, "'seed'"),
    ],
)
def test_a_wrong_spec_is_refused_by_name(tmp_path: Path, change: dict[str, object], message: str) -> None:
    file = spec_file(tmp_path, small_spec(tmp_path))
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | change))
    with pytest.raises(BadInput, match=message) as caught:
        read_spec(file)
    assert isinstance(caught.value, UnknownName) == ("Unknown" in message or "learning_rate" in message)


@pytest.mark.parametrize(("text", "message"), [("a: [", "cannot be read as YAML"), ("- v1", "is no mapping")])
def test_a_file_that_is_no_spec(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "spec.yaml").write_text(text)
    with pytest.raises(BadInput, match=message):
        read_spec(tmp_path / "spec.yaml")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"There is no .*spec\.yaml"):
        read_spec(tmp_path / "spec.yaml")


def test_epochs_become_steps() -> None:
    schedule = Schedule(epochs=1.5, batch=32, peak_rate=1e-3, warm_up=0)
    assert schedule.total(100) == 5
    assert schedule.total(1) == 1


def test_the_examples_spec_and_data_are_its_recipes(tmp_path: Path) -> None:
    recipe, data = RELEASES["v1"], EXAMPLE / "data/v1"
    drawn = recipe.spec("v1", EXAMPLE / "base", EXAMPLE / TOOLS_FILE, data)
    sentinel = EXAMPLE / "../../evals/suites/sentinel/samples.jsonl"
    assert read_spec(EXAMPLE / "v1.yaml") == drawn.model_copy(update={"sentinel": sentinel})
    write_corpus(recipe, tmp_path)
    for name in (TRAIN_FILE, VALIDATION_FILE):
        assert (tmp_path / name).read_bytes() == (data / name).read_bytes()
    assert sum((data / name).stat().st_size for name in (TRAIN_FILE, VALIDATION_FILE)) <= 2_000_000
