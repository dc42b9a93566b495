"""The model card that lies beside an adapter: written from its training record alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from aftertune.values.training import TrainingPoint

_LIMITS = """\
- It was tuned to the conversations counted above; what they do not show, it learnt from the base alone.
- The losses say how well it predicts held-out text, not whether its answers are right: its evaluation runs do.
- It keeps the base's context length, languages and faults. What it forgot, a comparison with the base tells.
- It is served only after its merge was proven equal to base and adapter, and by a rollout that somebody approved."""


def model_card(record: Mapping[str, Any], points: Sequence[TrainingPoint]) -> str:
    """Markdown, with the front matter that model hubs read."""
    base, data, lora = record["base"], record["dataset"], record["lora"]
    schedule, validation = record["schedule"], record["validation"]
    train, held_out = data["train"], data["validation"]
    reported = "\n".join(f"- {package} {version}" for package, version in record["versions"].items())
    return f"""\
---
base_model: {base["name"]}
library_name: peft
tags: [lora]
---

# {record["release"]}

{record["purpose"] or "Intended use: not stated in the spec."}

## Data

| part | samples | SHA-256 of the file |
|---|---|---|
| training | {train["samples"]} | `{train["sha256"]}` |
| validation | {held_out["samples"]} | `{held_out["sha256"]}` |

{held_out["also_in_train"]} rows of the validation file stand in the training file too.

## Training

LoRA of rank {lora["rank"]}, alpha {lora["alpha"]:g}, dropout {lora["dropout"]:g}, on {", ".join(lora["target_modules"])}.
AdamW, peak rate {schedule["peak_rate"]:g}, {schedule["warm_up"]} warm-up steps, cosine to a tenth;
{schedule["steps"]} steps of {schedule["batch"]} planned, {record["steps_done"]} done (ended by {record["ended_by"]}), \
seed {record["seed"]}.
Validation and checkpoint every {validation["every"]} steps, {_patience(validation["patience"])}.
{record["seconds"]:g} s of training in {record["attempts"]} {"attempt" if record["attempts"] == 1 else "attempts"}.

The adapter is the checkpoint of step {record["best_step"]}: validation loss {record["validation_loss"]:g} nats a token \
(n = {held_out["samples"]} conversations){_sentinel(record["sentinel_loss"])}.

| step | training loss | validation loss |
|---|---|---|
{_curve(points)}

## Limits

{_LIMITS}

## Lineage

- base `{base["name"]}`, weights SHA-256 `{base["weights_sha256"]}`
- order SHA-256 `{record["order"]}`: base, data, tools and every setting that shapes the weights
- `training_record.json` says the same for programs; the passport of the merged release names this adapter's digest
{reported}

## To reproduce

Give the spec, the data files and the base named above to `aftertune train SPEC`. On the same machine with the same
versions and number of threads the weights come out byte for byte; elsewhere their last digits may differ.
"""


def _sentinel(loss: float | None) -> str:
    return f"; on the sentinel's texts {loss:g}" if loss is not None else ""


def _patience(patience: int) -> str:
    return f"ended after {patience} without a new best" if patience else "no early stopping"


def _curve(points: Sequence[TrainingPoint]) -> str:
    """One row a validation; the training loss is the mean over the steps since the one before."""
    rows, total, since, before = [], 0.0, 0, 0
    for point in points:
        total += point.loss * (point.step - before)
        since += point.step - before
        before = point.step
        if point.validation is not None:
            rows.append(f"| {point.step} | {total / since:.4f} | {point.validation:.4f} |")
            total, since = 0.0, 0
    return "\n".join(rows)
