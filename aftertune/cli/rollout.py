"""`aftertune rollout`"""

from pathlib import Path
from typing import Annotated

import typer
import yaml

from aftertune.cli import show
from aftertune.cli.client import client_from_environment
from aftertune.errors import BadInput
from aftertune.settings import load
from aftertune.values.plan import COMPARISON

app = typer.Typer(no_args_is_help=True, help="Take a candidate through shadow and canary.")


@app.command()
def start(plan: Annotated[Path, typer.Argument(help="the plan, as YAML")]) -> None:
    """Start the plan's candidate as a shadow. Two approvers must approve the plan before users see it."""
    try:
        body = yaml.safe_load(plan.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise BadInput(f"The plan {plan} cannot be read: {error}.") from None
    if not isinstance(body, dict):
        raise BadInput(f"The plan {plan} is not a mapping.")
    show.document(client_from_environment(load().console_url).post("/v1/rollouts", body))


@app.command("list")
def list_rollouts(deployment: str) -> None:
    """The deployment's rollouts, newest first."""
    rows = client_from_environment(load().console_url).get("/v1/rollouts", deployment=deployment)
    columns = ("id", "candidate", "baseline", "state", "stage", "requester", "reason")
    show.table(columns, ([row.get(column) for column in columns] for row in rows))


@app.command("show")
def show_rollout(rollout: str) -> None:
    """One rollout with its plan, approvals and verdicts, as JSON."""
    show.document(client_from_environment(load().console_url).get(f"/v1/rollouts/{rollout}"))


@app.command()
def approve(
    rollout: str, plan: Annotated[str, typer.Option(help="digest of the plan that you read and approve")]
) -> None:
    """Approve exactly this plan."""
    client_from_environment(load().console_url).post(f"/v1/rollouts/{rollout}/approvals", {"plan": plan})


@app.command()
def override(
    rollout: str,
    reason: Annotated[str, typer.Option(help="why the check is waived; it is recorded with your name")],
    check: Annotated[str, typer.Option()] = COMPARISON,
) -> None:
    """Waive one named check. Guardrails cannot be waived."""
    client_from_environment(load().console_url).post(
        f"/v1/rollouts/{rollout}/overrides", {"check": check, "reason": reason}
    )


@app.command()
def abort(rollout: str, reason: Annotated[str, typer.Option()]) -> None:
    """Take the candidate out; users go on with stable."""
    client_from_environment(load().console_url).post(f"/v1/rollouts/{rollout}/abort", {"reason": reason})
