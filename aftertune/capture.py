"""What a capture policy lets a router write down."""

from aftertune.values.exchange import CapturePolicy

_PAYLOAD = frozenset({CapturePolicy.REDACTED, CapturePolicy.FULL})


def keeps_payload(policy: CapturePolicy) -> bool:
    """Whether request and answer go to the spool, raw: what is `redacted` is so when it is ingested."""
    return policy in _PAYLOAD


def keeps_identity(policy: CapturePolicy) -> bool:
    """Whether conversation, end user and tenant stand in the exchange; else they are empty."""
    return policy is not CapturePolicy.NONE
