"""The people of the story, each with a credential of their own."""

from dataclasses import dataclass

from aftertune.cli.client import ConsoleClient
from aftertune.identity import Role


@dataclass(frozen=True)
class People:
    """Console clients of the people who act, and the application's key."""

    operator: ConsoleClient
    approvers: tuple[ConsoleClient, ConsoleClient]
    reviewer_token: str
    operator_token: str
    application_key: str


def welcome(console_url: str, admin_token: str) -> People:
    """The admin makes an operator, two approvers, a reviewer and the application."""
    admin = ConsoleClient(console_url, admin_token)

    def add(name: str, role: Role) -> str:
        return str(admin.post("/v1/users", {"name": name, "roles": [role]})["token"])

    operator_token = add("olga", Role.OPERATOR)
    return People(
        operator=ConsoleClient(console_url, operator_token),
        approvers=(
            ConsoleClient(console_url, add("anna", Role.APPROVER)),
            ConsoleClient(console_url, add("ben", Role.APPROVER)),
        ),
        reviewer_token=add("rita", Role.REVIEWER),
        operator_token=operator_token,
        application_key=add("task-app", Role.INGEST),
    )
