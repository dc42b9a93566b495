"""Fixed texts whose cross-entropy is measured at each checkpoint: what tuning makes a model forget shows there early.

It is the number that the evaluation suite of the same name measures on a served release, on the same file.
"""

import json
from pathlib import Path

from aftertune.errors import BadInput


def read_texts(file: Path) -> tuple[str, ...]:
    """From JSON Lines: each line's `scoring.text`, or its `text`. Raises BadInput that names the line."""
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} cannot be read: {error}.", "Correct 'sentinel' in the spec.") from None
    texts = tuple(_text(file, number, line) for number, line in enumerate(lines, start=1) if line.strip())
    if not texts:
        raise BadInput(f"{file} has no texts.", "Write one object with a text a line.")
    return texts


def _text(file: Path, number: int, line: str) -> str:
    try:
        row = json.loads(line)
        text = row["scoring"]["text"] if "scoring" in row else row["text"]
    except (ValueError, RecursionError, KeyError, TypeError):
        text = None
    if not isinstance(text, str) or not text.strip():
        raise BadInput(f"{file}:{number}: no text.", "Write one object with a text a line.")
    return text
