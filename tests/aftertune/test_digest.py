import hashlib
import subprocess
from pathlib import Path

from aftertune.digest import file_digest, folder_digest, model_files, tokenizer_digest, weights_digest


def fill(folder: Path, **files: str) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def test_a_folders_digest_is_what_sha256sum_gives(tmp_path: Path) -> None:
    folder = fill(tmp_path / "m", config__json="{}", tokenizer__json="[]", model__safetensors="w")
    listing = subprocess.run(
        ["sha256sum", "config.json", "model.safetensors", "tokenizer.json"],
        cwd=folder,
        check=True,
        capture_output=True,
    ).stdout
    assert folder_digest(folder) == hashlib.sha256(listing).hexdigest()


def test_records_readmes_and_hidden_files_are_no_part_of_a_model(tmp_path: Path) -> None:
    folder = fill(tmp_path / "m", config__json="{}")
    before = folder_digest(folder)
    for name in ("passport.json", "training_record.json", "README.md", ".gitattributes"):
        (folder / name).write_text("x")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "y").write_text("x")
    assert model_files(folder) == ["config.json"]
    assert folder_digest(folder) == before


def test_bytes_names_and_new_files_change_the_digest(tmp_path: Path) -> None:
    folder = fill(tmp_path / "m", a="1", b="2")
    seen = {folder_digest(folder)}
    (folder / "b").write_text("3")
    seen.add(folder_digest(folder))
    (folder / "b").rename(folder / "c")
    seen.add(folder_digest(folder))
    (folder / "sub").mkdir()
    (folder / "sub" / "code.py").write_text("")
    seen.add(folder_digest(folder))
    assert len(seen) == 4


def test_one_weights_file_is_its_own_digest_and_shards_have_one_together(tmp_path: Path) -> None:
    folder = fill(tmp_path / "m", model__safetensors="w", config__json="{}")
    assert weights_digest(folder) == file_digest(folder / "model.safetensors")
    (folder / "more.safetensors").write_text("v")
    assert weights_digest(folder) not in {file_digest(folder / "more.safetensors"), folder_digest(folder)}


def test_the_tokenizers_digest_does_not_move_with_the_weights(tmp_path: Path) -> None:
    folder = fill(tmp_path / "m", tokenizer__json="t", merges__txt="m", model__safetensors="w")
    before = tokenizer_digest(folder)
    (folder / "model.safetensors").write_text("v")
    assert tokenizer_digest(folder) == before
    (folder / "merges.txt").write_text("n")
    assert tokenizer_digest(folder) != before
