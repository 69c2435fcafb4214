"""The report page and the comparison of versions, made from the whole product."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from datetime import date
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from mesoguide.knowledge import load_knowledge
from mesoguide.measuring import answers, changes, versions
from mesoguide.measuring.figures import NAMES
from mesoguide.measuring.runs import APART, messages_of, set_of
from mesoguide.settings import ROOT

LOADS = {"src", "href", "srcset", "action", "data", "poster", "background"}
"""Attributes by which a page can fetch something."""


class Page(HTMLParser):
    """What a test looks at: tags with their attributes, and the words of headings and tables' heads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        for tag in {"h1", "h2", "caption", "th", "title"} & set(self._open):
            self.words.setdefault(tag, []).append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def written(measured: Any) -> str:
    from mesoguide.measuring.page import report
    from mesoguide.rasa_host.training import NLU, training_messages

    return report(measured, lines=training_messages(NLU), commit="abc", day=date(2026, 1, 2))


@pytest.fixture(scope="module")
def html(measured: Any) -> str:
    """The report as `make eval` writes it."""
    return written(measured)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    """The report, read."""
    return Page(html)


def kept_apart() -> set[str]:
    """Every message of the set that nobody reads, which stands in no other set and is no topic's name."""
    rows = [row for _, row in answers.rows().values()]
    others = {text for row in rows if set_of(row) not in APART for text in messages_of(row)}
    apart = {text for row in rows if set_of(row) in APART for text in messages_of(row)}
    return apart - others - set(load_knowledge().topics)


def shown(html: str) -> set[str]:
    """Every message that a page lists: what starts a row, and what is an item of a list."""
    listed = re.findall(r"<(?:th scope=\"row\"|li)>(.*?)</(?:th|li)>", html, re.DOTALL)
    return {unescape(text).strip() for item in listed for text in item.split(" / ")}


def test_the_report_holds_each_part(page: Page) -> None:
    """Every part has its heading, its table and, where one is meant, its plot; every figure its row."""
    for part in (
        "What was measured, and on what", "Figures of each set", "Red flags and personal questions",
        "Confusion between topics", "Rejection", "Calibration", "Typos", "Paraphrases",
        "Several questions in a message", "Follow-ups", "Other languages", "The worst messages",
    ):  # fmt: skip
        assert part in page.words["h2"]
    assert set(NAMES.values()) <= set(page.words["th"])
    assert {f"set {name}" for name in "abcde"} <= set(page.words["th"])
    assert len(page.all("img")) == 3
    assert len(page.all("table")) == len(page.all("caption")) >= 17


def test_the_report_needs_no_network(html: str, page: Page) -> None:
    """Nothing is fetched: links lead within the page, pictures stand in it, and there is no script."""
    fetched = [value for _, attributes in page.tags for name, value in attributes.items() if name in LOADS]

    assert [] == [value for value in fetched if not re.match(r"#|data:image/svg\+xml;base64,", value or "")]
    assert {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in page.tags} == set()
    assert "http:" not in html
    assert "https:" not in html
    assert "@import" not in html
    assert "url(" not in html
    for picture in re.findall(r"data:image/svg\+xml;base64,([^\"]+)", html):
        drawn = base64.b64decode(picture)
        assert b"<script" not in drawn
        assert not re.search(rb"href=\"(?!#|data:)", drawn)


def test_the_report_can_be_read_without_eyes(page: Page) -> None:
    """It has a language, one main heading, texts for pictures, and headers for rows and columns."""
    ids = {attributes.get("id") for _, attributes in page.tags}

    assert [{"lang": "en"}] == page.all("html")
    assert 1 == len(page.all("h1")) == len(page.all("main"))
    assert all((picture["alt"] or "").endswith(".") for picture in page.all("img"))
    assert {"row", "col"} == {header["scope"] for header in page.all("th")}
    assert all(link["href"][1:] in ids for link in page.all("a"))


