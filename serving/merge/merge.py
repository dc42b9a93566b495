"""The merge itself: check, load, merge, save, reload, prove, write the passport, publish."""

import hashlib
import shutil
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from aftertune.clock import Clock
from aftertune.digest import WEIGHTS_SUFFIX, folder_digest, model_files, tokenizer_digest
from aftertune.errors import BadInput, Conflict, Unavailable
from aftertune.values.release import Passport, Proof
from serving.merge.folder import publish, unfinished
from serving.merge.probes import PROMPTS, TOLERANCE
from serving.passport import read_passport, write_passport

if TYPE_CHECKING:
    from serving.merge.inputs import Inputs

LIBRARIES = ("peft", "safetensors", "torch", "transformers")
_WEIGHTS_SUFFIXES = (WEIGHTS_SUFFIX, f"{WEIGHTS_SUFFIX}.index.json")


class _Merged(NamedTuple):
    proof: Proof
    template_digest: str


def merge(
    release: str,
    base: Path,
    adapter: Path | None,
    out: Path,
    clock: Clock,
    say: Callable[[str], None],
    tolerance: float = TOLERANCE,
) -> Passport:
    """Make `out` the merged model of `release`; `say` gets a line for each step.

    Without an adapter it is the base as it is, saved and proven in the same way. Does nothing when `out` holds this very merge already. Raises BadInput when the inputs are refused or the proof
    fails, Unavailable when a library is missing; in both cases `out` is not there.
    """
    require_libraries()
    from serving.merge.inputs import check_inputs  # noqa: PLC0415  (needs a library that may be missing)

    say(f"checking {base} and {adapter or 'no adapter'}")
    inputs = check_inputs(base, adapter)
    say(f"base {inputs.base_digest}, adapter {inputs.adapter_digest or 'none'}")
    with unfinished(out) as partial:
        if out.exists():
            passport = _already_merged(release, inputs, out)
            partial.rmdir()
            say(f"merged already: {out}")
            return passport
        merged = _merge_and_prove(base, adapter, partial, tolerance, say)
        passport = Passport(
            release=release,
            base_digest=inputs.base_digest,
            adapter_digest=inputs.adapter_digest,
            merged_digest=folder_digest(partial),
            tokenizer_digest=tokenizer_digest(partial),
            template_digest=merged.template_digest,
            training=inputs.training,
            proof=merged.proof,
            versions={name: version(name) for name in ("aftertune", *LIBRARIES)},
            merged_at=clock.now(),
        )
        write_passport(partial, passport)
        publish(partial, out)
    say(f"merged {release} into {out}")
    return passport


def _already_merged(release: str, inputs: "Inputs", out: Path) -> Passport:
    """The passport of a merge that was done before. Raises Conflict when the folder holds another one."""
    passport = read_passport(out)
    held = (passport.release, passport.base_digest, passport.adapter_digest)
    if held != (release, inputs.base_digest, inputs.adapter_digest):
        raise Conflict(f"{out} holds another merge.", "Remove the folder, or choose another release id.")
    return passport


def _merge_and_prove(
    base: Path, adapter: Path | None, partial: Path, tolerance: float, say: Callable[[str], None]
) -> _Merged:
    """Fill `partial` with the merged model and prove it from disk: its logits against those of base + adapter."""
    say("loading torch")
    from serving.merge import weights  # noqa: PLC0415  (torch takes seconds; most refusals do not need it)

    tokenizer = weights.load_tokenizer(base)
    adapted = weights.load_adapted(base, adapter) if adapter is not None else weights.load_model(base)
    say(f"asking base + adapter {len(PROMPTS)} probe prompts")
    expected = weights.logits(adapted, tokenizer, PROMPTS)
    say("merging")
    weights.save_merged(adapted, partial)
    del adapted
    _copy_rest(base, partial)
    say("proving the saved weights")
    given = weights.logits(weights.load_model(partial), tokenizer, PROMPTS)
    difference = _proven(weights.largest_difference(expected, given), tolerance)
    say(
        f"proof: largest logit difference {difference:.2e} on {len(PROMPTS)} prompts (tolerance {tolerance:.0e})"
    )
    return _Merged(
        proof=Proof(prompts=len(PROMPTS), max_logit_difference=difference, tolerance=tolerance),
        template_digest=hashlib.sha256(tokenizer.get_chat_template().encode()).hexdigest(),
    )


def require_libraries() -> None:
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        raise Unavailable(
            f"This Python has no {', '.join(missing)}.", "Install them: pip install 'aftertune[engine]'."
        )


def _proven(difference: float, tolerance: float) -> float:
    # Written so that NaN is refused too.
    if difference <= tolerance:
        return difference
    raise BadInput(
        f"The merged weights do not answer as base + adapter do: the largest logit difference is {difference:.2e}, "
        f"allowed is {tolerance:.0e}.",
        "The adapter cannot be merged in float32 without loss; train it again, or serve it unmerged.",
    )


def _copy_rest(base: Path, out: Path) -> None:
    """Tokenizer, chat template and generation config byte for byte, as the adapter was trained with them."""
    for name in model_files(base):
        if name != "config.json" and not name.endswith(_WEIGHTS_SUFFIXES):
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(base / name, out / name)
