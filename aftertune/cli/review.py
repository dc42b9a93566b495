"""`aftertune review`"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
import yaml
from pydantic import BaseModel

from aftertune.cli import show
from aftertune.cli.client import client_from_environment
from aftertune.errors import BadInput
from aftertune.reviews.labels import Label
from aftertune.settings import load
from aftertune.values.evaluation import SampleResult
from aftertune.values.review import Scale
from aftertune.visible import visible

app = typer.Typer(no_args_is_help=True, help="Human review: campaigns, agreement, export.")

OwnForm = Annotated[
    Path | None, typer.Option("--form-file", help="a form of your own (YAML)", exists=True, dir_okay=False)
]


@app.command("list")
def list_campaigns() -> None:
    """Campaigns, newest first."""
    rows = client_from_environment(load().console_url).get("/v1/reviews")
    show.table(
        ("campaign", "state", "form", "rated", "disagreements", "flagged", "opened by", "title"),
        (
            (
                row["id"],
                row["state"],
                row["form"]["name"],
                f"{row['progress']['rated']}/{row['items']}",
                row["progress"]["disagreements"],
                row["progress"]["flagged"],
                row["opened_by"],
                visible(row["title"]),
            )
            for row in rows
        ),
    )


@app.command("open")
def open_campaign(
    title: str,
    run: Annotated[str | None, typer.Option(help="an evaluation run, or RUN:RELEASE")] = None,
    against: Annotated[str | None, typer.Option(help="compared with, blind: RUN, or RUN:RELEASE")] = None,
    rollout: Annotated[str | None, typer.Option(help="its live pairs, blind")] = None,
    form: Annotated[str | None, typer.Option(help="one that comes with Aftertune")] = None,
    form_file: OwnForm = None,
    items: Annotated[int, typer.Option(min=1, max=2000)] = 50,
    random_share: Annotated[float, typer.Option(min=0.05, max=1, help="of the items, drawn by lot")] = 0.3,
) -> None:
    """Draw items and let reviewers rate them. Prints the campaign's id."""
    if against is not None and run is None:
        raise BadInput("--against needs --run.", "Name the run that is compared with it.")
    if form is not None and form_file is not None:
        raise BadInput("A campaign has one form.", "Give --form or --form-file.")
    usual = "comparison" if rollout or against else "quality"
    body = {
        "title": title,
        "form": _form_in(form_file) if form_file else form or usual,
        "sides": [_side(name) for name in (against, run) if name is not None],
        "rollout": rollout,
        "items": items,
        "random_share": random_share,
    }
    opened = client_from_environment(load().console_url).post("/v1/reviews", body)
    typer.echo(f"{opened['id']}: {opened['items']} of {opened['frame']}, {opened['left_out']} left out")


@app.command("close")
def close_campaign(campaign: str) -> None:
    """End a campaign for good and show whose answers they were."""
    closed = client_from_environment(load().console_url).post(f"/v1/reviews/{campaign}/close")
    typer.echo(f"{campaign}: closed with {closed['progress']['rated']} of {closed['items']} rated")


@app.command()
def agreement(campaign: str) -> None:
    """How far reviewers agree, and what they found."""
    found = client_from_environment(load().console_url).get(f"/v1/reviews/{campaign}/results")
    show.table(
        ("criterion", "statistic", "raters", "n", "estimate", "low", "high"),
        (
            (row["criterion"], row["statistic"], ", ".join(row["raters"]) or "all", row["n"], *_figures(row))
            for row in found["agreements"]
        ),
    )
    show.table(
        ("criterion", "release", "n", "unsettled", "of", "estimate", "low", "high"),
        (
            (row["criterion"], row["release"], row["n"], row["unsettled"], row["frame"], *_figures(row))
            for row in found["findings"]
        ),
    )
    if found["left_decided"]:
        typer.echo(
            f"The answer on the left was preferred {found['left_preferred']} of {found['left_decided']} times."
        )


@app.command()
def export(
    campaign: str,
    out: Annotated[Path, typer.Argument(help="a file")],
    file: Annotated[Literal["jsonl", "csv"], typer.Option("--format")] = "jsonl",
) -> None:
    """Every rating of a closed campaign, with question and answers."""
    exported = client_from_environment(load().console_url).get_bytes(
        f"/v1/reviews/{campaign}/export?file={file}"
    )
    out.write_bytes(exported)
    typer.echo(f"{out}: {len(exported)} bytes")


@app.command()
def calibrate(
    campaign: str,
    file: Annotated[Path, typer.Argument(help="calibration.jsonl of the suite; lines are added")],
) -> None:
    """Put people's labels beside what judges said of the same answers: the suite says how far they agree."""
    client = client_from_environment(load().console_url)
    view = client.get(f"/v1/reviews/{campaign}")
    labels = [Label(**row) for row in client.get(f"/v1/reviews/{campaign}/labels")]
    scales = {criterion["name"]: Scale(criterion["scale"]) for criterion in view["form"]["criteria"]}
    results = [
        SampleResult.model_validate(row)
        for run in sorted({side["run"] for side in view["source"]["sides"] if side["run"]})
        for row in client.get(f"/v1/evaluations/{run}/samples")
    ]
    lines = [line.model_dump_json() for line in _calibration_lines(labels, scales, results)]
    with file.open("a", encoding="utf-8") as out:
        out.writelines(f"{line}\n" for line in lines)
    typer.echo(f"{file}: {len(lines)} labels of {len(labels)} stand beside a judge's word")


def _calibration_lines(
    labels: list[Label], scales: dict[str, Scale], results: list[SampleResult]
) -> Iterator[BaseModel]:
    from evals.judging.calibration import calibration_lines  # noqa: PLC0415  (a room: loaded where it is used)

    return calibration_lines(labels, scales, results)


def _side(name: str) -> dict[str, str | None]:
    run, _, release = name.partition(":")
    return {"run": run, "release": release or None}


def _form_in(file: Path) -> Any:
    """The console checks what it says. Raises BadInput."""
    try:
        form = yaml.safe_load(file.read_text(encoding="utf-8"))
        json.dumps(form, allow_nan=False)  # YAML has dates, and more that JSON cannot carry
    except (OSError, ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
        raise BadInput(
            f"The form {file} cannot be read: {error}.", "Write it as docs/reviews.md shows."
        ) from None
    return form


def _figures(row: dict[str, Any]) -> list[str]:
    return ["—" if row[part] is None else f"{row[part]:.3f}" for part in ("estimate", "low", "high")]
