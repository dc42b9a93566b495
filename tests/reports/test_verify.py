"""Any change of a bundle is found, and named."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aftertune.audit import AuditEntry, chain
from aftertune.errors import BadInput
from aftertune.values.report import Manifest
from reports.bundle import AUDIT, CONTENT, HTML, MANIFEST, PDF, REPORT, SIGNATURE, audit_lines, file_of
from reports.signing import fingerprint, sign
from reports.verify import Check, verify

Files = Mapping[str, bytes]


def bad(checks: list[Check]) -> list[str]:
    return [check.what for check in checks if not check.ok]


def write(folder: Path, name: str, content: bytes) -> list[str]:
    (folder / name).write_bytes(content)
    return bad(verify(folder))


def flipped(content: bytes, at: int, bit: int) -> bytes:
    return content[:at] + bytes([content[at] ^ (1 << bit)]) + content[at + 1 :]


def test_what_was_signed_verifies(folder: Path, key: Ed25519PrivateKey) -> None:
    signer = fingerprint(key.public_key().public_bytes_raw())
    checks = verify(folder, ":".join(signer[at : at + 2].upper() for at in range(0, 64, 2)))
    assert bad(checks) == []
    assert {check.what for check in checks} == {MANIFEST, "key", *CONTENT, "audit chain", "report"}


def test_an_archive_of_the_bundle_verifies_too(files: Files, tmp_path: Path) -> None:
    archive = tmp_path / "bundle.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for name, content in files.items():
            opened.writestr(f"aftertune-2026-W03-r1/{name}", content)
    assert bad(verify(archive)) == []
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("aftertune-2026-W03-r1/more.txt", b"")
    assert bad(verify(archive)) == ["more.txt"]


@pytest.mark.parametrize("name", [MANIFEST, SIGNATURE])
def test_each_flipped_byte_of_the_signed_part_is_found(name: str, files: Files, folder: Path) -> None:
    whole = files[name]
    missed = [
        at
        for at in range(len(whole))
        if not {MANIFEST, SIGNATURE} & set(write(folder, name, flipped(whole, at, at % 8)))
    ]
    assert missed == []


@pytest.mark.parametrize("name", CONTENT)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_names_its_file(name: str, files: Files, folder: Path, where: float, bit: int) -> None:
    whole = files[name]
    assert name in write(folder, name, flipped(whole, int(where * len(whole)), bit))


@pytest.mark.parametrize("name", CONTENT)
def test_a_file_that_is_cut_or_gone_is_named(name: str, files: Files, folder: Path) -> None:
    assert name in write(folder, name, files[name][:-1])
    assert name in write(folder, name, b"")
    (folder / name).unlink()
    assert name in bad(verify(folder))


def test_what_does_not_belong_is_named(folder: Path) -> None:
    (folder / "notes.txt").write_text("read me")
    (folder / "more").mkdir()
    (folder / "link").symlink_to(folder / REPORT)
    assert bad(verify(folder)) == ["link (no plain file)", "more (no plain file)", "notes.txt"]


def test_a_link_is_no_file_of_the_bundle(folder: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (folder / HTML).rename(elsewhere)
    (folder / HTML).symlink_to(elsewhere)
    assert HTML in bad(verify(folder))


def test_another_key_signs_as_another(files: Files, folder: Path, key: Ed25519PrivateKey) -> None:
    named = fingerprint(key.public_key().public_bytes_raw())
    (folder / SIGNATURE).write_bytes(sign(Ed25519PrivateKey.generate(), files[MANIFEST]))
    assert bad(verify(folder, named)) == ["key"]


def test_a_signature_of_another_manifest_is_none(files: Files, folder: Path, key: Ed25519PrivateKey) -> None:
    assert SIGNATURE in write(folder, SIGNATURE, sign(key, files[MANIFEST] + b" "))


def test_a_signature_written_in_another_form_is_found(files: Files, folder: Path) -> None:
    assert SIGNATURE in write(folder, SIGNATURE, json.dumps(json.loads(files[SIGNATURE]), indent=1).encode())


def resigned(files: Files, key: Ed25519PrivateKey, **contents: bytes) -> dict[str, bytes]:
    """What somebody with the key could make: every digest is right, the signature is real."""
    changed = {**files, **{name.replace("_", "."): content for name, content in contents.items()}}
    manifest = Manifest.model_validate_json(files[MANIFEST])
    listed = tuple(file_of(file.name, changed[file.name]) for file in manifest.files)
    signed = rfc8785.dumps(manifest.model_copy(update={"files": listed}).model_dump(mode="json"))
    return {**changed, MANIFEST: signed, SIGNATURE: sign(key, signed)}


def entries(files: Files) -> list[AuditEntry]:
    return [AuditEntry.model_validate_json(line) for line in files[AUDIT].splitlines()]


def verified(files: Files, tmp_path: Path) -> list[Check]:
    made = tmp_path / "made"
    made.mkdir()
    for name, content in files.items():
        (made / name).write_bytes(content)
    return [check for check in verify(made) if not check.ok]


def test_an_edited_audit_entry_is_found_though_all_is_signed_anew(
    files: Files, key: Ed25519PrivateKey, tmp_path: Path
) -> None:
    told = entries(files)
    told[3] = told[3].model_copy(update={"actor": "nobody"})
    found = verified(resigned(files, key, audit_jsonl=audit_lines(told)), tmp_path)
    assert found == [Check("audit chain", False, "entry 4 was changed after it was written")]


def test_a_cut_tail_of_the_chain_is_found(files: Files, key: Ed25519PrivateKey, tmp_path: Path) -> None:
    found = verified(resigned(files, key, audit_jsonl=audit_lines(entries(files)[:-1])), tmp_path)
    assert [check.what for check in found] == ["audit chain"]


def test_a_chain_that_was_written_anew_has_another_head(
    files: Files, key: Ed25519PrivateKey, tmp_path: Path
) -> None:
    anew: list[AuditEntry] = []
    for entry in entries(files):
        head = anew[-1].hash if anew else "0" * 64
        actor = "nobody" if entry.seq == 2 else entry.actor
        body = json.loads(entry.body)
        anew.append(chain(head, entry.seq, entry.at, actor, entry.action, entry.subject, body))
    found = verified(resigned(files, key, audit_jsonl=audit_lines(anew)), tmp_path)
    assert [check.what for check in found] == ["audit chain"]
    assert "the manifest says" in found[0].detail


@pytest.mark.parametrize(
    ("field", "value"),
    [("week", "2026-W04"), ("watermark", "2026-02-01T00:00:00Z"), ("preliminary", True), ("report", "rp-9")],
)
def test_a_report_of_another_week_or_watermark_is_found(
    field: str, value: str | bool, files: Files, key: Ed25519PrivateKey, tmp_path: Path
) -> None:
    other = rfc8785.dumps({**json.loads(files[REPORT]), field: value})
    found = verified(resigned(files, key, report_json=other), tmp_path)
    assert found == [Check("report", False, f"report.json and the manifest differ in {field}")]


@pytest.mark.parametrize("name", [MANIFEST, SIGNATURE])
def test_what_is_no_bundle_cannot_be_read(name: str, folder: Path) -> None:
    (folder / name).unlink()
    with pytest.raises(BadInput, match=f"is no report's bundle: it has no {name}"):
        verify(folder)


def test_nothing_at_the_path_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        verify(tmp_path / "nowhere")
    (tmp_path / "text.zip").write_text("no archive")
    with pytest.raises(BadInput, match="cannot be read"):
        verify(tmp_path / "text.zip")


def test_an_archive_of_two_bundles_is_refused(files: Files, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for folder in ("one", "two"):
            opened.writestr(f"{folder}/{PDF}", files[PDF])
    (tmp_path / "two.zip").write_bytes(buffer.getvalue())
    with pytest.raises(BadInput, match="exactly one bundle"):
        verify(tmp_path / "two.zip")


def test_a_damaged_archive_cannot_be_read(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("one/report.html", b"a page " * 1000)
    damaged = bytearray(buffer.getvalue())
    start = damaged.index(b"report.html") + len(b"report.html")
    damaged[start : start + 8] = bytes(byte ^ 0xFF for byte in damaged[start : start + 8])
    (tmp_path / "damaged.zip").write_bytes(damaged)
    with pytest.raises(BadInput, match="cannot be read"):
        verify(tmp_path / "damaged.zip")
