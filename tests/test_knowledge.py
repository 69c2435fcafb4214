from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from mesoguide.errors import DataError, Problem
from mesoguide.knowledge import ANCHOR_WORDS, KNOWLEDGE, load_knowledge
from mesoguide.reply import respond
from mesoguide.settings import ROOT, Settings
from mesoguide.types import Memory
from tests import samples

GUIDE, REVIEW = "documents/guide.yml", "documents/review.yml"
TOPICS, NOTICES = "topics.yml", "notices.yml"

THIRD = """\
document: leaflet
name: The leaflet
title: A Leaflet on Mesotherapy
publisher: a test
publisher_kind: a leaflet that the tests made up
file: leaflet.txt
sha256: "0"
read: 2026-11-22
reviewed: 2026-11-22
sections:
  intro:
    title: First Page
    starts: A leaflet
    statements:
      ice:
        says: an ice pack is used before the jabs
        anchors: [ice pack]
"""


class Fault(NamedTuple):
    """One thing broken in a copy of the knowledge, and the problem that must be found."""

    file: str
    find: str
    write: str
    at: str
    wrong: str
    mend: str


UNKNOWN_STATEMENT = Fault(
    TOPICS, r"^  lead: \[review\.intro\.what,", "  lead: [review.intro.whot,", r"^definition:",
    "'definition' names no known statement: 'review.intro.whot'", "Is it review.intro.what?",
)  # fmt: skip
UNREACHED = Fault(
    GUIDE, r"^      popular:", "      lonely:\n        says: x\n        anchors: [x]\n      popular:",
    r"^      lonely:", "no topic reaches the statement 'guide.intro.lonely'", "topics.yml",
)  # fmt: skip
FAULTS = {
    "unknown statement": UNKNOWN_STATEMENT,
    "statement without a topic": UNREACHED,
    "statement that stands twice": Fault(
        GUIDE, r"^      popular:", "      aims:", r"^      aims:\n        says: the treatment has",
        "'aims' stands twice", "Keep one",
    ),
    "document that stands twice": Fault(
        REVIEW, r"^document: .*", "document: guide", r"^document:",
        "the document 'guide' stands in knowledge/documents/guide.yml too", "another name",
    ),
    "agreement that is none": Fault(
        TOPICS, r"^  agreement: agree", "  agreement: mostly", r"^  agreement: mostly",
        "'agreement' is 'mostly'", "agree, differ, one",
    ),
    "agreement of a single document": Fault(
        TOPICS, r"^  lead: \[review\.intro\.what, guide\.intro\.not_surgery\]",
        "  lead: [review.intro.what]", r"^definition:",
        "'definition' says 'agree', but its statements do not", "two documents",
    ),
    "difference without sides": Fault(
        TOPICS, r"(^mechanism:.*?)^  sides: .*?\]$", r"\1  lead: [guide.science.feeds]", r"^mechanism:",
        "'mechanism' says 'differ', but its statements do not", "'sides' of two documents",
    ),
    "difference on nothing": Fault(
        TOPICS, r"(^mechanism:.*?)^  differ_on: [^\n]*\n", r"\1", r"^mechanism:",
        "'mechanism' says 'differ', but its statements do not", "'differ_on'",
    ),
    "one document that is two": Fault(
        TOPICS, r"^  lead: \[review\.procedure\.minutes\]",
        "  lead: [review.procedure.minutes, guide.science.feeds]", r"^session_duration:",
        "'session_duration' says 'one', but its statements do not", "one document",
    ),
    "statement named twice": Fault(
        TOPICS, r"^  more: \[review\.procedure\.minutes_area\]",
        "  more: [review.procedure.minutes_area, review.procedure.minutes_area]",
        r"^session_duration:", "'session_duration' names 'review.procedure.minutes_area' twice", "Keep one",
    ),
    "next topic that is none": Fault(
        TOPICS, r"^  then: mechanism", "  then: magic", r"^definition:",
        "'then' is no topic: 'magic'", "Name a topic",
    ),
    "topic without a label": Fault(
        TOPICS, r"^  label: what mesotherapy is\n", "", r"^  agreement: agree",
        "'label' is missing or is no text", "Write label",
    ),
    "misspelt key of a topic": Fault(
        TOPICS, r"^  label: what mesotherapy is", "  lable: what mesotherapy is", r"^  lable:",
        "'lable' is unknown here", "label",
    ),
    "statements that are no list": Fault(
        TOPICS, r"^  more: \[review\.procedure\.minutes_area\]", "  more: review.procedure.minutes_area",
        r"^  more: review\.procedure\.minutes_area$", "'more' is no list of texts", "Write more: [a, b]",
    ),
    "topic without entries": Fault(
        TOPICS, r"\Z", "magic: yes\n", r"^magic:", "'magic' has no entries", "Write them below it",
    ),
    "anchor too long": Fault(
        GUIDE, r"^        anchors: \[non-surgical\]", "        anchors: [one two three four five]",
        r"^        anchors: \[one two", f"has more than {ANCHOR_WORDS} words", "Shorten it",
    ),
    "statement without an anchor": Fault(
        GUIDE, r"^        anchors: \[non-surgical\]\n", "", r"^      not_surgery:",
        "the statement 'not_surgery' has no anchor", "figure or a term",
    ),
    "statement without words": Fault(
        GUIDE, r"^        says: it is done without surgery\n", "", r"^        anchors: \[non-surgical\]",
        "'says' is missing or is no text", "Write says",
    ),
    "statement with a full stop": Fault(
        GUIDE, r"says: it is done without surgery", "says: it is done without surgery.",
        r"^        says: it is done without surgery\.", "'says' ends with a full stop", "Leave it out",
    ),
    "misspelt key of a statement": Fault(
        GUIDE, r"^        anchors: \[non-surgical\]", "        anchor: [non-surgical]",
        r"^        anchor: ", "'anchor' is unknown here", "anchors, asked, says",
    ),
    "questions of a statement that are no list": Fault(
        GUIDE, r"^        asked:\n(?:          - .*?\n)+", "        asked: why?\n", r"^        asked:",
        "'asked' is no list of texts", "Write asked: [a, b]",
    ),
    "section without a title": Fault(
        GUIDE, r"^    title: Introduction\n", "", r"^    starts:",
        "'title' is missing or is no text", "Write title",
    ),
    "section without statements": Fault(
        GUIDE, r"\Z", "  last:\n    title: Last\n    starts: Last\n", r"^    title: Last",
        "'statements' is missing", "Write statements",
    ),
    "document without a publisher": Fault(
        GUIDE, r"^publisher: .*?\n", "", r"^document:",
        "'publisher' is missing or is no text", "Write publisher",
    ),
    "document with a date in words": Fault(
        GUIDE, r"^reviewed: .*?$", "reviewed: last week", r"^reviewed:",
        "'reviewed' is no date", "2026-11-22",
    ),
    "misspelt key of a document": Fault(
        GUIDE, r"^reviewed:", "revewed:", r"^revewed:", "'revewed' is unknown here", "reviewed",
    ),
    "notice with an unknown brace": Fault(
        NOTICES, r"^thanks: ", "thanks: Dear {patient}, ", r"^thanks:",
        "'{patient}' is no name that can be filled in", "clinic",
    ),
    "notice with an open brace": Fault(
        NOTICES, r"^thanks: ", "thanks: A { b ", r"^thanks:", "braces in 'thanks'", "Close or double",
    ),
    "notice without words": Fault(
        NOTICES, r"^thanks: .*?$", "thanks:", r"^thanks:", "the fixed text 'thanks' is empty", "wording",
    ),
    "file that is not yaml": Fault(
        NOTICES, r"^thanks: .*?$", "thanks: [", r"^capabilities:", "this is not YAML", "Mend this line",
    ),
}  # fmt: skip


