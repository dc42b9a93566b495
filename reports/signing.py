"""The key that signs manifests, and the signature's file."""

import hashlib
import os
from pathlib import Path

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import Field

from aftertune.errors import Corrupt
from aftertune.values.value import Value


class Signature(Value):
    """`manifest.sig`: who signed the bytes of `manifest.json`. The fingerprint is the public key's SHA-256."""

    algorithm: str = Field(default="Ed25519", pattern="^Ed25519$")
    public_key: str = Field(pattern="^[0-9a-f]{64}$")
    fingerprint: str = Field(pattern="^[0-9a-f]{64}$")
    signature: str = Field(pattern="^[0-9a-f]{128}$")


def signing_key(file: Path) -> Ed25519PrivateKey:
    """Read, or made at first use, readable by its owner alone. Raises Corrupt when the file holds no such key."""
    if not file.exists():
        _make(file)
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except ValueError as error:
        raise Corrupt(f"The key {file.name} in the home folder cannot be read: {error}.", _REMEDY) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise Corrupt(f"The key {file.name} in the home folder is no Ed25519 key.", _REMEDY)
    return key


_REMEDY = "Restore it; a new key has a new fingerprint, which the reviewers must be told."


def sign(key: Ed25519PrivateKey, manifest: bytes) -> bytes:
    """The content of `manifest.sig`: RFC 8785 canonical JSON."""
    public = key.public_key().public_bytes_raw()
    made = Signature(
        public_key=public.hex(), fingerprint=fingerprint(public), signature=key.sign(manifest).hex()
    )
    return rfc8785.dumps(made.model_dump(mode="json"))


def check(manifest: bytes, content: bytes) -> Signature:
    """Raises ValueError unless `content` is a canonical signature of exactly these bytes."""
    found = Signature.model_validate_json(content)
    if rfc8785.dumps(found.model_dump(mode="json")) != content:
        raise ValueError("it was written anew")
    public = bytes.fromhex(found.public_key)
    if fingerprint(public) != found.fingerprint:
        raise ValueError("its fingerprint is another key's")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(bytes.fromhex(found.signature), manifest)
    except InvalidSignature:
        raise ValueError("it is not a signature of this manifest.json") from None
    return found


def fingerprint(public_key: bytes) -> str:
    return hashlib.sha256(public_key).hexdigest()


def _make(file: Path) -> None:
    """Whole or not at all; whoever comes second keeps the first one's key."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as output:
        output.write(pem)
        output.flush()
        os.fsync(output.fileno())
    try:
        os.link(part, file)
    except FileExistsError:
        pass
    finally:
        part.unlink()
