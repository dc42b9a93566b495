"""Other tools' samples as a suite's folder: our own layout, and the logs of lm-evaluation-harness."""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from aftertune.errors import BadInput, Conflict, UnknownName
from evals.archive.files import json_objects
from evals.suite.sample import Sample
from evals.suite.suite import load_suite
from evals.suite.validated import validated

Json = dict[str, Any]

SCORER_OF = {
    "final_number": "final_number",
    "multiple_choice": "choice",
    "continuation_choice": "choice",
    "open_or_choice": "choice",
    "exact_match": "exact_match",
    "verifiable_instructions": "instructions",
    "label": "labels",
    "tool_calls": "tool_calls.strict",
    "any_tool_call": "tool_calls.strict",
    "no_tool_call": "tool_calls.strict",
    "text": "text.rouge",
    "critical_terms": "critical_terms",
}
"""By kind of ground truth: the scorer that an imported suite gets. What is not here has to be chosen by hand."""

MOST_TASKS = 20
"""Tasks that an imported suite scores apart: more would be a page of numbers that nobody reads."""

_CARD = """\
# Written by aftertune evals import. Check it: how the suite asks, what it is compared with, and its gates are yours.
"""


def import_public(sources: Sequence[Path]) -> list[Sample]:
    """Files in the layout of a suite's samples.jsonl. Raises BadInput that names the line."""
    return _unique(
        (where, validated(Sample, raw, where)) for source in sources for where, raw in json_objects(source)
    )


def import_lm_eval(sources: Sequence[Path]) -> list[Sample]:
    """samples_*.jsonl of lm-evaluation-harness (--log_samples), or its documents alone. Raises BadInput.

    A document with `choices` is a multiple choice, its target an index; any other one is exact_match with its target.
    The prompt is what the log says was asked, else the document's `question`, `prompt` or `input`.
    """
    return _unique(
        (where, validated(Sample, _from_lm_eval(raw, source.stem, where), where))
        for source in sources
        for where, raw in json_objects(source)
    )


LAYOUTS: Mapping[str, Callable[[Sequence[Path]], list[Sample]]] = {
    "public": import_public,
    "lm-eval": import_lm_eval,
}


def import_suite(layout: str, sources: Sequence[Path], folder: Path, licence: str, cluster: str = "") -> int:
    """Writes the folder, whole or not at all, and returns how many samples it has. Raises BadInput, Conflict, UnknownName."""
    if layout not in LAYOUTS:
        raise UnknownName("layout", layout, LAYOUTS)
    if folder.exists():
        raise Conflict(f"{folder} is there already.", "Choose another folder, or remove it.")
    samples = LAYOUTS[layout](sources)
    if not samples:
        raise BadInput(f"{', '.join(map(str, sources))}: there are no samples.")
    card = _card(folder.name, samples, licence, cluster)
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        half = aside / folder.name
        half.mkdir()
        lines = (
            json.dumps(sample.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False)
            for sample in samples
        )
        (half / "samples.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        written = yaml.safe_dump(card, sort_keys=False, width=100)
        (half / "card.yaml").write_text(_CARD + written, encoding="utf-8")
        load_suite(half)
        half.rename(folder)
    except OSError as error:
        raise BadInput(f"{folder} cannot be written: {error}.") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return len(samples)


def _card(name: str, samples: Sequence[Sample], licence: str, cluster: str) -> Json:
    kinds = dict.fromkeys(sample.scoring.kind for sample in samples)
    if unknown := [kind for kind in kinds if kind not in SCORER_OF]:
        raise BadInput(
            f"No scorer is chosen for samples of kind {', '.join(unknown)}.",
            f"Kinds that can be imported: {', '.join(SCORER_OF)}. Write the card of any other suite by hand.",
        )
    card: Json = {
        "name": name,
        "version": "1",
        "description": f"{len(samples)} imported samples.",
        "licence": licence,
        "scorers": list(dict.fromkeys(SCORER_OF[kind] for kind in kinds)),
        "ask": {"how": "chat", "max_tokens": 512},
        "seed": 1,
    }
    if cluster:
        card["cluster"] = cluster
    if 1 < len({sample.task for sample in samples}) <= MOST_TASKS:
        card["by_task"] = True
    return card


def _unique(found: Iterator[tuple[str, Sample]]) -> list[Sample]:
    samples: dict[str, Sample] = {}
    for where, sample in found:
        if sample.id in samples:
            raise BadInput(f"{where} has the id {sample.id!r} again.", "Ids are unique in a suite.")
        samples[sample.id] = sample
    return list(samples.values())


def _from_lm_eval(raw: Json, task: str, where: str) -> Json:
    doc = raw["doc"] if isinstance(raw.get("doc"), dict) else raw
    prompt = _prompt(raw, doc)
    target = raw.get("target", doc.get("answer", doc.get("target", doc.get("label"))))
    if not prompt or target is None or isinstance(target, dict):
        raise BadInput(
            f"{where} has no {'prompt' if not prompt else 'target'}.", "Write the log with --log_samples."
        )
    task = task.removeprefix("samples_")
    name = raw.get("doc_id", doc.get("id"))
    return {
        "id": f"{task}-{name if name is not None else where.split()[1]}",
        "task": task,
        "messages": prompt,
        "scoring": _scoring(doc, target, where),
        "meta": {"imported": "lm-evaluation-harness"},
    }


def _prompt(raw: Json, doc: Json) -> list[Json]:
    arguments = raw.get("arguments")
    if isinstance(arguments, dict):
        first = arguments.get("gen_args_0")
        asked = first.get("arg_0") if isinstance(first, dict) else None
    else:
        asked = arguments[0][0] if isinstance(arguments, list) and arguments and arguments[0] else None
    if isinstance(asked, str) and asked.startswith("[{"):
        # A chat template was applied: the log holds the messages as JSON.
        try:
            messages = json.loads(asked)
        except ValueError:
            messages = None
        if isinstance(messages, list):
            return messages
    if not isinstance(asked, str):
        asked = next(
            (doc[key] for key in ("question", "prompt", "input", "query") if isinstance(doc.get(key), str)),
            "",
        )
    return [{"role": "user", "content": asked}] if asked else []


def _scoring(doc: Json, target: Any, where: str) -> Json:
    choices = doc.get("choices")
    if isinstance(choices, dict):
        choices = choices.get("text")
    if not isinstance(choices, list):
        return {
            "kind": "exact_match",
            "answers": [str(each) for each in (target if isinstance(target, list) else [target])],
        }
    texts = [str(choice) for choice in choices]
    if isinstance(target, str) and not target.isdigit():
        index = texts.index(target) if target in texts else "ABCDEFGHIJ".find(target.strip()[:1])
    else:
        index = int(target) if isinstance(target, int | str) else -1
    if not 0 <= index < len(texts):
        raise BadInput(f"{where} has the target {target!r}, which is none of its {len(texts)} choices.")
    return {"kind": "multiple_choice", "choices": texts, "answer_index": index}
