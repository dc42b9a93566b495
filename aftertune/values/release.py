"""An immutable model version and where its bytes come from."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from aftertune.values.value import Value


class EngineKind(StrEnum):
    """Engines we know how to run; `external` is one that somebody else runs at a URL."""

    TRANSFORMERS = "transformers"
    VLLM = "vllm"
    EXTERNAL = "external"


class ReleaseState(StrEnum):
    """registered → merging → ready, or rejected with a reason."""

    REGISTERED = "registered"
    MERGING = "merging"
    READY = "ready"
    REJECTED = "rejected"


class Proof(Value):
    """Evidence that the merged weights answer as base + adapter do: logits on probe prompts, both in float32."""

    prompts: int = Field(ge=1)
    max_logit_difference: float = Field(ge=0)
    tolerance: float = Field(gt=0)


class Passport(Value):
    """The lineage of served weights. Digests are SHA-256 in hexadecimal over the named files."""

    release: str
    base_digest: str
    adapter_digest: str = Field(description="empty for a base that is served as it is")
    merged_digest: str
    tokenizer_digest: str
    template_digest: str
    training: dict[str, str | int | float] = Field(description="what the adapter's training record says")
    proof: Proof
    versions: dict[str, str] = Field(description="library → version that merged")
    merged_at: datetime


class Release(Value):
    """A registered release; `model_path` and `passport` are set once it is ready (external ones have neither).

    Without an adapter it is the base as it is: what forgetting is measured against.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    engine: EngineKind
    state: ReleaseState
    reason: str = ""
    base_path: str = ""
    adapter_path: str = ""
    model_path: str = ""
    url: str = Field(default="", description="where an external engine listens, without /v1")
    replicas: tuple[str, ...] = Field(
        default=(), description="further URLs where the same external engine listens, without /v1"
    )
    served_name: str = Field(
        default="", description="what the engine calls the model; empty: the release's id"
    )
    passport: Passport | None = None
    suites: tuple[str, ...] = Field(
        default=(), description="suites that it must pass, or have waived, before it may meet users"
    )
    waived_suites: tuple[str, ...] = ()
    created_by: str
    created_at: datetime


def base_of(release: Release, releases: Iterable[Release]) -> Release | None:
    """The first ready release that is the base of `release` as it is; None when nobody registered one."""
    return next(
        (
            each
            for each in releases
            if each.state is ReleaseState.READY
            and each.base_path == release.base_path
            and each.base_path
            and not each.adapter_path
        ),
        None,
    )


class EngineState(StrEnum):
    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"
    STOPPED = "stopped"


class EngineStatus(Value):
    """The engine of one release. `fingerprint` holds its greedy answers to the probe prompts, digested, in order."""

    release: str
    kind: EngineKind
    state: EngineState
    url: str = ""
    reason: str = ""
    weights_digest: str = Field(
        default="", description="of the files the engine was started on; external: empty"
    )
    fingerprint: tuple[str, ...] = ()
    updated_at: datetime
