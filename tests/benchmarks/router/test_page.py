"""What the page says of goals that are met, missed and not measured."""

from dataclasses import replace
from itertools import pairwise

import pytest

from aftertune.errors import UnknownName
from benchmarks.router.__main__ import main
from benchmarks.router.figures import Figure
from benchmarks.router.goals import Goal, goals
from benchmarks.router.ours import NAME, ours
from benchmarks.router.page import Run, number, page
from benchmarks.router.peers import LITELLM_MIRROR, NGINX_MIRROR, PRODUCTION_STACK, others
from benchmarks.router.reading import Reading, Record, Trouble
from tests.benchmarks.router.samples import reading

WELL = Trouble(paced_p50=10.0, full_p50=-50.0, errors=0)


def run(*readings: Reading, missing: dict[str, str] | None = None) -> Run:
    return Run(
        command="make bench-router",
        machine="2 cores",
        date="2026-11-21",
        peers=(*others(), ours()),
        versions={NGINX_MIRROR: "nginx 1.22.1"},
        missing=missing or {},
        failures=("nginx in round 2",),
        readings=readings,
    )


def mine(number: int = 1, slow: Trouble = WELL) -> Reading:
    record = Record(10, 10, 9, 9, gaps=0)
    return replace(reading(NAME, number, cpu_us=50, trouble=WELL, copied=1.0, record=record), slow=slow)


def by_name(*readings: Reading) -> dict[str, Goal]:
    return {goal.what: goal for goal in goals(readings)}


def test_goals_compare_with_the_peers_of_the_same_round() -> None:
    found = by_name(
        mine(),
        reading(NGINX_MIRROR, cpu_us=100),
        reading(LITELLM_MIRROR, cpu_us=50 * 250),
        reading(PRODUCTION_STACK),
    )
    nginx = found["CPU a request, of nginx mirror's"]
    assert (nginx.floor_met, nginx.target_met) == (True, True)
    litellm = found["requests a second a core, of LiteLLM's with its mirror"]
    assert (litellm.floor_met, litellm.target_met) == (True, False)
    stack = found["requests a second a core, of production-stack's"]
    assert (stack.floor_met, stack.target_met) == (False, False)


def test_as_much_as_nginx_mirror_is_not_less() -> None:
    goal = by_name(mine(), reading(NGINX_MIRROR, cpu_us=50))["CPU a request, of nginx mirror's"]
    assert (goal.floor_met, goal.target_met) == (True, False)


def test_what_was_not_measured_is_neither_met_nor_missed() -> None:
    goal = by_name(mine())["p50 added, of production-stack's"]
    assert (goal.value, goal.floor_met, goal.target_met) == (None, None, None)


def test_one_error_in_one_round_misses_the_goal() -> None:
    rounds = [mine(1), mine(2), mine(3, slow=replace(WELL, errors=1))]
    assert by_name(*rounds)["shadow slow (500 ms): errors, worst round"].floor_met is False
    assert by_name(*rounds)["shadow dead: errors, worst round"].floor_met is True


def test_every_peer_has_a_row_and_says_why_when_it_is_not_measured() -> None:
    text = "\n".join(page(run(mine(), reading(NGINX_MIRROR), missing={PRODUCTION_STACK: "it is not here."})))
    for peer in (*others(), ours()):
        assert f"\n| {peer.name} |" in text
    assert f"| {PRODUCTION_STACK} | not measured: it is not here." in text
    assert "an estimate, not a measurement" in text


def test_all_rows_of_a_table_are_equally_wide() -> None:
    lines = list(page(run(mine(), reading(NGINX_MIRROR), missing={PRODUCTION_STACK: "gone."})))
    for above, below in pairwise(lines):
        if above.startswith("|") and below.startswith("|"):
            assert above.count("|") == below.count("|"), below


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (None, "–"),
        (Figure(0.873, 0.873, 0.873, 1), "0.87"),
        (Figure(12345.6, 9000.0, 20000.0, 3), "12,346 [9,000 to 20,000]"),
        (Figure(-0.0, -0.0, -0.0, 1), "0"),
    ],
)
def test_numbers(figure: Figure | None, text: str) -> None:
    assert number(figure) == text


def test_an_unknown_peer_stops_the_run_and_lists_the_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--peers", "apache"]) == UnknownName.exit_code
    said = capsys.readouterr().err
    assert "apache" in said
    assert NGINX_MIRROR in said
