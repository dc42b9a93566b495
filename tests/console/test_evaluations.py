"""Suites, runs by hand, and what is shown of a run."""

import pytest

from aftertune.values.evaluation import Bound, RunState
from aftertune.values.release import ReleaseState
from console.chart import score_chart
from console.trend import suite_trends
from tests.console.conftest import Console
from tests.console.evidence import FAILED_RUN, OPEN_RUN, RUN
from tests.console.seed import DEPLOYMENT, HOSTILE

ORDER = {"release": "v1", "suite": "persona"}


async def test_a_run_by_hand_is_queued_once(console: Console) -> None:
    made = await console.post("operator", "/v1/evaluations", ORDER, key="run-persona-1")
    assert made.status_code == 201
    run = made.json()
    assert (run["state"], run["trigger"], run["samples"], run["requested_by"]) == (
        "queued",
        "by_hand",
        120,
        "operator",
    )
    again = await console.post("operator", "/v1/evaluations", ORDER, key="run-persona-1")
    assert again.json()["id"] == run["id"]
    twice = await console.post("operator", "/v1/evaluations", ORDER)
    assert (twice.status_code, twice.json()["remedy"]) == (409, f"Follow it: /v1/evaluations/{run['id']}.")
    assert console.audited("run_evaluation") == ["v1"]
    with console.store.read() as tx:
        assert [each.id for each in tx.evaluations.open()] == [OPEN_RUN, run["id"]]


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"suite": "mmlu"}, 400, "Known: forgetting, persona, tools."),
        ({"release": "v9"}, 404, "v1"),
        ({"deployment": "nothing"}, 404, DEPLOYMENT),
        ({"trigger": "nightly"}, 422, "openapi"),
    ],
)
async def test_runs_that_are_refused(
    console: Console, change: dict[str, str], status: int, said: str
) -> None:
    refused = await console.post("operator", "/v1/evaluations", ORDER | change)
    assert refused.status_code == status
    assert said in refused.json()["remedy"]
    assert console.audited("run_evaluation") == []


async def test_a_release_that_is_not_ready_is_not_evaluated(console: Console) -> None:
    with console.store.write() as tx:
        tx.releases.save(tx.releases.get("v1").model_copy(update={"state": ReleaseState.MERGING}))
    assert (await console.post("operator", "/v1/evaluations", ORDER)).status_code == 409


async def test_suites_and_runs_are_listed(console: Console) -> None:
    suites = (await console.get("viewer", "/v1/suites")).json()
    assert [suite["name"] for suite in suites] == ["forgetting", "persona", "tools"]
    runs = (await console.get("viewer", "/v1/evaluations?release=v3&suite=tools")).json()
    assert [run["id"] for run in runs] == ["ev-v3-tools"]
    assert len((await console.get("viewer", "/v1/evaluations?limit=5")).json()) == 5
    assert (await console.get("viewer", "/v1/evaluations/none")).status_code == 404


async def test_answers_are_for_few_and_reading_them_is_recorded(console: Console) -> None:
    path = f"/v1/evaluations/{RUN}/samples"
    assert (await console.get("viewer", path)).status_code == 403
    samples = (await console.get("reviewer", path)).json()
    assert len(samples) == 4
    assert HOSTILE in [sample["answers"][0]["text"] for sample in samples]
    assert console.audited("read_payload") == [RUN]


async def test_a_run_shows_scores_and_gates(console: Console) -> None:
    page = (await console.get("viewer", f"/evaluations/{RUN}")).text
    for text in ("0.840 … 0.950", "−0.060 … 0.020", "paired bootstrap", "118", "0.070", "1 samples worse"):
        assert text in page, text
    assert f"/evaluations/{RUN}/regression" in page
    assert 'http-equiv="refresh"' not in page
    assert "gnp.exe" not in page
    page = (await console.get("viewer", f"/evaluations/{OPEN_RUN}")).text
    assert 'http-equiv="refresh"' in page
    assert '<progress max="120" value="37"' in page


async def test_a_run_that_compared_with_nothing_says_so(console: Console) -> None:
    page = (await console.get("viewer", f"/evaluations/{FAILED_RUN}/regression")).text
    assert "compared with nothing" in page
    assert "exact 0.340 &lt; 0.750" in page or "exact 0.340 < 0.750" in page


async def test_the_form_queues_a_run(console: Console) -> None:
    csrf = await console.signed_in("operator")
    fields = {"csrf_token": csrf, "key": "page-0000", **ORDER}
    assert (await console.client.post("/evaluations", data=fields | {"csrf_token": "x"})).status_code == 403
    done = await console.client.post("/evaluations", data=fields)
    assert done.status_code == 303
    again = await console.client.post("/evaluations", data=fields)
    assert again.headers["location"] == done.headers["location"]
    second = await console.client.post("/evaluations", data=fields | {"key": "page-0001"})
    assert second.status_code == 409
    assert "Follow it" in second.text


async def test_trends_are_of_the_releases_that_a_deployment_used(console: Console) -> None:
    page = (await console.get("viewer", f"/evaluations?suite=tools&deployment={DEPLOYMENT}")).text
    assert "exact over time: v0, v1, v2" in page
    assert "ev-v3-tools" not in page
    assert "ev-v3-tools" in (await console.get("viewer", "/evaluations?suite=tools")).text
    assert (await console.get("viewer", "/evaluations?suite=mmlu")).status_code == 404
    assert (await console.get("viewer", "/evaluations?deployment=mmlu")).status_code == 404


async def test_a_trend_has_a_gap_where_nothing_was_measured(console: Console) -> None:
    with console.store.read() as tx:
        runs = tx.evaluations.latest(suite="tools")
        compared = tx.evaluations.latest(suite="forgetting")
    broken = runs[3].model_copy(update={"state": RunState.ERROR, "scores": (), "gates": ()})
    (trend,) = suite_trends([*runs[:3], broken, *runs[4:]])
    assert (trend.limit, list(trend.series)) == (0.75, ["v0", "v1", "v2", "v3"])
    assert [point.value for point in trend.series["v1"]].count(None) == 1
    assert [point.at for point in trend.series["v0"]] == sorted(point.at for point in trend.series["v0"])
    assert suite_trends([]) == ()
    (difference,) = suite_trends(compared)
    assert (difference.bound, difference.series["v3"][0].low) == (Bound.DIFFERENCE_LOW, -0.06)


async def test_scores_are_drawn_against_their_own_gate(console: Console) -> None:
    with console.store.read() as tx:
        run, failed = tx.evaluations.get(RUN), tx.evaluations.get(FAILED_RUN)
    assert score_chart(run.scores[0], run.gates).limit is None
    drawn = score_chart(run.differences[0], run.gates)
    assert drawn.limit is not None
    assert drawn.low is not None
    assert drawn.limit < drawn.low
    failing = score_chart(failed.scores[0], failed.gates)
    assert failing.limit is not None
    assert failing.high is not None
    assert failing.high < failing.limit == failing.bad_to


async def test_a_gate_that_is_not_known_is_not_told_as_missed(console: Console) -> None:
    with console.store.write() as tx:
        run = tx.evaluations.get(FAILED_RUN)
        gates = tuple(gate.model_copy(update={"passed": None}) for gate in run.gates)
        tx.evaluations.save(run.model_copy(update={"gates": gates}))
    page = (await console.get("viewer", "/evaluations?suite=tools")).text
    assert "not known against 0.750" in page
    assert "&lt; 0.750" not in page
    assert "< 0.750" not in page