def copied(folder: Path) -> Path:
    """Return a copy of the real knowledge, to be changed."""
    return Path(shutil.copytree(KNOWLEDGE, folder / "knowledge"))


def rewrite(path: Path, find: str, write: str) -> str:
    """Change the first place that ``find`` matches; return the new text."""
    text, count = re.subn(find, write, path.read_text("utf-8"), count=1, flags=re.MULTILINE | re.DOTALL)
    if not count:
        raise ValueError(f"{path.name} holds no {find!r}")
    path.write_text(text, "utf-8")
    return text


def line_of(find: str, text: str) -> int:
    """Return the line that ``find`` first matches on."""
    found = re.search(find, text, re.MULTILINE)
    if not found:
        raise ValueError(f"no line matches {find!r}")
    return text.count("\n", 0, found.start()) + 1


def problems(folder: Path) -> tuple[Problem, ...]:
    with pytest.raises(DataError) as caught:
        load_knowledge(folder)
    return caught.value.problems


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_fault_is_refused_with_its_line_and_mend(tmp_path: Path, fault: Fault) -> None:
    """Each single fault is found at its file and line, and the error says how to mend it."""
    folder = copied(tmp_path)
    text = rewrite(folder / fault.file, fault.find, fault.write)
    expected = f"knowledge/{fault.file}:{line_of(fault.at, text)}"
    found = [p for p in problems(folder) if fault.wrong in p.wrong]

    assert [expected] == list({str(problem.place): None for problem in found})
    assert fault.mend in found[0].mend


