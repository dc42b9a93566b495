"""`aftertune review`: opened, looked at, closed and taken along."""

from pathlib import Path

import pytest
import yaml

from aftertune.clock import ManualClock
from aftertune.store import Store
from aftertune.values.evaluation import Judgement
from aftertune.values.review import Form
from evals.judging.calibration import load_calibrations
from tests.aftertune import samples
from tests.aftertune.cli.offline import Offline, offline
from tests.aftertune.reviews.campaigns import rating
from tests.console.reviewing import OLDER_RUN, RUN, seed_reviewing

OWN = """\
name: manners
instructions: How it is said.
criteria:
  - name: polite
    question: Is it polite?
    scale: yes_no
    anchors: ["no", "yes"]
"""


@pytest.fixture
def world(store: Store, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Offline:
    found = offline(store, clock, tmp_path, monkeypatch)
    with store.write() as tx:
        tx.releases.add(samples.release("v3"))
    seed_reviewing(store, clock.now())
    return found


def opened(world: Offline, *options: str) -> str:
    code, said = world.run("review", "open", "Are they right?", *options)
    assert code == 0, said
    return said[0].partition(":")[0]


def rate(world: Offline, campaign: str) -> None:
    """Two people say the same of every item."""
    with world.store.write() as tx:
        form = tx.reviews.get(campaign).form
        for number, item in enumerate(tx.reviews.items(campaign)):
            values: dict[str, int | None] = {
                criterion.name: criterion.scale.values[number % len(criterion.scale.values)]
                for criterion in form.criteria
            }
            for person in ("ann", "bob"):
                tx.reviews.rate(rating(item.id, person, values, campaign=campaign))


def test_a_campaign_from_opening_to_the_file(world: Offline, tmp_path: Path) -> None:
    campaign = opened(world, "--run", RUN, "--items", "5")
    rate(world, campaign)
    code, said = world.run("review", "agreement", campaign)
    assert code == 0
    assert said[1].split()[:6] == ["correct", "krippendorff_alpha,", "ordinal", "all", "5", "1.000"]
    file = tmp_path / "out.csv"
    refused = world.run("review", "export", campaign, str(file), "--format", "csv")
    assert (refused[0], "is open" in refused[1][-1], file.exists()) == (2, True, False)
    assert world.run("review", "close", campaign) == (0, [f"{campaign}: closed with 5 of 5 rated"])
    assert world.run("review", "export", campaign, str(file), "--format", "csv")[0] == 0
    assert len(file.read_bytes().split(b"\r\n")) == 12
    code, said = world.run("review", "list")
    assert (code, said[1].split()[:4]) == (0, [campaign, "closed", "quality", "5/5"])


def test_two_runs_are_compared(world: Offline) -> None:
    campaign = opened(world, "--run", RUN, "--against", OLDER_RUN)
    rate(world, campaign)
    code, said = world.run("review", "agreement", campaign)
    assert code == 0
    assert any(line.split()[:2] == ["preference", "v3"] for line in said)
    assert said[-1].startswith("The answer on the left was preferred")
    base = opened(world, "--run", RUN, "--against", f"{RUN}:v0")
    with world.store.read() as tx:
        assert [side.release for side in tx.reviews.get(base).source.sides] == ["v0", "v3"]


def test_an_own_form_is_read_from_a_file(world: Offline, tmp_path: Path) -> None:
    file = tmp_path / "manners.yaml"
    file.write_text(OWN)
    campaign = opened(world, "--run", RUN, "--form-file", str(file))
    with world.store.read() as tx:
        assert tx.reviews.get(campaign).form.name == "manners"
    for broken in ("name: [", "name: 2026-01-05", "name: .nan"):
        file.write_text(broken)
        code, said = world.run("review", "open", "x", "--run", RUN, "--form-file", str(file))
        assert (code, "cannot be read" in said[-1]) == (2, True), broken


def test_the_documented_form_is_one() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reviews.md").read_text(encoding="utf-8")
    block = page.split("```yaml\n")[1].split("```")[0]
    assert Form.model_validate(yaml.safe_load(block)).criteria[0].anchors[4].startswith("is friendly")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--against", RUN), "--against needs --run"),
        (("--run", "ev-none"), "ev-none"),
        (("--run", RUN, "--form", "beauty"), "Known: comparison, persona, quality."),
        ((), "either sides or a rollout"),
    ],
)
def test_what_cannot_be_opened_is_said(world: Offline, options: tuple[str, ...], said: str) -> None:
    code, lines = world.run("review", "open", "x", *options)
    assert (code, said in lines[-1]) == (2, True)


def test_people_calibrate_judges(world: Offline, tmp_path: Path) -> None:
    word = Judgement(question="in_character", judge="gpt", prompt="a" * 64, value=0.5)
    with world.store.write() as tx:
        tx.evaluations.add(tx.evaluations.get(RUN).model_copy(update={"id": "ev-judged"}))
        change = {"run": "ev-judged", "judgements": (word,)}
        tx.evaluations.add_results([each.model_copy(update=change) for each in tx.evaluations.results(RUN)])
    campaign = opened(world, "--run", "ev-judged", "--form", "persona", "--items", "5")
    rate(world, campaign)
    file = tmp_path / "calibration.jsonl"
    early = world.run("review", "calibrate", campaign, str(file))
    assert (early[0], "is open" in early[1][-1], file.exists()) == (2, True, False)
    assert world.run("review", "close", campaign)[0] == 0
    code, said = world.run("review", "calibrate", campaign, str(file))
    assert code == 0
    assert "".join(said).endswith("5 labels of 10 stand beside a judge's word")
    (calibration,) = load_calibrations(tmp_path)
    assert (calibration.criterion, calibration.judge, calibration.n) == ("in_character", "gpt", 5)
