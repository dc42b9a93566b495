"""Releases come from below the roots and nowhere else; paths are for those who register them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aftertune.values.release import EngineKind, Passport, Proof, ReleaseState
from tests.console.conftest import Console
from tests.console.seed import MODEL_PATH

ENGINE = "http://127.0.0.1:9001"
PASSPORT = Passport(
    release="v1",
    base_digest="aa" * 32,
    adapter_digest="bb" * 32,
    merged_digest="cc" * 32,
    tokenizer_digest="dd" * 32,
    template_digest="ee" * 32,
    training={"learning_rate": 0.0002},
    proof=Proof(prompts=8, max_logit_difference=1.5e-6, tolerance=1e-4),
    versions={"peft": "0.17"},
    merged_at=datetime(2026, 1, 1, tzinfo=UTC),
)


def folder(parent: Path, name: str) -> Path:
    made = parent / name
    made.mkdir()
    (made / "config.json").write_text("{}")
    return made


async def test_a_release_is_registered_once(console: Console) -> None:
    base, adapter = folder(console.roots, "base"), folder(console.roots, "adapter")
    body = {"id": "v9", "base": str(base), "adapter": str(adapter / ".." / "adapter")}
    made = await console.post("operator", "/v1/releases", body, key="register-v9")
    assert made.status_code == 201
    again = await console.post("operator", "/v1/releases", body, key="register-v9")
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert again.json() == made.json()
    other = await console.post("operator", "/v1/releases", body | {"id": "v10"}, key="register-v9")
    assert (other.status_code, other.json()["title"]) == (409, "Idempotency key reused")
    assert (await console.post("operator", "/v1/releases", body)).status_code == 400

    with console.store.read() as tx:
        release = tx.releases.get("v9")
    assert (release.state, release.engine) == (ReleaseState.REGISTERED, EngineKind.TRANSFORMERS)
    assert release.adapter_path == str(adapter)
    assert release.created_by == "operator"
    assert console.audited("register_release") == ["v9"]
    assert console.wakes.count == 2


async def test_a_base_as_it_is_has_no_adapter(console: Console) -> None:
    base = folder(console.roots, "base")
    made = await console.post("operator", "/v1/releases", {"id": "base", "base": str(base)})
    assert made.status_code == 201
    release = made.json()["release"]
    assert (release["base_path"], release["adapter_path"], release["suites"]) == (str(base), "", [])
    assert (
        await console.post("operator", "/v1/releases", {"id": "v9", "adapter": str(base)})
    ).status_code == 400


async def test_what_a_training_job_wrote_may_be_registered(console: Console, tmp_path: Path) -> None:
    jobs = tmp_path / "training"
    jobs.mkdir()
    adapter = folder(jobs, "train-v9")
    body = {"id": "v9", "base": str(folder(console.roots, "base")), "adapter": str(adapter)}
    made = await console.post("operator", "/v1/releases", body)
    assert (made.status_code, made.json()["release"]["adapter_path"]) == (201, str(adapter))


async def test_the_suites_of_a_release_are_known_and_listed_once(console: Console) -> None:
    body = {"id": "v9", "base": str(folder(console.roots, "base"))}
    unknown = await console.post("operator", "/v1/releases", body | {"suites": ["tools", "mmlu"]})
    assert (unknown.status_code, unknown.json()["remedy"]) == (400, "Known: forgetting, persona, tools.")
    twice = await console.post("operator", "/v1/releases", body | {"suites": ["tools", "tools"]})
    assert "listed twice" in twice.json()["detail"]
    assert console.audited("register_release") == []
    made = await console.post("operator", "/v1/releases", body | {"suites": ["tools", "persona"]})
    assert made.json()["release"]["suites"] == ["tools", "persona"]
    assert [each["standing"] for each in made.json()["standings"]] == ["not_run", "not_run"]


@pytest.mark.parametrize("kind", ["base", "adapter"])
@pytest.mark.parametrize("evil", ["/etc", "../..", "outside-link", "inner-link", "\x00", "missing", "file"])
async def test_paths_outside_the_roots(console: Console, tmp_path: Path, kind: str, evil: str) -> None:
    good, outside = folder(console.roots, "good"), folder(tmp_path, "outside")
    (console.roots / "outside-link").symlink_to(outside)
    inner = folder(console.roots, "inner-link")
    (inner / "adapter_model.safetensors").symlink_to(outside / "config.json")
    (console.roots / "file").write_text("")
    paths = {"base": str(good), "adapter": str(good)} | {kind: f"{console.roots}/{evil}"}
    if evil == "/etc":
        paths[kind] = evil
    answer = await console.post("operator", "/v1/releases", {"id": "v9", **paths})
    assert answer.status_code == 400
    assert kind in answer.json()["detail"]
    assert console.audited("register_release") == []


async def test_an_external_engine(console: Console) -> None:
    body = {"id": "gpu", "engine": "external", "url": "http://gpu:8000/", "served_name": "llama"}
    made = await console.post("operator", "/v1/releases", body)
    assert made.json()["release"]["url"] == "http://gpu:8000"
    assert made.json()["release"]["replicas"] == []


async def test_the_replicas_of_an_external_engine(console: Console) -> None:
    body = {"id": "gpu", "engine": "external", "url": "http://gpu-1:8000/", "served_name": "llama"}
    made = await console.post("operator", "/v1/releases", body | {"replicas": ["http://gpu-2:8000/"]})
    assert made.json()["release"]["replicas"] == ["http://gpu-2:8000"]
    assert "http://gpu-2:8000" in (await console.get("operator", "/releases/gpu")).text
    assert "gpu-2" not in (await console.get("viewer", "/v1/releases/gpu")).text
    assert "gpu-2" not in (await console.get("viewer", "/releases/gpu")).text
    twice = await console.post(
        "operator", "/v1/releases", body | {"id": "gpu-b", "replicas": ["http://gpu-1:8000"]}
    )
    assert (twice.status_code, "twice" in twice.json()["detail"]) == (400, True)
    own = {"id": "own", "base": str(folder(console.roots, "base")), "replicas": ["http://gpu-2:8000"]}
    assert (await console.post("operator", "/v1/releases", own)).status_code == 400


@pytest.mark.parametrize(
    "change",
    [
        {"url": "file:///etc/passwd"},
        {"url": "http://user:pw@gpu:8000"},
        {"url": "http://gpu:8000/v1"},
        {"url": "http://gpu:notaport"},
        {"url": "http://169.254.169.254"},
        {"url": "http://[fe80::1]"},
        {"url": ""},
        {"served_name": ""},
        {"base": "x"},
        {"replicas": ["http://169.254.169.254"]},
        {"engine": "transformers"},
        {"engine": None},
    ],
)
async def test_external_engines_that_are_refused(console: Console, change: dict[str, object]) -> None:
    body = {"id": "gpu", "engine": "external", "url": "http://gpu:8000", "served_name": "llama"}
    assert (await console.post("operator", "/v1/releases", body | change)).status_code == 400


async def test_an_unknown_engine_lists_the_known_ones(console: Console) -> None:
    answer = await console.post("operator", "/v1/releases", {"id": "x", "engine": "ollama"})
    assert answer.status_code == 422
    assert "'transformers', 'vllm' or 'external'" in answer.json()["detail"]


async def test_paths_are_hidden_from_those_who_cannot_register(console: Console) -> None:
    with console.store.write() as tx:
        engine = tx.releases.engine("v1")
        assert engine
        tx.releases.save_engine(
            engine.model_copy(update={"reason": f"no weights in '{MODEL_PATH}' ({ENGINE} says 404)"})
        )
    seen = await console.get("operator", "/v1/releases/v1")
    assert MODEL_PATH in seen.text
    assert ENGINE in seen.text
    for path in ("/v1/releases/v1", "/v1/releases", "/v1/deployments/task-api", "/", "/deployments/task-api"):
        shown = (await console.get("approver", path)).text
        assert "/srv/" not in shown, path
        assert ENGINE not in shown, path
    hidden = (await console.get("viewer", "/v1/releases/v1")).json()
    assert hidden["engine"]["reason"] == "no weights in '[path]' ([address] says 404)"


async def test_a_quarantine_is_lifted_with_a_reason(console: Console) -> None:
    path = "/v1/releases/v4/lift-quarantine"
    assert (await console.get("viewer", "/v1/releases/v4")).json()["quarantine"]
    assert (await console.post("approver", path, {"reason": "  "})).status_code == 422
    lifted = await console.post("approver", path, {"reason": "it was the tenant's prompt"})
    assert lifted.json()["quarantine"] is None
    assert (await console.post("approver", path, {"reason": "again"})).status_code == 404
    assert console.audited("lift_quarantine") == ["v4"]


async def test_the_page_waives_a_suite_for_approvers(console: Console) -> None:
    path = "/releases/v2"
    assert "Waive tools</button>" not in (await console.get("operator", path)).text
    csrf = await console.signed_in("approver")
    assert "Waive tools</button>" in (await console.client.get(path)).text
    fields = {"csrf_token": csrf, "key": "page-0000", "suite": "tools", "reason": '"><script>'}
    assert (await console.client.post(f"{path}/waivers", data=fields | {"csrf_token": ""})).status_code == 403
    blank = await console.client.post(f"{path}/waivers", data=fields | {"reason": ""})
    assert blank.status_code == 400
    assert "needs a reason" in blank.text
    for _ in range(2):
        done = await console.client.post(f"{path}/waivers", data=fields)
        assert (done.status_code, done.headers["location"]) == (303, path)
    assert console.audited("waive_suite") == ["v2"]
    late = await console.client.post(f"{path}/waivers", data=fields | {"key": "page-0001"})
    assert late.status_code == 409
    assert "<script" not in late.text


async def test_a_passport_is_shown(console: Console) -> None:
    with console.store.write() as tx:
        tx.releases.save(tx.releases.get("v1").model_copy(update={"passport": PASSPORT}))
    page = (await console.get("viewer", "/releases/v1")).text
    for text in (PASSPORT.merged_digest, "1.5e-06", "over 8 prompts", "learning rate", "peft 0.17"):
        assert text in page, text


async def test_a_releases_passport_is_found_by_the_name_that_an_answer_carries(console: Console) -> None:
    """An answer's header x-aftertune-release is the release's id."""
    with console.store.write() as tx:
        tx.releases.save(tx.releases.get("v1").model_copy(update={"passport": PASSPORT}))
        engine = tx.releases.engine("v1")
        assert engine
        digest = PASSPORT.merged_digest
        tx.releases.save_engine(engine.model_copy(update={"weights_digest": digest}))
    view = (await console.get("viewer", "/v1/releases/v1")).json()
    assert view["release"]["passport"] == PASSPORT.model_dump(mode="json")
    assert view["engine"]["weights_digest"] == PASSPORT.merged_digest
    assert view["uses"] == [{"deployment": "task-api", "part": "stable"}]
    assert [use["part"] for use in (await console.get("viewer", "/v1/releases/v2")).json()["uses"]] == [
        "candidate"
    ]
