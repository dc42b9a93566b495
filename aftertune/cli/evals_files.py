"""`aftertune evals compare|rescore|export|flaky|import`: runs and suites as files."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aftertune.cli import show
from aftertune.cli.client import client_from_environment
from aftertune.settings import Settings, load
from aftertune.values.evaluation import EvaluationRun, SampleResult
from aftertune.visible import visible

if TYPE_CHECKING:
    from evals.archive.compare import Compared, Comparison
    from evals.archive.run_file import RunFile
    from evals.suite.suite import Suite

NAMED_FLIPS = 5
"""Samples that a table names."""

SHOWN_ANSWER = 60
"""Characters of an answer that a table shows."""

Suites = Annotated[
    list[Path] | None,
    typer.Option(help="a folder of suites, beside those that are installed; may be repeated"),
]


class Format(StrEnum):
    JSONL = "jsonl"
    INSPECT = "inspect"


class Layout(StrEnum):
    PUBLIC = "public"
    LM_EVAL = "lm-eval"


def compare(
    first: Annotated[str, typer.Argument(help="a run's id, or its file")],
    second: Annotated[str, typer.Argument(help="the run that it is compared with")],
    suites: Suites = None,
) -> None:
    """First − second on the same samples. Exit code 2 when they did not measure the same thing."""
    from evals.archive.compare import comparable, compared  # noqa: PLC0415
    from evals.archive.rescore import suite_of  # noqa: PLC0415

    settings = load()
    known = _suites(settings, suites)
    ours, theirs = (_run_file(settings, name, known) for name in (first, second))
    comparable(ours, theirs)
    found = compared(ours, theirs, suite_of(ours.run, known))
    typer.echo(f"{found.first} − {found.second}")
    _print_comparison(found)


def rescore(
    file: Annotated[Path, typer.Argument(help="a run's file; a changed one is replaced only by --out")],
    out: Annotated[Path | None, typer.Option(help="where the run as it is scored now is written")] = None,
    suites: Suites = None,
) -> None:
    """Score a stored run again, offline. Exit code 1 when something is another number than before."""
    from evals.archive.rescore import rescored, suite_of  # noqa: PLC0415
    from evals.archive.run_file import document, read_run, write_run  # noqa: PLC0415

    stored = read_run(file)
    again = rescored(stored, suite_of(stored.run, _suites(load(), suites)))
    if out is not None:
        write_run(out, again.file)
    if document(again.file) == document(stored):
        typer.echo(f"{stored.run.id}: unchanged, byte for byte.")
        return
    show.table(("changed", "before → now"), again.changed.items())
    typer.echo(f"{stored.run.id}: {again.file.run.state}: {again.file.run.reason}")
    raise typer.Exit(1)


def export(
    run: Annotated[str, typer.Argument(help="a run's id, or its file")],
    out: Annotated[Path, typer.Option(help="the file to write")],
    layout: Annotated[
        Format, typer.Option("--format", help="jsonl: everything; inspect: one release's log")
    ] = Format.JSONL,
    release: Annotated[str, typer.Option(help="of an inspect log; default: the one under test")] = "",
    suites: Suites = None,
) -> None:
    """Write a run to a file, with every answer. Who reads answers is written into the audit log."""
    from evals.archive import inspect_log  # noqa: PLC0415
    from evals.archive.files import write_whole  # noqa: PLC0415
    from evals.archive.run_file import document  # noqa: PLC0415

    settings = load()
    file = _run_file(settings, run, _suites(settings, suites))
    if layout is Format.JSONL:
        write_whole(out, document(file))
    else:
        write_whole(out, inspect_log.document(inspect_log.inspect_log(file, release)))
    typer.echo(f"{out}: {file.run.id}, {len(file.results)} results.")


def flaky(
    run: Annotated[str, typer.Argument(help="a run's id, or its file")],
    release: Annotated[str, typer.Option(help="whose answers; default: the one under test")] = "",
) -> None:
    """The samples that did not get the same answer each time, the most unsteady first."""
    from evals.scorers.consistency import flaky as listed  # noqa: PLC0415

    settings = load()
    file = _run_file(settings, run, _suites(settings, None))
    found = listed.flaky(file.results, release or file.run.release)
    show.table(
        ("sample", "runs", "most alike", "answers"),
        (
            (
                each.sample,
                each.runs,
                f"{each.modal_share:.2f}",
                " | ".join(_times(*one) for one in each.answers),
            )
            for each in found
        ),
    )
    typer.echo(f"{file.run.id}: {len(found)} samples with two or more different answers.")


def _times(answer: str, count: int) -> str:
    said = visible(" ".join(answer.split()))
    return f"{count}× {said if len(said) <= SHOWN_ANSWER else said[:SHOWN_ANSWER] + '…'}"


def import_samples(
    sources: Annotated[list[Path], typer.Argument(help="JSONL files")],
    out: Annotated[Path, typer.Option(help="the suite's folder; its name is the suite's")],
    licence: Annotated[str, typer.Option(help="under which the samples may be used")],
    layout: Annotated[
        Layout, typer.Option("--from", help="public: our own layout; lm-eval: a log of lm-evaluation-harness")
    ] = Layout.PUBLIC,
    cluster: Annotated[
        str, typer.Option(help="field whose equal values belong together, such as meta.subject")
    ] = "",
) -> None:
    """Make a suite's folder of samples from elsewhere."""
    from evals.archive.importing import import_suite  # noqa: PLC0415

    count = import_suite(layout, sources, out, licence, cluster)
    typer.echo(f"{out}: {count} samples. Look at its card.yaml.")


