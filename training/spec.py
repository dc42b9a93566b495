"""The specification of a training job: what is tuned on what, how hard, and how it is watched."""

from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import yaml
from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from aftertune.errors import BadInput, UnknownName
from aftertune.values.value import Value

Linear = Literal["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LINEAR: tuple[Linear, ...] = get_args(Linear)


def _not_the_bases(release: str) -> str:
    if release == "base":
        raise ValueError("'base' names the base itself; choose another id")
    return release


class DataSpec(Value):
    """Files of one conversation a line (see `training.dataset`)."""

    train: Path
    validation: Path = Field(description="never trained on; chooses the checkpoint that is exported")
    tools: Path | None = Field(
        default=None, description='a JSON list; what "tools": "default" in a row means'
    )


class LoraSpec(Value):
    rank: int = Field(ge=1, le=1024)
    alpha: float = Field(gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    layers: tuple[Linear, ...] = Field(default=LINEAR, min_length=1, description="the linear layers tuned")


class Schedule(Value):
    """AdamW with linear warm-up and a cosine to a tenth of the peak; either steps or epochs."""

    steps: int | None = Field(default=None, ge=1)
    epochs: float | None = Field(default=None, gt=0)
    batch: int = Field(ge=1)
    peak_rate: float = Field(gt=0, le=1)
    warm_up: int = Field(ge=0)

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("give either steps or epochs")
        return self

    def total(self, rows: int) -> int:
        """The number of steps for a data set of `rows`."""
        return self.steps if self.steps is not None else max(1, ceil(rows * (self.epochs or 0) / self.batch))


class ValidationSpec(Value):
    every: int = Field(ge=1, description="steps from one validation, and one checkpoint, to the next")
    patience: int = Field(default=0, ge=0, description="end after so many without a new best; 0: never")
    samples: int | None = Field(default=None, ge=1, description="the first so many rows; unset: all")


class Spec(Value):
    """A job; paths are absolute once `read_spec` has read them."""

    release: Annotated[str, AfterValidator(_not_the_bases)] = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    purpose: str = Field(default="", description="intended use, for the model card")
    base: Path
    data: DataSpec
    lora: LoraSpec
    schedule: Schedule
    validation: ValidationSpec
    sentinel: Path | None = Field(
        default=None,
        description="fixed texts, one JSON object a line, whose loss is measured at each validation",
    )
    seed: int = Field(default=0, ge=0, lt=2**32)
    suites: tuple[str, ...] = Field(default=(), description="evaluation suites the release has to pass")


def read_spec(file: Path) -> Spec:
    """Paths in it count from the folder it lies in. Raises BadInput; UnknownName lists the known keys."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInput(f"There is no {file}.", "Give the path of a training spec.") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise BadInput(f"{file} cannot be read as YAML: {error}.") from None
    if not isinstance(content, dict):
        raise BadInput(
            f"{file} is no mapping.", f"Write 'key: value' lines; known: {', '.join(_keys(Spec))}."
        )
    try:
        return _from_folder(Spec.model_validate(content), file.absolute().parent)
    except ValidationError as error:
        raise _explained(file, error) from None


def _from_folder(spec: Spec, folder: Path) -> Spec:
    tools = spec.data.tools
    data = DataSpec(
        train=folder / spec.data.train,
        validation=folder / spec.data.validation,
        tools=folder / tools if tools is not None else None,
    )
    sentinel = folder / spec.sentinel if spec.sentinel is not None else None
    return spec.model_copy(update={"base": folder / spec.base, "data": data, "sentinel": sentinel})


def _explained(file: Path, error: ValidationError) -> BadInput:
    """The first thing wrong, an unknown key before anything else."""
    found = error.errors(include_url=False, include_input=False)
    first = next((each for each in found if each["type"] == "extra_forbidden"), found[0])
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return UnknownName(f"key in {file}", name, _keys(Spec))
    return BadInput(
        f"{file}: {f'{name!r}: ' if name else ''}{first['msg']}.", "Correct it; nothing was started."
    )


def _keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        section: Any = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield from _keys(section, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"