@pytest.mark.parametrize("fault", [UNREACHED, FAULTS["topic without a label"], FAULTS["anchor too long"]])
def test_one_fault_is_one_problem(tmp_path: Path, fault: Fault) -> None:
    """A fault that stands for itself is not reported in a crowd of others."""
    folder = copied(tmp_path)
    rewrite(folder / fault.file, fault.find, fault.write)

    assert 1 == len(problems(folder))


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    """A folder with faults in three files is mended in one round."""
    folder = copied(tmp_path)
    for name in ("anchor too long", "next topic that is none", "notice with an open brace"):
        rewrite(folder / FAULTS[name].file, FAULTS[name].find, FAULTS[name].write)

    assert {f"knowledge/{GUIDE}", "knowledge/topics.yml", "knowledge/notices.yml"} == {
        problem.place.file for problem in problems(folder)
    }


@pytest.mark.parametrize("name", [TOPICS, NOTICES])
def test_missing_file_is_named(tmp_path: Path, name: str) -> None:
    """A file that is not there is named with what to do."""
    folder = copied(tmp_path)
    (folder / name).unlink()

    assert f"knowledge/{name}:1" in {str(p.place) for p in problems(folder) if "can't be read" in p.wrong}


def test_knowledge_without_documents_is_refused(tmp_path: Path) -> None:
    """Without a document there is nothing that the bot may say."""
    folder = copied(tmp_path)
    shutil.rmtree(folder / "documents")

    assert "there is no document" in {problem.wrong for problem in problems(folder)}


def test_copy_without_a_fault_is_loaded(tmp_path: Path) -> None:
    """The folder alone decides: a copy elsewhere is the same knowledge."""
    assert load_knowledge() == load_knowledge(copied(tmp_path))


def test_every_fixed_text_is_demanded(tmp_path: Path) -> None:
    """Each fixed text is one that the code sends: without any of them nothing starts, not even for a patient."""
    folder = copied(tmp_path)
    keys = re.findall(r"^(\w+):", (folder / NOTICES).read_text("utf-8"), re.MULTILINE)
    (folder / NOTICES).write_text("{}\n", "utf-8")
    missing = {p.wrong for p in problems(folder) if p.place.file == f"knowledge/{NOTICES}"}

    assert {f"the fixed text '{key}' is missing" for key in keys} <= missing


def test_every_topic_can_be_asked_about() -> None:
    """Each topic has training messages, and its buttons are short enough to be shown."""
    training = (ROOT / "data" / "nlu.yml").read_text("utf-8")
    long = [text for topic in samples.KNOWLEDGE.topics.values() for text in topic.next if len(text) > 60]

    assert [] == [name for name in samples.TOPICS if f"- intent: {name}\n" not in training]
    assert [] == long


