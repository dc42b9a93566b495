"""The people of the story, each with a credential of their own."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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


@contextmanager
def welcomed(console_url: str, admin_token: str) -> Iterator[People]:
    """The admin makes an operator, two approvers, a reviewer and the application; their clients close at the end."""
    with ExitStack() as clients:

        def client(token: str) -> ConsoleClient:
            console = ConsoleClient(console_url, token)
            clients.callback(console.close)
            return console

        admin = client(admin_token)

        def add(name: str, role: Role) -> str:
            return str(admin.post("/v1/users", {"name": name, "roles": [role]})["token"])

        operator_token = add("olga", Role.OPERATOR)
        yield People(
            operator=client(operator_token),
            approvers=(client(add("anna", Role.APPROVER)), client(add("ben", Role.APPROVER))),
            reviewer_token=add("rita", Role.REVIEWER),
            operator_token=operator_token,
            application_key=add("task-app", Role.INGEST),
        )
