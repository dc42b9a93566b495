"""Where a release's bytes may come from: folders below the configured roots, or somebody else's engine."""

import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from aftertune.errors import BadInput


def folder_below(roots: Sequence[Path], kind: str, given: str) -> Path:
    """The folder's real path. Raises BadInput unless it and everything in it lie below a root, links followed."""
    real_roots = [root.resolve() for root in roots]
    try:
        folder = Path(given).resolve()
        outside = not _below(real_roots, folder)
    except (OSError, ValueError, RuntimeError):
        outside = True
    if outside:
        raise BadInput(
            f"The {kind} {given!r} is not below a release root.",
            "Put it below one of AFTERTUNE_ENGINES__RELEASE_ROOTS, or add its folder there.",
        )
    if not folder.is_dir():
        raise BadInput(
            f"The {kind} {given!r} is not a folder.", "Give the folder that holds its config.json."
        )
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if not _below(real_roots, (Path(parent) / name).resolve()):
                raise BadInput(
                    f"The {kind} {given!r} holds {name!r}, a link that leads out of the release roots.",
                    "Copy the file into the folder.",
                )
    return folder


def external_url(given: str) -> str:
    """The URL without a trailing slash. Raises BadInput unless it is plain http(s)://host[:port]."""
    remedy = "Give http://host:port or https://host:port of the engine, without /v1."
    try:
        parts = urlsplit(given)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise BadInput(f"{given!r} is not a URL.", remedy) from None
    plain = not (parts.username or parts.password or parts.query or parts.fragment) and parts.path in (
        "",
        "/",
    )
    if parts.scheme not in ("http", "https") or not host or not plain:
        raise BadInput(f"{given!r} is not the address of an engine.", remedy)
    if _link_local(host):
        raise BadInput(f"{host} is a link-local address; no engine may live there.", remedy)
    return f"{parts.scheme}://{parts.netloc}"


def _below(roots: Sequence[Path], path: Path) -> bool:
    return any(path.is_relative_to(root) for root in roots)


def _link_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_link_local
    except ValueError:
        return False