def test_statements_know_where_they_stand() -> None:
    """A statement's place is the line of its name in its document's file."""
    statement = samples.KNOWLEDGE.statements["guide.procedure.pain"]
    line = (KNOWLEDGE / GUIDE).read_text("utf-8").splitlines()[statement.place.line - 1]

    assert f"knowledge/{GUIDE}" == statement.place.file
    assert "pain:" == line.strip()


def test_statement_ids_lead_to_document_and_section() -> None:
    """An id is document, section and name, and both of the first exist."""
    documents = samples.KNOWLEDGE.documents

    assert [] == [
        statement.id
        for statement in samples.KNOWLEDGE.statements.values()
        if statement.section not in documents[statement.document].sections
        or not statement.id.startswith(f"{statement.document}.{statement.section}.")
    ]


def test_third_document_is_one_new_file(tmp_path: Path) -> None:
    """A new document is a new file and a line in a topic; then its statements are told."""
    folder = copied(tmp_path)
    (folder / "documents" / "leaflet.yml").write_text(THIRD, "utf-8")
    rewrite(folder / TOPICS, r"(^pain:.*?^  more: \[)", r"\1leaflet.intro.ice, ")
    knowledge = load_knowledge(folder)
    reply, _ = respond([samples.question("pain")], Memory(), knowledge, Settings())

    assert "The leaflet says an ice pack is used before the jabs." in reply.text
    assert 'the leaflet ("First Page")' in reply.text
    assert {"document": "leaflet", "section": "First Page"} in reply.sources


def test_third_document_alone_is_reached_by_no_topic(tmp_path: Path) -> None:
    """A new document that no topic names is refused at the line of its statement."""
    folder = copied(tmp_path)
    (folder / "documents" / "leaflet.yml").write_text(THIRD, "utf-8")

    assert ["knowledge/documents/leaflet.yml:15"] == [str(problem.place) for problem in problems(folder)]


def test_third_document_can_have_a_topic_of_its_own(tmp_path: Path) -> None:
    """A new topic of a new document is answered from it."""
    folder = copied(tmp_path)
    (folder / "documents" / "leaflet.yml").write_text(THIRD, "utf-8")
    rewrite(
        folder / TOPICS, r"\Z", "cooling:\n  label: cooling\n  agreement: one\n  lead: [leaflet.intro.ice]\n"
    )
    knowledge = load_knowledge(folder)
    reply, _ = respond([samples.question("cooling")], Memory(), knowledge, Settings())

    assert ("leaflet.intro.ice",) == reply.statements
    assert ("cooling",) == reply.topics


UNNOTICED = {
    "notice that is missing": Fault(
        NOTICES, r"^thanks: [^\n]*\n", "", r"\A", "", "",
    ),
    "unknown brace in what a topic leaves open": Fault(
        TOPICS, r"^  open: ", "  open: On {nothing}, ", r"^  open: On", "", "",
    ),
    "brace that this notice is not given": Fault(
        NOTICES, r"^thanks: ", "thanks: About {label}, ", r"^thanks:", "", "",
    ),
    "notice with an empty line": Fault(
        NOTICES, r"^thanks: .*?$", "thanks: |\n  a\n\n  b", r"^thanks:", "", "",
    ),
    "publisher that is no yes or no": Fault(
        TOPICS, r"^  publisher: true", "  publisher: always", r"^  publisher: always", "", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", UNNOTICED.values(), ids=UNNOTICED.keys())
def test_fault_that_breaks_a_reply_is_refused(tmp_path: Path, fault: Fault) -> None:
    """What would fail or be wrong in front of a patient is refused when it is loaded."""
    folder = copied(tmp_path)
    text = rewrite(folder / fault.file, fault.find, fault.write)
    expected = f"knowledge/{fault.file}:{line_of(fault.at, text)}"

    assert expected in {str(problem.place) for problem in problems(folder)}


def test_sections_that_are_a_list_are_refused(tmp_path: Path) -> None:
    """A list where sections are expected is an error with its line."""
    folder = copied(tmp_path)
    text = rewrite(folder / GUIDE, r"^sections:.*\Z", "sections: [intro]\n")
    expected = f"knowledge/{GUIDE}:{line_of('^sections:', text)}"

    assert expected in {str(problem.place) for problem in problems(folder)}
