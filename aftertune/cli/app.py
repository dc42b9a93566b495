"""The tree of commands."""

import typer

from aftertune.cli import deployment, doctor, release, rollback, rollout, up, user

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Keeps fine-tuned language models honest after they are deployed.",
)
app.command("up")(up.up)
app.command("doctor")(doctor.doctor)
app.command("rollback")(rollback.rollback)
app.add_typer(release.app, name="release")
app.add_typer(deployment.app, name="deployment")
app.add_typer(rollout.app, name="rollout")
app.add_typer(user.app, name="user")