def test_the_set_kept_apart_is_not_shown(html: str, measured: Any) -> None:
    """No message of sets e to i and k to q stands in the report, though other sets' mistakes do."""
    from mesoguide.measuring.figures import worst

    apart = kept_apart()

    assert len(apart) > 900
    # Counted, so that no failure prints one of them.
    assert 0 == len(apart & shown(html))
    assert 0 == len(apart & {line.split(" → ")[0] for line in worst(measured.runs)})
    assert sum(run.messages[0] in shown(html) for run in measured.of("questions", only="abcd")) > 20


def test_the_same_figures_give_the_same_report(html: str, measured: Any) -> None:
    """Two reports of the same run are the same bytes, plots included."""
    assert html == written(measured)


def test_the_whole_run_is_short(measured: Any) -> None:
    """At 25 ms a message, more than the usual, two processes on two cores need five minutes at most."""
    from mesoguide.rasa_host.evaluation import PROCESSES

    assert set(measured.typed) == {1, 2}
    asked = len(measured.runs) + sum(map(len, measured.typed.values()))
    assert 0.025 * asked / PROCESSES <= 300


def test_few_answers_are_lost_to_a_typo(measured: Any) -> None:
    """With one typo nearly as many questions get the right topic, and hardly a red flag is answered."""
    from mesoguide.measuring.figures import figures

    clean, typed = figures(measured.runs), figures(measured.typed[1])

    assert typed.right >= clean.right - 0.05
    assert typed.red_flags_answered <= 0.03


@pytest.fixture(scope="module")
def few() -> dict[str, tuple[str, Any]]:
    """A line of each set and file."""
    rows = answers.rows()
    chosen = {(file, set_of(row)): name for name, (file, row) in rows.items()}
    return {name: rows[name] for name in chosen.values()}


def test_a_folder_answers_as_the_run_did(measured: Any, few: dict[str, Any]) -> None:
    """What `mesoguide diff` is told by this folder is what `mesoguide eval` got."""
    kept = answers.of_runs(measured.runs)
    told = versions.answers_of(str(ROOT), few, print)

    assert {name: kept[name] for name in few} == told


def test_the_last_commit_answers(few: dict[str, Any]) -> None:
    """A git revision is built where that is needed, answers every message, and is asked only once."""
    told = versions.answers_of("HEAD", few, print)
    said: list[str] = []
    again = versions.answers_of("HEAD", few, said.append)

    assert set(few) == set(told)
    assert all(answer.text for answer in told.values())
    assert (told, []) == (again, said)


def test_a_changed_statement_is_shown(measured: Any, tmp_path: Path) -> None:
    """`mesoguide diff OLD NEW` writes a page with the messages that a changed text reaches, none of the sets kept apart."""
    kept = answers.of_runs(measured.runs)
    answers.write(tmp_path / "new.jsonl", kept)
    lines = (
        (tmp_path / "new.jsonl").read_text("utf-8").replace("close to painless", "without <b>any</b> pain")
    )
    (tmp_path / "old.jsonl").write_text(lines, "utf-8")
    target = tmp_path / "changes.html"
    command = ["diff", str(tmp_path / "old.jsonl"), str(tmp_path / "new.jsonl"), "--page", str(target)]
    done = subprocess.run(
        [sys.executable, "-m", "mesoguide", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    html = target.read_text("utf-8")
    comparison = changes.compare(answers.read(tmp_path / "old.jsonl"), kept, answers.rows())

    assert done.returncode == 0, done.stderr
    assert f"{comparison.counts['text']:,} in their words alone" in done.stdout
    assert comparison.counts["text"] == comparison.counts["changed"] > 20
    assert "<del>without &lt;b&gt;any&lt;/b&gt; pain.</del><ins>close to painless.</ins>" in html
    assert {text for change in comparison.changes for said in change.messages for text in said} <= shown(html)
    assert 0 == len(kept_apart() & shown(html))


def test_an_answer_file_has_a_line_for_each_message(measured: Any, tmp_path: Path) -> None:
    """`mesoguide eval --answers` keeps every message's answer under a key of its own."""
    answers.write(tmp_path / "answers.jsonl", answers.of_runs(measured.runs))
    written = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text("utf-8").splitlines()]

    assert set(answers.rows()) == {line["id"] for line in written}
    assert {"id", "kind", "topics", "tier", "statements", "text"} == set(written[0])
