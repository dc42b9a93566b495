"""What the audit log says about a failure: every reader of the log sees it, so it names no path and no URL."""

import hashlib


def audit_cause(cause: str, reason: str) -> dict[str, str]:
    """`cause` is one of our own phrases; the digest (SHA-256) ties the entry to the full reason in the row."""
    return {"cause": cause, "reason_digest": hashlib.sha256(reason.encode()).hexdigest()}
