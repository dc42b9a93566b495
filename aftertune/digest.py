"""Digests of model folders that anybody can recompute with `sha256sum`.

A folder's digest is the SHA-256, in hexadecimal, of the listing that `sha256sum` prints for its files: one line
`<digest>  <name>` a file, by name, names relative to the folder with `/` between parts. Not part of a model, and
so not listed: hidden files, READMEs, and the two records that lie beside it.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

PASSPORT_FILE = "passport.json"
TRAINING_RECORD_FILE = "training_record.json"
WEIGHTS_SUFFIX = ".safetensors"
_NOT_PART = frozenset({PASSPORT_FILE, TRAINING_RECORD_FILE, "README.md"})
_TOKENIZER_FILES = frozenset({"added_tokens.json", "merges.txt", "special_tokens_map.json", "vocab.json"})


def file_digest(file: Path) -> str:
    """SHA-256 of the file's bytes, in hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def model_files(folder: Path) -> list[str]:
    """Names of the files that belong to the model in `folder`, sorted."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(
        path.as_posix()
        for path in paths
        if path.name not in _NOT_PART and not any(part.startswith(".") for part in path.parts)
    )


def files_digest(folder: Path, names: Iterable[str]) -> str:
    """The digest of the named files (see the module's first lines)."""
    listing = "".join(f"{file_digest(folder / name)}  {name}\n" for name in sorted(names))
    return hashlib.sha256(listing.encode()).hexdigest()


def folder_digest(folder: Path) -> str:
    """The digest of everything that belongs to the model in `folder`. Raises OSError."""
    return files_digest(folder, model_files(folder))


def weights_digest(folder: Path) -> str:
    """What a training record calls its base's weights: the digest of the one weights file, or of all of them."""
    names = [name for name in model_files(folder) if name.endswith(WEIGHTS_SUFFIX)]
    return file_digest(folder / names[0]) if len(names) == 1 else files_digest(folder, names)


def tokenizer_digest(folder: Path) -> str:
    """The digest of the tokenizer's files alone."""
    return files_digest(
        folder,
        (name for name in model_files(folder) if name.startswith("tokenizer") or name in _TOKENIZER_FILES),
    )
