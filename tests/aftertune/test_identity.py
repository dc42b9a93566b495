"""Grants, bearer credentials and the rooms' own token."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftertune.control import create_control_token, read_control_token
from aftertune.errors import BadInput, Forbidden, Unauthenticated
from aftertune.identity import (
    CONTROLLER,
    GRANTS,
    Permission,
    Principal,
    Role,
    bearer_token,
    new_token,
    same_token,
    token_hash,
)

WHO_MAY = {
    Permission.READ: {Role.VIEWER, Role.REVIEWER, Role.OPERATOR, Role.APPROVER, Role.ADMIN},
    Permission.READ_PAYLOAD: {Role.REVIEWER, Role.OPERATOR, Role.APPROVER},
    Permission.CHAT: {Role.OPERATOR, Role.INGEST},
    Permission.REGISTER_RELEASE: {Role.OPERATOR},
    Permission.RUN_ROLLOUT: {Role.OPERATOR},
    Permission.ROLL_BACK: {Role.OPERATOR, Role.APPROVER},
    Permission.SET_CAPTURE: {Role.APPROVER},
    Permission.APPROVE_PLAN: {Role.APPROVER},
    Permission.OVERRIDE_CHECK: {Role.APPROVER},
    Permission.LIFT_QUARANTINE: {Role.APPROVER},
    Permission.WAIVE_SUITE: {Role.APPROVER},
    Permission.RUN_EVALUATION: {Role.OPERATOR},
    Permission.BUILD_REPORT: {Role.OPERATOR, Role.REVIEWER},
    Permission.SIGN_REPORT: {Role.REVIEWER},
    Permission.RUN_REVIEW: {Role.OPERATOR},
    Permission.RATE: {Role.REVIEWER},
    Permission.MANAGE_USERS: {Role.ADMIN},
    Permission.CONTROL: set(),
}


@pytest.mark.parametrize("permission", list(Permission))
@pytest.mark.parametrize("role", list(Role))
def test_each_role_holds_exactly_its_permissions(role: Role, permission: Permission) -> None:
    assert Principal("p", frozenset({role})).may(permission) is (role in WHO_MAY[permission])


def test_every_role_is_granted_something() -> None:
    assert set(GRANTS) == set(Role)


def test_no_one_person_can_both_ask_for_a_rollout_and_approve_it_by_one_role() -> None:
    for granted in GRANTS.values():
        assert not {Permission.RUN_ROLLOUT, Permission.APPROVE_PLAN} <= granted


@given(st.frozensets(st.sampled_from(list(Role))))
def test_roles_add_up_and_never_to_control(roles: frozenset[Role]) -> None:
    person = Principal("p", roles)
    held = {permission for permission in Permission if person.may(permission)}
    assert held == {permission for permission, who in WHO_MAY.items() if who & roles}
    assert Permission.CONTROL not in held


def test_the_controller_holds_control_and_nothing_else() -> None:
    assert {permission for permission in Permission if CONTROLLER.may(permission)} == {Permission.CONTROL}


def test_a_refusal_names_who_could() -> None:
    viewer = Principal("vera", frozenset({Role.VIEWER}))
    with pytest.raises(Forbidden, match=r"vera may not roll back.*approver or operator"):
        viewer.require(Permission.ROLL_BACK)
    with pytest.raises(Forbidden) as raised:
        viewer.require(Permission.CONTROL)
    assert raised.value.remedy == ""
    viewer.require(Permission.READ)


@pytest.mark.parametrize("header", ["Bearer at_x", "bearer at_x", "BEARER   at_x  "])
def test_bearer_credentials_are_read(header: str) -> None:
    assert bearer_token(header) == "at_x"


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic at_x", "at_x", "Bearerat_x", " Bearer x"]
)
def test_anything_else_is_no_credential(header: str | None) -> None:
    with pytest.raises(Unauthenticated, match="No credential"):
        bearer_token(header)


def test_tokens_are_long_and_never_the_same() -> None:
    tokens = {new_token() for _ in range(50)}
    assert len(tokens) == 50
    assert all(re.fullmatch(r"at_[\w-]{43}", token) for token in tokens)


def test_token_hash_is_sha256() -> None:
    assert token_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@given(st.text(), st.text())
def test_only_the_same_token_is_the_same(one: str, other: str) -> None:
    assert same_token(one, one)
    assert same_token(one, other) is (one == other)


def test_control_token_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "home" / "control.token"
    token = create_control_token(file)
    assert token.startswith("at_")
    assert create_control_token(file) == read_control_token(file) == token
    assert file.stat().st_mode & 0o777 == 0o600


def test_control_token_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "control.token"
    create_control_token(file)
    file.chmod(0o640)
    with pytest.raises(BadInput, match=r"readable by others.*chmod 600"):
        read_control_token(file)


def test_missing_control_token_says_who_makes_it(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="aftertune up"):
        read_control_token(tmp_path / "control.token")


def test_control_token_left_empty_by_a_crash_is_made_again(tmp_path: Path) -> None:
    file = tmp_path / "control.token"
    os.close(os.open(file, os.O_CREAT, 0o600))
    with pytest.raises(BadInput, match="empty"):
        read_control_token(file)
    assert create_control_token(file).startswith("at_")
