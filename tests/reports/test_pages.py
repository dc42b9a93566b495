"""HTML and PDF show what report.json says, as text, and nothing else."""

import html as markup
import io
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import Any

import pytest
from pypdf import PdfReader

from reports.bundle import HTML, PDF
from reports.cells import table
from reports.compose import compose
from reports.document import Digest, Document, Figure
from reports.evidence import Evidence
from reports.html import html
from reports.pages import pages
from reports.pdf import pdf
from tests.reports import world

Files = Mapping[str, bytes]


@pytest.fixture(scope="session")
def ready(document: Document) -> dict[str, Any]:
    return pages(document)


@pytest.fixture(scope="session")
def reader(files: Files) -> PdfReader:
    return PdfReader(io.BytesIO(files[PDF]))


@pytest.fixture(scope="session")
def printed(reader: PdfReader) -> str:
    return squeezed(" ".join(page.extract_text() for page in reader.pages))


def squeezed(text: str) -> str:
    """Without white space and break opportunities, which depend on the page's width."""
    return re.sub(r"[\s\u200b\u00ad]+", "", text)


def strings(ready: Any) -> Iterator[str]:
    """Every text that a page shows: cells, notes, titles, words."""
    if isinstance(ready, dict):
        if ready.get("kind") == "digest":
            yield ready["text"]
            return
        for name, value in ready.items():
            if name not in ("svg", "kind", "name", "whole"):
                yield from strings(value)
    elif isinstance(ready, list):
        for value in ready:
            yield from strings(value)
    elif isinstance(ready, str):
        yield ready


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_both_pages_show_every_word_and_number(ready: dict[str, Any], files: Files, printed: str) -> None:
    shown = squeezed(markup.unescape(re.sub(r"<[^>]*>", "", files[HTML].decode())))
    expected = [squeezed(text) for text in strings(ready["sections"])]
    assert len(expected) > 300
    assert [text for text in expected if text not in shown] == []
    # The PDF breaks a sentence where a page or a column ends: its parts are there.
    lost = [text for text in expected if len(text) <= 40 and text not in printed]
    assert lost == []


def test_the_page_runs_nothing_and_fetches_nothing(files: Files) -> None:
    tags = Tags()
    tags.feed(files[HTML].decode())
    assert {tag for tag, _ in tags.found} & {
        "script",
        "img",
        "iframe",
        "object",
        "link",
        "form",
        "base",
    } == set()
    attributes = {name for _, found in tags.found for name in found}
    assert not {name for name in attributes if name.startswith("on")} | (
        {"src", "srcset", "style"} & attributes
    )
    targets = [
        found[name] or "" for _, found in tags.found for name in ("href", "xlink:href") if name in found
    ]
    assert targets
    assert all(target.startswith("#") for target in targets)
    policy = next(found["content"] for tag, found in tags.found if tag == "meta" and "http-equiv" in found)
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_the_pdf_takes_no_text_for_markup(reader: PdfReader, printed: str) -> None:
    """What the model wrote stands there letter by letter; nothing of it was read, run or linked."""
    assert squeezed('#include "/etc/passwd" #image("/etc/passwd") $x$ *bold*') in printed
    assert "root:x:" not in printed
    actions = [
        annotation.get_object().get("/A") for page in reader.pages for annotation in page.get("/Annots") or ()
    ]
    assert [action for action in actions if action is not None and "/URI" in action] == []
    assert "/JavaScript" not in str(reader.trailer["/Root"])


def test_hidden_characters_are_made_visible(files: Files, printed: str) -> None:
    page = files[HTML].decode()
    for character, shown in (("\u202e", "⟨U+202E⟩"), ("\u200b", "⟨U+200B⟩"), ("\x1b", "⟨U+001B⟩")):
        assert character not in page
        assert shown in page
        assert shown in printed


def test_a_preliminary_report_says_so_on_every_page(evidence: Evidence, document: Document) -> None:
    early = document.model_copy(update={"preliminary": True})
    ready = pages(early)
    reader = PdfReader(io.BytesIO(pdf(ready, early.watermark)))
    assert len(reader.pages) > 5
    for page in reader.pages:
        assert "PRELIMINARY·watermark2026-01-1900:00:00UTC" in squeezed(page.extract_text())
    assert b'<p class="preliminary"' in html(ready)
    assert b'<p class="preliminary"' not in html(pages(document))


def test_the_same_rows_make_the_same_bytes(evidence: Evidence, document: Document, files: Files) -> None:
    again = compose(world.report(), evidence)
    ready = pages(again)
    assert (html(ready), pdf(ready, again.watermark)) == (files[HTML], files[PDF])


def test_a_reason_in_the_row_is_not_squeezed_beside_the_number() -> None:
    from reports.pages import _table

    why = "Unmeasured: no judge model is set, and a long sentence says how to set one."
    score = Figure(value=None, n=0, unmeasured=40, missing=why)
    told = table("Scores", (("score", "Score"), ("detail*", "Remark")), [(score, f"Politeness. {why}")])
    untold = table("Scores", (("score", "Score"), ("detail*", "Remark")), [(score, "–")])
    assert _table(told)["rows"][0][0] | {"kind": ""} == {
        "kind": "",
        "text": "not measured",
        "more": "n = 0, 40 unmeasured",
        "whole": "",
    }
    assert _table(untold)["rows"][0][0]["more"] == why


def test_sentences_give_way_to_names() -> None:
    from reports.pages import FULL, _table

    columns = ((f"c{number}", "Deployment") for number in range(8))
    row = (*("a name of it",) * 8, "word " * 40, "word " * 40)
    made = _table(table("T", (*columns, ("x*", "One"), ("y*", "Two")), [row]))
    weights = [column["weight"] for column in made["columns"]]
    assert weights[:8] == [12] * 8
    assert weights[8:] == [16, 16]
    assert made["share"] == 100
    few = _table(table("T", (("a", "Name"), ("x*", "One"), ("y*", "Two")), [row[-3:]]))
    assert sum(column["weight"] for column in few["columns"]) <= FULL


def test_numbers_are_written_for_people() -> None:
    def shown(**fields: Any) -> tuple[str, str]:
        from reports.pages import _cell

        cell = _cell(Figure(**fields))
        return cell["text"], cell["more"]

    assert shown(value=1234567) == ("1,234,567", "")
    assert shown(value=0.98765, unit="share", n=50, low=0.9, high=0.999, unmeasured=2) == (
        "98.8 %",
        "90.0 to 99.9 %, n = 50, 2 unmeasured",
    )
    assert shown(value=0.25, unit="s", n=4, low=0.125) == ("0.250 s", "at least 0.125 s, n = 4")
    assert shown(value=2.5e-5, n=10) == ("2.5e-05", "n = 10")
    assert shown(value=None, missing="no judge model is set") == ("not available", "no judge model is set")
    assert Digest(sha256="ab" * 32).sha256
