"""The tree of commands."""

import typer

from aftertune.cli import (
    dashboards,
    deployment,
    doctor,
    evals,
    feedback,
    ingest,
    key,
    pin,
    release,
    replay,
    report,
    review,
    rollback,
    rollout,
    spool,
    train,
    training,
    up,
    user,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Keeps fine-tuned language models honest after they are deployed.",
)
app.command("up")(up.up)
app.command("prepare")(up.prepare_home)
app.command("doctor")(doctor.doctor)
app.command("rollback")(rollback.rollback)
app.command("ingest")(ingest.ingest)
app.command("replay")(replay.replay)
app.command("pin")(pin.pin)
app.command("unpin")(pin.unpin)
app.command("train")(train.train)
app.add_typer(release.app, name="release")
app.add_typer(deployment.app, name="deployment")
app.add_typer(rollout.app, name="rollout")
app.add_typer(evals.app, name="evals")
app.add_typer(review.app, name="review")
app.add_typer(feedback.app, name="feedback")
app.add_typer(training.app, name="training")
app.add_typer(user.app, name="user")
app.add_typer(key.app, name="key")
app.add_typer(spool.app, name="spool")
app.add_typer(dashboards.app, name="dashboards")
app.add_typer(report.app, name="report")
