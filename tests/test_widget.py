"""The widget's file: small, without a way in for markup, and true to the fixed texts."""

from __future__ import annotations

import gzip
import re

import pytest

from mesoguide.settings import ROOT
from mesoguide.website.requests import LONGEST_TEXT, REASONS
from tests.samples import KNOWLEDGE

SCRIPT = (ROOT / "widget" / "widget.js").read_text("utf-8")
TABLE = SCRIPT.split("const STRINGS = {")[1].split("\n  };")[0]
STRINGS = dict(re.findall(r"(\w+): '([^']*)'", TABLE))


def test_the_file_is_small() -> None:
    """The script is at most 10 KB when packed, as it stands in the repository."""
    assert len(gzip.compress(SCRIPT.encode(), 9)) <= 10 * 1024


@pytest.mark.parametrize(
    "sink",
    ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "srcdoc",
     ".style.", "setAttribute('style", "javascript:", "import("],
)  # fmt: skip
def test_there_is_no_way_in_for_markup(sink: str) -> None:
    """Nothing in the script makes markup, code or inline style out of text."""
    assert sink not in SCRIPT


def test_the_script_calls_only_its_own_server() -> None:
    """No address of anybody else stands in the script."""
    found = set(re.findall(r"https?://[^\s'\"`<>]+", SCRIPT))

    assert found == {"https://bot.clinic.example/chat/widget.js", "http://www.w3.org/2000/svg"}
    assert SCRIPT.count("fetch(") == 1


@pytest.mark.parametrize(("word", "notice"), [("error", "error"), ("notice", "disclaimer_short")])
def test_the_built_in_texts_are_the_fixed_texts(word: str, notice: str) -> None:
    """What the widget says when no server answers is word for word the fixed text."""
    assert STRINGS[word] == KNOWLEDGE.notices[notice]


def test_every_word_is_in_the_table_and_is_used() -> None:
    """A translator finds every text in one table, and none that is never shown."""
    used = set(re.findall(r"words\.(\w+)", SCRIPT.split("const STRINGS")[1]))
    by_name = {*REASONS, "emergency", "clinic", "crisis"}

    assert used | by_name == set(STRINGS)


def test_limits_are_those_of_the_server() -> None:
    """The longest text and the reasons of a thumb are the same on both sides."""
    assert f"LONGEST = {LONGEST_TEXT};" in SCRIPT
    assert re.findall(r"'(\w+)'", SCRIPT.split("const REASONS = [")[1].split("]")[0]) == list(REASONS)
