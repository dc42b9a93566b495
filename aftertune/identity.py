"""Who may do what. People hold roles, roles grant permissions, every route names one permission.

The acting person always comes from the credential that was presented, never from a request's body.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from aftertune.errors import Forbidden, Unauthenticated


class Role(StrEnum):
    VIEWER = "viewer"
    REVIEWER = "reviewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"
    INGEST = "ingest"


class Permission(StrEnum):
    READ = "read"
    READ_PAYLOAD = "read_payload"
    CHAT = "chat"
    REGISTER_RELEASE = "register_release"
    RUN_ROLLOUT = "run_rollout"
    SET_CAPTURE = "set_capture"
    ROLL_BACK = "roll_back"
    APPROVE_PLAN = "approve_plan"
    OVERRIDE_CHECK = "override_check"
    LIFT_QUARANTINE = "lift_quarantine"
    WAIVE_SUITE = "waive_suite"
    RUN_EVALUATION = "run_evaluation"
    BUILD_REPORT = "build_report"
    SIGN_REPORT = "sign_report"
    RUN_REVIEW = "run_review"
    RATE = "rate"
    MANAGE_USERS = "manage_users"
    CONTROL = "control"


GRANTS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.VIEWER: frozenset({Permission.READ}),
        Role.REVIEWER: frozenset(
            {
                Permission.READ,
                Permission.READ_PAYLOAD,
                Permission.RATE,
                Permission.BUILD_REPORT,
                Permission.SIGN_REPORT,
            }
        ),
        Role.OPERATOR: frozenset(
            {
                Permission.READ,
                Permission.READ_PAYLOAD,
                Permission.CHAT,
                Permission.REGISTER_RELEASE,
                Permission.RUN_ROLLOUT,
                Permission.RUN_EVALUATION,
                Permission.RUN_REVIEW,
                Permission.BUILD_REPORT,
                Permission.ROLL_BACK,
            }
        ),
        Role.APPROVER: frozenset(
            {
                Permission.READ,
                Permission.READ_PAYLOAD,
                Permission.APPROVE_PLAN,
                Permission.SET_CAPTURE,
                Permission.OVERRIDE_CHECK,
                Permission.LIFT_QUARANTINE,
                Permission.WAIVE_SUITE,
                Permission.ROLL_BACK,
            }
        ),
        Role.ADMIN: frozenset({Permission.READ, Permission.MANAGE_USERS}),
        Role.INGEST: frozenset({Permission.CHAT}),
    }
)
"""CONTROL is granted to no role: only the rooms' own credential holds it."""


@dataclass(frozen=True)
class Principal:
    """Somebody who presented a valid credential."""

    name: str
    roles: frozenset[Role]
    control: bool = False

    def may(self, permission: Permission) -> bool:
        if permission is Permission.CONTROL:
            return self.control
        return any(permission in GRANTS[role] for role in self.roles)

    def require(self, permission: Permission) -> None:
        """Raise Forbidden, naming the roles that would do, unless the permission is held."""
        if not self.may(permission):
            holders = sorted(role for role, granted in GRANTS.items() if permission in granted)
            raise Forbidden(
                f"{self.name} may not {permission.replace('_', ' ')}.",
                f"Ask somebody with the role {' or '.join(holders)}." if holders else "",
            )


CONTROLLER = Principal("controller", frozenset(), control=True)
"""The rooms' own identity: pushes routing tables, renews router leases, sends probes."""


def new_token() -> str:
    """A credential of 256 random bits."""
    return f"at_{secrets.token_urlsafe(32)}"


def token_hash(token: str) -> str:
    """SHA-256 in hexadecimal; enough for a credential of 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()


def same_token(presented: str, expected: str) -> bool:
    """Compare two credentials in constant time."""
    return hmac.compare_digest(presented.encode(), expected.encode())


def bearer_token(authorization: str | None) -> str:
    """The token of an `Authorization: Bearer` header; raises Unauthenticated."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("No credential was presented.", "Send 'Authorization: Bearer <token>'.")
    return token.strip()
