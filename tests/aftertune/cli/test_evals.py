"""What `aftertune evals run --wait` says and how it ends."""

from collections.abc import Iterator, Mapping
from itertools import chain, repeat
from typing import Any

import pytest
from typer.testing import CliRunner

from aftertune.cli import evals
from aftertune.cli.app import app
from aftertune.cli.evals_progress import pace
from aftertune.errors import Unavailable, UnknownName
from aftertune.values.evaluation import (
    Difference,
    EvaluationRun,
    Forecast,
    Progress,
    RunState,
    Score,
    SuiteCard,
    Trigger,
)
from tests.aftertune.samples import AT

SCORE = Score(
    metric="exact", scorer="exact_match 1", n=118, unmeasured=2, estimate=0.9, low=0.83, high=0.94, method="m"
)
UNJUDGED = Score(
    metric="courtesy", scorer="j", n=0, unmeasured=120, estimate=None, low=None, high=None, method="m"
)
LESS = Difference(
    metric="exact",
    baseline="base",
    n=118,
    estimate=-0.02,
    low=-0.07,
    high=0.01,
    smallest_detectable=0.067,
    method="m",
)


CARD = SuiteCard(
    name="forgetting",
    version="1",
    description="Facts.",
    samples=120,
    dataset="da" * 32,
    licence="ours",
    gates=("exact: high", "x: low"),
    baselines=("base",),
    forecast=Forecast(requests=120, prompt_tokens=1000, answer_tokens=7680),
)


class Console:
    """Answers each look with the next view; the last one stays."""

    def __init__(self, *runs: EvaluationRun) -> None:
        self._views: Iterator[EvaluationRun] = chain(runs, repeat(runs[-1]))
        self.queries: list[Mapping[str, str]] = []
        self.ordered: Mapping[str, Any] = {}

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        assert path == "/v1/evaluations"
        self.ordered = body
        return next(self._views).model_dump(mode="json")

    def get(self, path: str, **query: str) -> Any:
        self.queries.append(query)
        view = next(self._views).model_dump(mode="json")
        if path == "/v1/suites":
            return [CARD.model_dump(mode="json")]
        return [view] if path == "/v1/evaluations" else view


def run(state: RunState, **changes: Any) -> EvaluationRun:
    known = {
        "id": "run-1",
        "suite": "forgetting",
        "release": "v2",
        "trigger": Trigger.BY_HAND,
        "state": state,
        "requested_by": "olga",
        "requested_at": AT,
        "samples": 120,
    }
    return EvaluationRun(**(known | changes))


def invoke(monkeypatch: pytest.MonkeyPatch, console: Console, *arguments: str) -> tuple[int, list[str]]:
    monkeypatch.setattr(evals, "client_from_environment", lambda _: console)
    monkeypatch.setattr(evals, "POLL_S", 0.0)
    monkeypatch.setenv("COLUMNS", "120")
    done = CliRunner().invoke(app, ["evals", *arguments])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, [line.rstrip() for line in done.output.splitlines()]


def test_without_wait_it_prints_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(run(RunState.QUEUED))
    assert invoke(monkeypatch, console, "run", "v2", "forgetting") == (0, ["run-1"])
    assert console.ordered == {"release": "v2", "suite": "forgetting"}


@pytest.mark.parametrize(
    ("state", "code"), [(RunState.SUCCESSFUL, 0), (RunState.FAILED, 1), (RunState.ERROR, 2)]
)
def test_wait_ends_with_the_run(monkeypatch: pytest.MonkeyPatch, state: RunState, code: int) -> None:
    ended = run(state, done=120, reason="Because.", scores=(SCORE, UNJUDGED), differences=(LESS,))
    console = Console(run(RunState.QUEUED, samples=0), run(RunState.RUNNING, done=40), ended)
    assert invoke(monkeypatch, console, "run", "v2", "forgetting", "--wait") == (
        code,
        [
            "run-1: running, 40/120",
            f"run-1: {state}, 120/120",
            "metric    n    unmeasured  estimate    low         high",
            "exact     118  2           0.900       0.830       0.940",
            "courtesy  0    120         unmeasured  unmeasured  unmeasured",
            "difference from  n    unmeasured  estimate  low     high   smallest detectable",
            "base: exact      118  0           -0.020    -0.070  0.010  0.067",
            f"{state}: Because.",
        ],
    )


def test_what_was_cached_and_cut_off_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    progress = Progress(asked=120, total=120, from_cache=7, truncated=2)
    console = Console(run(RunState.QUEUED), run(RunState.SUCCESSFUL, progress=progress))
    _, lines = invoke(monkeypatch, console, "run", "v2", "forgetting", "--wait")
    assert "7 samples were answered from the cache; --no-cache asks them anew." in lines
    assert "2 answers were cut off at the most tokens." in lines


@pytest.mark.parametrize(
    ("rate", "left", "said"),
    [(2.5, 61.0, "2.5/s, 1:01 left"), (40.0, 3.4, "40.0/s, 0:03 left"), (None, None, "")],
)
def test_the_pace_of_a_run(rate: float | None, left: float | None, said: str) -> None:
    assert pace(Progress(rate=rate, seconds_left=left).model_dump()) == said


def test_a_dry_run_says_what_it_would_cost_and_orders_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    code, lines = invoke(monkeypatch, Console(run(RunState.QUEUED)), "run", "v2", "forgetting", "--dry-run")
    assert code == 0
    assert lines[0].startswith("forgetting on the release and base")
    assert [line.split()[-1] for line in lines[1:]] == ["240", "2000", "15360", "0"]
    with pytest.raises(UnknownName, match="Unknown suite 'chess'"):
        invoke(monkeypatch, Console(run(RunState.QUEUED)), "run", "v2", "chess", "--dry-run")


def test_a_fresh_run_is_ordered_so(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(run(RunState.QUEUED))
    invoke(monkeypatch, console, "run", "v2", "forgetting", "--no-cache")
    assert console.ordered == {"release": "v2", "suite": "forgetting", "fresh": True}


def test_waiting_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable, match=r"has not ended after 0 s: running, 3/120\. It goes on"):
        invoke(
            monkeypatch,
            Console(run(RunState.RUNNING, done=3)),
            "run",
            "v2",
            "forgetting",
            "--wait",
            "--timeout",
            "0",
        )


def test_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(run(RunState.FAILED, done=120))
    _, (_, row) = invoke(monkeypatch, console, "list", "--release", "v2")
    assert row.split()[:6] == ["run-1", "forgetting", "v2", "by_hand", "failed", "120/120"]
    assert console.queries == [{"release": "v2"}]

    _, (_, row) = invoke(monkeypatch, console, "suites")
    assert row == "forgetting  1        120      exact: high; x: low"


def test_show_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    code, lines = invoke(monkeypatch, Console(run(RunState.FAILED)), "show", "run-1")
    assert (code, lines[0]) == (0, "{")
    assert '  "state": "failed",' in lines
