"""The people of the story, each with a credential of their own."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from aftertune.cli.client import ConsoleClient
from aftertune.identity import Role


@dataclass(frozen=True)
class People:
    """Console clients of the people who act, and the application's key.

    `environment` holds the settings that their command lines need: home folder and ports.
    """

    operator: ConsoleClient
    approvers: tuple[ConsoleClient, ConsoleClient]
    reviewer: ConsoleClient
    reviewer_token: str
    operator_token: str
    application_key: str
    environment: dict[str, str]


@contextmanager
def welcomed(
    console_url: str, admin_token: str, environment: dict[str, str] | None = None
) -> Iterator[People]:
    """The admin makes an operator, two approvers, a reviewer and the application; their clients close at the end."""
    with ExitStack() as clients:

        def client(token: str) -> ConsoleClient:
            console = ConsoleClient(console_url, token)
            clients.callback(console.close)
            return console

        admin = client(admin_token)

        def add(name: str, role: Role) -> str:
            return str(admin.post("/v1/users", {"name": name, "roles": [role]})["token"])

        operator_token, reviewer_token = add("olga", Role.OPERATOR), add("rita", Role.REVIEWER)
        yield People(
            operator=client(operator_token),
            approvers=(client(add("anna", Role.APPROVER)), client(add("ben", Role.APPROVER))),
            reviewer=client(reviewer_token),
            reviewer_token=reviewer_token,
            operator_token=operator_token,
            application_key=add("task-app", Role.INGEST),
            environment=environment or {},
        )
