"""Is this bundle what was signed? Offline: no settings, no database, no network."""

import hashlib
import json
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import rfc8785
from pydantic import ValidationError

from aftertune.audit import AuditEntry
from aftertune.audit import verify as verify_chain
from aftertune.errors import BadInput
from aftertune.values.report import Manifest
from reports.bundle import AUDIT, CONTENT, MANIFEST, REPORT, SIGNATURE
from reports.signing import check

LARGEST = 4_000_000_000
"""Bytes of a bundle that are read."""


class Check(NamedTuple):
    what: str
    ok: bool
    detail: str


def verify(path: Path, fingerprint: str | None = None) -> list[Check]:
    """Everything that was checked, in order; any that is not ok means that the bundle is not what was signed.

    `path`: the bundle's folder, or the ZIP archive of it. Raises BadInput when it is no bundle.
    """
    files = _files(path)
    if MANIFEST not in files or SIGNATURE not in files:
        missing = ", ".join(name for name in (MANIFEST, SIGNATURE) if name not in files)
        raise BadInput(f"{path} is no report's bundle: it has no {missing}.", "Download the report again.")
    return list(_checks(files, fingerprint))


def _checks(files: Mapping[str, bytes], fingerprint: str | None) -> Iterator[Check]:
    yield from _signature(files, fingerprint)
    try:
        manifest = Manifest.model_validate_json(files[MANIFEST])
    except ValidationError as error:
        yield Check(MANIFEST, False, f"it is no manifest: {error.errors()[0]['msg']}")
        return
    yield from _contents(files, manifest)
    yield _audit(files.get(AUDIT, b""), manifest)
    yield _report(files.get(REPORT, b""), manifest)


def _signature(files: Mapping[str, bytes], fingerprint: str | None) -> Iterator[Check]:
    try:
        signature = check(files[MANIFEST], files[SIGNATURE])
    except ValidationError:
        yield Check(SIGNATURE, False, "it cannot be read as a signature")
        return
    except ValueError as error:
        yield Check(SIGNATURE, False, f"the signature of {MANIFEST} does not verify: {error}")
        return
    digest = hashlib.sha256(files[MANIFEST]).hexdigest()
    yield Check(
        MANIFEST, True, f"signed (Ed25519) by the key {signature.fingerprint}; its digest is {digest}"
    )
    if fingerprint is None:
        return
    wanted = re.sub(r"[\s:]", "", fingerprint).lower()
    same = wanted == signature.fingerprint
    yield Check("key", same, "is the one you named" if same else f"is not the one you named ({wanted})")


def _contents(files: Mapping[str, bytes], manifest: Manifest) -> Iterator[Check]:
    listed = {file.name: file for file in manifest.files}
    if len(listed) < len(manifest.files) or set(listed) != set(CONTENT):
        yield Check(MANIFEST, False, f"it does not list exactly {', '.join(CONTENT)}")
    for name, file in listed.items():
        content = files.get(name)
        if content is None:
            yield Check(name, False, "is missing")
        elif len(content) != file.size or hashlib.sha256(content).hexdigest() != file.sha256:
            yield Check(name, False, "was changed: its bytes are not those in the manifest")
        else:
            yield Check(name, True, f"{file.size:,} bytes, SHA-256 {file.sha256[:12]}…")
    for name in sorted(set(files) - set(listed) - {MANIFEST, SIGNATURE}):
        yield Check(name, False, "does not belong to the bundle")


def _audit(content: bytes, manifest: Manifest) -> Check:
    try:
        entries = [AuditEntry.model_validate_json(line) for line in content.split(b"\n") if line]
    except ValidationError as error:
        return Check("audit chain", False, f"an entry cannot be read: {error.errors()[0]['msg']}")
    found = verify_chain(entries)
    if not found.ok:
        return Check("audit chain", False, found.reason)
    if (found.entries, found.head) != (manifest.audit_entries, manifest.audit_head):
        told = f"{manifest.audit_entries} entries up to {manifest.audit_head[:12]}…"
        return Check(
            "audit chain",
            False,
            f"{found.entries} entries up to {found.head[:12]}…, the manifest says {told}",
        )
    return Check("audit chain", True, f"{found.entries} entries recomputed, head {found.head}")


SHARED = ("report", "week", "revision", "preliminary", "watermark", "audit_entries", "audit_head")
"""What report.json and the manifest both say."""


def _report(content: bytes, manifest: Manifest) -> Check:
    told = manifest.model_dump(mode="json")
    try:
        found: Any = json.loads(content)
        canonical = rfc8785.dumps(found) == content
    except ValueError:
        return Check("report", False, f"{REPORT} cannot be read")
    if not isinstance(found, dict) or not canonical:
        return Check("report", False, f"{REPORT} is not in canonical form")
    wrong = [name for name in SHARED if found.get(name) != told[name]]
    if wrong:
        return Check("report", False, f"{REPORT} and the manifest differ in {', '.join(wrong)}")
    kind = "preliminary " if manifest.preliminary else ""
    return Check(
        "report", True, f"{kind}{manifest.week} revision {manifest.revision}, watermark {told['watermark']}"
    )


def _files(path: Path) -> dict[str, bytes]:
    """By name. What is neither a plain file nor readable stops everything."""
    try:
        if path.is_dir():
            return dict(_of_folder(path))
        return dict(_of_archive(path))
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:
        raise BadInput(
            f"{path} cannot be read: {error}.", "Name the bundle's folder or its ZIP archive."
        ) from None


def _of_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    entries = sorted(folder.iterdir())
    if sum(entry.lstat().st_size for entry in entries) > LARGEST:
        raise BadInput(f"{folder} is too large to be a report's bundle.")
    for entry in entries:
        plain = stat.S_ISREG(entry.lstat().st_mode)
        # A link or a folder belongs to no bundle: it is reported by its name.
        yield (entry.name, entry.read_bytes()) if plain else (f"{entry.name} (no plain file)", b"")


def _of_archive(archive: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(archive) as opened:
        entries = [entry for entry in opened.infolist() if not entry.is_dir()]
        if sum(entry.file_size for entry in entries) > LARGEST:
            raise BadInput(f"{archive} is too large to be a report's bundle.")
        folders = {PurePosixPath(entry.filename).parent for entry in entries}
        names = [PurePosixPath(entry.filename).name for entry in entries]
        if len(folders) != 1 or len(set(names)) < len(names):
            raise BadInput(f"{archive} does not hold exactly one bundle.", "Name the archive of one report.")
        for entry, name in zip(entries, names, strict=True):
            yield name, opened.read(entry)
