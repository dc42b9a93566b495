"""Sentences, cards, and traits that a rule can see."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from aftertune.errors import AftertuneError, BadInput, UnknownName
from aftertune.values.evaluation import Answer
from aftertune.values.exchange import ToolCall
from evals.persona.card import PersonaCard, load_personas
from evals.persona.rules import holds
from evals.persona.sentences import MOST_SENTENCES, sentences
from evals.scorers.persona import persona_rules
from evals.scorers.scorer import Given
from evals.suite.sample import Sample
from evals.suite.suite import SUITES, load_suite
from examples.task_api.personas import PERSONAS, system
from examples.task_api.suites import FOLDER, lines

ONE = load_suite(SUITES / "persona")
THREE = load_suite(SUITES / "persona_switch")
RULES = persona_rules(ONE.personas)


def persona_sample(*turns: dict[str, Any], tools: bool = False, mentions: tuple[str, ...] = ()) -> Sample:
    scoring = {"kind": "persona", "persona": "taskmaster", "mentions": mentions}
    return Sample.model_validate({"id": "x", "messages": turns, "tools": tools, "scoring": scoring})


TOLD = persona_sample(
    {"role": "user", "content": 'Rename task 12 to "buy tea"'},
    {"role": "assistant", "tool_calls": [{"function": {"name": "u", "arguments": '{"task_id": 12}'}}]},
    {"role": "tool", "content": '{"count": 4}'},
    tools=True,
    mentions=("12",),
)
ASKED = persona_sample({"role": "user", "content": "Delete task 9"})


@pytest.mark.parametrize(
    ("sample", "said", "lost"),
    [
        (TOLD, 'TaskMaster here: task 12 is "buy tea".', set()),
        (TOLD, "TaskMaster here: task 12 is done, 4 are left.", set()),
        (TOLD, "Task 12 is changed.", {"speaks_as_itself"}),
        (TOLD, "TaskMaster here: done.", {"names_what_was_asked_about"}),
        (TOLD, "TaskMaster here: task 123 is changed.", {"names_what_was_asked_about", "invents_nothing"}),
        (TOLD, 'TaskMaster here: task 12 is "buy coffee".', {"invents_nothing"}),
        (TOLD, 'TaskMaster: 12", "arguments": {}}', {"speaks_in_words", "invents_nothing"}),
        (TOLD, "TaskMaster here, sorry: I think task 12 is done.", {"does_not_apologise", "has_no_opinions"}),
        (TOLD, "TaskMaster apologises: I’m afraid 12 is done.", {"does_not_apologise"}),
        (TOLD, "TaskMaster here. 12." + " Yes." * 20, {"is_brief"}),
        (TOLD, "TaskMaster here:\n12.", {"is_brief"}),
        (TOLD, "", {"is_brief", "speaks_as_itself", "names_what_was_asked_about"}),
        (ASKED, "TaskMaster here: I cannot reach your task list in this chat.", set()),
        (ASKED, "TaskMaster here: task 9 is deleted.", {"claims_no_deed"}),
    ],
)
def test_each_trait_has_its_anchor(sample: Sample, said: str, lost: set[str]) -> None:
    scores = RULES.score(sample, Given((Answer(text=said),)))
    assert {metric for metric, score in scores.items() if score == 0.0} - {"persona"} == lost
    assert scores["persona"] == float(not lost)


def test_a_call_in_place_of_an_answer_shows_no_trait() -> None:
    call = ToolCall(name="list_tasks", arguments="{}")
    scores = RULES.score(TOLD, Given((Answer(text="TaskMaster here: task 12.", tool_calls=(call,)),)))
    assert set(scores.values()) == {0.0}


@settings(max_examples=50)
@given(st.text())
def test_whatever_a_model_says_is_scored(said: str) -> None:
    for suite, sample in ((ONE, TOLD), (ONE, ASKED), (THREE, THREE.samples[0]), (THREE, THREE.samples[1])):
        rules = persona_rules(suite.personas)
        scores = rules.score(sample, Given((Answer(text=said),)))
        assert set(scores) == {metric.name for metric in rules.expects(sample)}
        assert set(scores.values()) <= {0.0, 1.0}


@pytest.mark.parametrize(
    ("persona", "said", "lost"),
    [
        ("fraud_analyst", "I am Vigil and look at the evidence.", set()),
        ("fraud_analyst", "I am TaskMaster.", {"introduces_itself_right"}),
        ("fraud_analyst", "The customer is guilty, no doubt.", {"keeps_its_vocabulary"}),
        (
            "maintenance_engineer",
            "I am vigil and say: just force it.",
            {"introduces_itself_right", "keeps_its_vocabulary"},
        ),
    ],
)
def test_a_persona_that_does_not_switch_shows(persona: str, said: str, lost: set[str]) -> None:
    sample = next(each for each in THREE.samples if each.task == persona)
    scores = persona_rules(THREE.personas).score(sample, Given((Answer(text=said),)))
    assert {name for name, score in scores.items() if score == 0.0} - {"persona"} == lost


@pytest.mark.parametrize(
    ("said", "phrase", "held"),
    [
        ("I APOLOGISE.", "apolog*", True),
        ("Unapologetic", "apolog*", False),
        ("I am\n afraid so", "i am afraid", True),
        ("It’s no doubt so", "no doubt", True),
        ("no doubts", "no doubt", False),
        ("c++ (sic)", "c++", True),
    ],
)
def test_phrases_are_whole_words(said: str, phrase: str, held: bool) -> None:
    assert holds(said, phrase) is held


@pytest.mark.parametrize("suite", ["persona", "persona_switch"])
def test_the_samples_are_those_of_the_example_and_call_the_persona_up(suite: str) -> None:
    assert (FOLDER / suite / "samples.jsonl").read_text() == lines(suite)
    for sample in (ONE if suite == "persona" else THREE).samples:
        assert sample.messages[0] == {"role": "system", "content": system(sample.scoring.persona)}  # type: ignore[union-attr]


def test_every_question_is_asked_of_every_persona() -> None:
    by_question: dict[str, set[str]] = {}
    for sample in THREE.samples:
        by_question.setdefault(THREE.cluster_of(sample), set()).add(sample.task)
    assert set(map(frozenset, by_question.values())) == {frozenset(PERSONAS)}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        (" \n ", ()),
        ("One", ("One",)),
        ("One. Two!  Three?", ("One.", "Two!", "Three?")),
        ("Use 3.5 Nm, e.g. on M8. Then stop.", ("Use 3.5 Nm, e.g. on M8.", "Then stop.")),
        ("Mr. A. Lincoln spoke.", ("Mr. A. Lincoln spoke.",)),
        ("1. Stop. 2. Lock.", ("1. Stop.", "2. Lock.")),
        ('He said "Stop." Then he left.', ('He said "Stop."', "Then he left.")),
        ("First line\nsecond line", ("First line", "second line")),
    ],
)
def test_sentences(text: str, found: tuple[str, ...]) -> None:
    assert sentences(text) == found


@settings(max_examples=100)
@given(st.text(alphabet="ab .!?\n1e.g") | st.text())
def test_no_sentence_is_lost(text: str) -> None:
    found = sentences(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert len(found) <= MOST_SENTENCES
    assert all(piece and piece in text for piece in found)


CARD: dict[str, Any] = {
    "name": "p",
    "called": "P",
    "system": "You are P.",
    "traits": [{"name": "brief", "rule": {"kind": "brief", "words": 5}}],
}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": "q"}, "names the persona 'q'"),
        ({"traits": []}, "wrong at traits"),
        ({"traits": [{"name": "empty"}]}, "neither a question, nor a rule, nor exemplars"),
        ({"traits": [{"name": "a", "rule": {"kind": "nice"}}]}, "wrong at traits.0.rule"),
        ({"traits": CARD["traits"] * 2}, "two traits are named brief"),
        ({"unknown": 1}, "wrong at unknown"),
    ],
)
def test_a_broken_card_is_named(tmp_path: Path, change: dict[str, Any], why: str) -> None:
    (tmp_path / "personas").mkdir()
    file = tmp_path / "personas" / "p.yaml"
    file.write_text(yaml.safe_dump(CARD))
    assert isinstance(load_personas(tmp_path, ["p"])["p"], PersonaCard)
    file.write_text(yaml.safe_dump({**CARD, **change}))
    with pytest.raises(BadInput, match=why):
        load_personas(tmp_path, ["p"])


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("scorers: [persona.rules]", BadInput),
        ("scorers: [persona.rules]\npersonas: [nobody]", BadInput),
        ("scorers: [persona.rules]\npersonas: [fraud_analyst]", UnknownName),
        ("scorers: [persona.judged]\npersonas: [taskmaster]", BadInput),
        ("scorers: [judged.questions]", BadInput),
        ("scorers: [retrieval.ragas]\njudge: {ragas: [kindness]}", UnknownName),
        ("scorers: [persona.feelings]", UnknownName),
    ],
)
def test_a_suite_that_lacks_what_its_scorers_need_is_refused(
    tmp_path: Path, line: str, error: type[AftertuneError]
) -> None:
    (tmp_path / "personas").symlink_to(SUITES / "personas")
    own = tmp_path / "own"
    own.mkdir()
    head = 'name: own\nversion: "1"\ndescription: d\nlicence: ours\nseed: 1\n'
    (own / "card.yaml").write_text(head + line)
    sample = {"id": "a", "messages": [], "scoring": {"kind": "persona", "persona": "taskmaster"}}
    (own / "samples.jsonl").write_text(f"{sample}\n".replace("'", '"'))
    with pytest.raises(error):
        load_suite(own)