def _suites(settings: Settings, folders: list[Path] | None) -> "Mapping[str, Suite]":
    from evals.suite.suite import SUITES, load_suites  # noqa: PLC0415

    # A folder that is named by hand comes last: it may hold a suite as it was.
    installed = dict(load_suites(SUITES, *settings.evals.suites))
    for folder in folders or ():
        installed |= load_suites(folder)
    return installed


def _run_file(settings: Settings, name: str, suites: "Mapping[str, Suite]") -> "RunFile":
    """From the file, or from the console; a run of the console has its samples where the suite has not changed since."""
    from evals.archive.rescore import different  # noqa: PLC0415
    from evals.archive.run_file import read_run, run_file  # noqa: PLC0415

    if Path(name).is_file():
        return read_run(Path(name))
    client = client_from_environment(settings.console_url)
    run = EvaluationRun.model_validate(client.get(f"/v1/evaluations/{name}"))
    results = [SampleResult.model_validate(row) for row in client.get(f"/v1/evaluations/{name}/samples")]
    suite = suites.get(run.suite)
    same = suite is not None and run.signature is not None and not different(run.signature, suite)
    return run_file(run, suite.samples if suite is not None and same else (), results)


def _print_comparison(found: "Comparison") -> None:
    show.table(
        (
            "metric",
            "n",
            "difference",
            "low",
            "high",
            "smallest detectable",
            "p",
            "p, Holm",
            "worse",
            "better",
        ),
        (_row(row) for row in found.rows),
    )
    for row in found.rows:
        if row.difference.flipped_down:
            named = ", ".join(row.difference.flipped_down[:NAMED_FLIPS])
            more = len(row.difference.flipped_down) - NAMED_FLIPS
            typer.echo(f"worse in {row.difference.metric}: {named}{f' and {more} more' if more > 0 else ''}")
    if found.ways:
        typer.echo(f"The runs differ in {', '.join(found.ways)}: a difference may come from there.")


def _row(row: "Compared") -> tuple[object, ...]:
    each = row.difference
    figures = (each.estimate, each.low, each.high, each.smallest_detectable, row.p, row.adjusted)
    return (
        each.metric,
        each.n,
        *("" if value is None else f"{value:.4f}" for value in figures),
        len(each.flipped_down),
        len(each.flipped_up),
    )
