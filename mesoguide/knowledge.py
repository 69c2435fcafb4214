"""Load the knowledge as a whole and refuse it, with every problem named, if it does not hold.

``knowledge/documents/*.yml`` (one file a document), ``topics.yml``, ``notices.yml``.
"""

from __future__ import annotations

import datetime
import re
import string
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

from mesoguide.errors import DataError, Problem
from mesoguide.settings import ROOT, Settings
from mesoguide.types import Agreement, Document, Knowledge, Place, Section, Statement, Topic
from mesoguide.yaml_lines import Lines, load

KNOWLEDGE = ROOT / "knowledge"
DOCUMENT_TEXTS = (
    "document", "name", "title", "publisher", "publisher_kind", "file", "sha256",
)  # fmt: skip
OF_SETTINGS = frozenset("clinic clinic_phone_text emergency_number crisis_line_text".split())
"""What any fixed text may name in braces (mesoguide.settings.Settings.texts)."""
OF_ONE = {
    "differ": {"differ_on"}, "nothing_left": {"label"}, "clarify": {"first", "second"},
    "open": {"clinic_price_line"}, "document_silent": {"document", "label"},
    "differences": {"points", "agreed"}, "contents": {"document", "labels"},
}  # fmt: skip
"""Fixed text → what it alone may name in braces beside that."""
NEEDED = frozenset(
    "greeting bot disclaimer disclaimer_short differ differ_brief too_many nothing_left verdict"
    " bottom_line no_reason all_sources not_in_documents not_in_documents_too out_of_scope unclear empty"
    " clarify clinic clinic_too clinic_price_line human privacy error goodbye thanks capabilities"
    " chitchat frustration affirm deny emergency urgent self_harm mention personal medicines pregnancy"
    " minor diy language reminder unclear_too about_mesotherapy deleted private_only document_silent"
    " differences contents agree".split()
)
"""The fixed texts that the code sends."""
ANCHOR_WORDS = 4


def load_knowledge(folder: Path = KNOWLEDGE) -> Knowledge:
    """Read ``folder`` and check that all of it fits together.

    Raises
    ------
    DataError
        Lists every problem with file, line and mend.
    """
    problems: list[Problem] = []
    documents: dict[str, Document] = {}
    statements: dict[str, Statement] = {}
    for path in sorted((folder / "documents").glob("*.yml")):
        written = _load(path, folder, problems)
        document = _document(written, problems)
        if document.id in documents:
            wrong = f"the document '{document.id}' stands in {documents[document.id].place.file} too"
            problems.append(Problem(document.place, wrong, "Give one of them another name"))
        documents[document.id] = document
        statements.update((s.id, s) for s in _statements(written, document, problems))
    if not documents:
        place = Place(f"{folder.name}/documents", 1)
        problems.append(Problem(place, "there is no document", "Add one (docs/add-a-document.md)"))
    topics = {t.id: t for t in _topics(_load(folder / "topics.yml", folder, problems), problems)}
    written_notices = _load(folder / "notices.yml", folder, problems)
    problems += _notice_problems(written_notices)
    problems += _link_problems(documents, statements, topics)
    if problems:
        raise DataError(problems)
    notices = {key: str(text).strip() for key, text in written_notices.items()}
    return Knowledge(documents, statements, topics, notices)


@lru_cache(maxsize=1)
def shared_knowledge() -> Knowledge:
    """Return the project's own, which is read once a process and shared."""
    return load_knowledge()


def filled(knowledge: Knowledge, settings: Settings) -> Knowledge:
    """Return ``knowledge`` with the clinic's settings filled into its fixed texts."""
    own = settings.texts

    def fill(text: str, **more: str) -> str:
        if "{" not in text:
            return text
        names = {**own, **more}
        return re.sub(r"\{(\w+)\}", lambda match: names.get(match[1], match[0]), text)

    notices = {key: fill(text) for key, text in knowledge.notices.items()}
    price = notices["clinic_price_line"]
    topics = {
        name: replace(topic, open=fill(topic.open, clinic_price_line=price))
        for name, topic in knowledge.topics.items()
    }
    return replace(knowledge, notices=notices, topics=topics)


def _load(path: Path, folder: Path, problems: list[Problem]) -> Lines:
    try:
        return load(path, str(path.relative_to(folder.parent)))
    except DataError as error:
        problems += error.problems
    empty = Lines()
    empty.file, empty.line, empty.lines = str(path.relative_to(folder.parent)), 1, {}
    return empty


def _text(written: Lines, key: str, problems: list[Problem], *, default: str | None = None) -> str:
    value = written.get(key, default)
    if isinstance(value, str) and (value.strip() or default is not None):
        return value.strip()
    problems.append(Problem(written.place(key), f"'{key}' is missing or is no text", f"Write {key}: …"))
    return ""


def _texts(written: Lines, key: str, problems: list[Problem]) -> tuple[str, ...]:
    value = written.get(key, [])
    if isinstance(value, list) and all(isinstance(item, (str, int)) for item in value):
        return tuple(str(item) for item in value)
    problems.append(Problem(written.place(key), f"'{key}' is no list of texts", f"Write {key}: [a, b]"))
    return ()


def _flag(written: Lines, key: str, problems: list[Problem]) -> bool:
    value = written.get(key, False)
    if not isinstance(value, bool):
        problems.append(Problem(written.place(key), f"'{key}' is {value!r}", "Write true or false"))
    return value is True


def _date(written: Lines, key: str, problems: list[Problem]) -> datetime.date:
    value = written.get(key)
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return value
    problems.append(Problem(written.place(key), f"'{key}' is no date", f"Write {key}: 2026-11-22"))
    return datetime.date.min


def _unknown(written: Lines, known: set[str], problems: list[Problem]) -> None:
    for key in written.keys() - known:
        mend = f"Known are: {', '.join(sorted(known))}"
        problems.append(Problem(written.place(key), f"'{key}' is unknown here", mend))


def _mapping(written: Lines, key: str, problems: list[Problem]) -> Lines:
    value = written.get(key)
    if isinstance(value, Lines):
        return value
    problems.append(Problem(written.place(key), f"'{key}' is missing", f"Write {key}: and its entries"))
    empty = Lines()
    empty.file, empty.line, empty.lines = written.file, written.line, {}
    return empty


def _document(written: Lines, problems: list[Problem]) -> Document:
    _unknown(written, {*DOCUMENT_TEXTS, "read", "reviewed", "sections"}, problems)
    texts = {key: _text(written, key, problems) for key in DOCUMENT_TEXTS}
    sections = {
        key: Section(key, _text(section, "title", problems), _text(section, "starts", problems))
        for key, section in _entries(_mapping(written, "sections", problems), problems)
    }
    return Document(
        id=texts.pop("document"),
        **texts,
        read=_date(written, "read", problems),
        reviewed=_date(written, "reviewed", problems),
        sections=sections,
        place=Place(written.file, written.line),
    )


def _entries(written: Lines, problems: list[Problem]) -> Iterator[tuple[str, Lines]]:
    for key, value in written.items():
        if isinstance(value, Lines):
            yield key, value
        else:
            problems.append(Problem(written.place(key), f"'{key}' has no entries", "Write them below it"))


def _statements(written: Lines, document: Document, problems: list[Problem]) -> Iterator[Statement]:
    sections = written.get("sections")
    for section_id, section in _entries(sections if isinstance(sections, Lines) else Lines(), problems):
        _unknown(section, {"title", "starts", "statements"}, problems)
        entries = _mapping(section, "statements", problems)
        for name, entry in _entries(entries, problems):
            _unknown(entry, {"says", "anchors", "asked"}, problems)
            place = entries.place(name)
            anchors = _texts(entry, "anchors", problems)
            if not anchors:
                mend = "Name a figure or a term of the section that it rests on"
                problems.append(Problem(place, f"the statement '{name}' has no anchor", mend))
            for anchor in anchors:
                if len(anchor.split()) > ANCHOR_WORDS:
                    wrong = f"the anchor '{anchor}' has more than {ANCHOR_WORDS} words"
                    problems.append(Problem(entry.place("anchors"), wrong, "Shorten it"))
            says = _text(entry, "says", problems)
            if says.endswith("."):
                wrong, mend = "'says' ends with a full stop", "Leave it out: it follows 'The … says'"
                problems.append(Problem(entry.place("says"), wrong, mend))
            asked = _texts(entry, "asked", problems) if "asked" in entry else ()
            yield Statement(
                f"{document.id}.{section_id}.{name}", document.id, section_id, says, anchors, place, asked
            )


def _topics(written: Lines, problems: list[Problem]) -> Iterator[Topic]:
    known = {
        "label",
        "agreement",
        "lead",
        "sides",
        "more",
        "why",
        "differ_on",
        "open",
        "publisher",
        "then",
        "next",
    }
    for name, entry in _entries(written, problems):
        _unknown(entry, known, problems)
        problems += _brace_problems(str(entry.get("open", "")), "open", entry.place("open"))
        agreement: Any = _text(entry, "agreement", problems)
        if agreement not in get_args(Agreement):
            mend = f"Write one of: {', '.join(get_args(Agreement))}"
            problems.append(Problem(entry.place("agreement"), f"'agreement' is '{agreement}'", mend))
        yield Topic(
            id=name,
            label=_text(entry, "label", problems),
            agreement=agreement,
            lead=_texts(entry, "lead", problems),
            sides=_texts(entry, "sides", problems),
            more=_texts(entry, "more", problems),
            why=_texts(entry, "why", problems),
            differ_on=_text(entry, "differ_on", problems, default=""),
            open=_text(entry, "open", problems, default=""),
            publisher=_flag(entry, "publisher", problems),
            then=_text(entry, "then", problems, default=""),
            next=_texts(entry, "next", problems),
            place=written.place(name),
        )


def _notice_problems(written: Lines) -> Iterator[Problem]:
    for key, text in written.items():
        if not isinstance(text, str) or not text.strip():
            yield Problem(written.place(key), f"the fixed text '{key}' is empty", "Write its wording")
            continue
        if "\n" in text.strip():
            mend = "Write it after '>-', as one paragraph"
            yield Problem(written.place(key), f"the fixed text '{key}' has a line break", mend)
        yield from _brace_problems(text, key, written.place(key))
    for key in sorted(NEEDED - set(written)):
        place = Place(written.file, 1)
        yield Problem(place, f"the fixed text '{key}' is missing", "Write its wording")


def _brace_problems(text: str, key: str, place: Place) -> Iterator[Problem]:
    known = OF_SETTINGS | OF_ONE.get(key, set())
    try:
        parts = [part for part in string.Formatter().parse(text) if part[1] is not None]
    except ValueError as cause:
        yield Problem(place, f"braces in '{key}' ({cause})", "Close or double them")
        return
    for _, name, form, conversion in parts:
        if name in known and not form and not conversion:
            continue
        mend = f"Known are: {', '.join(sorted(known))}"
        yield Problem(place, f"'{{{name}}}' is no name that can be filled in", mend)


def _link_problems(
    documents: dict[str, Document], statements: dict[str, Statement], topics: dict[str, Topic]
) -> Iterator[Problem]:
    reached: set[str] = set()
    for topic in topics.values():
        ids = (*topic.lead, *topic.sides, *topic.more, *topic.why)
        reached.update(ids)
        for name in ids:
            if name not in statements:
                mend = f"Is it {_nearest(name, statements)}?"
                yield Problem(topic.place, f"'{topic.id}' names no known statement: '{name}'", mend)
        for part in (topic.lead + topic.sides, topic.more):
            for name in {n for n in part if part.count(n) > 1}:
                yield Problem(topic.place, f"'{topic.id}' names '{name}' twice", "Keep one")
        if topic.then and topic.then not in topics:
            yield Problem(topic.place, f"'then' is no topic: '{topic.then}'", "Name a topic")
        yield from _agreement_problems(topic, documents, statements)
    for statement in statements.values():
        if statement.id not in reached:
            mend = "Name it in a topic of topics.yml"
            yield Problem(statement.place, f"no topic reaches the statement '{statement.id}'", mend)


def _agreement_problems(
    topic: Topic, documents: dict[str, Document], statements: dict[str, Statement]
) -> Iterator[Problem]:
    def speakers(ids: tuple[str, ...]) -> set[str]:
        return {statements[name].document for name in ids if name in statements}

    rules: dict[str, tuple[Callable[[], bool], str]] = {
        "differ": (
            lambda: len(speakers(topic.sides)) > 1 and bool(topic.differ_on),
            "Give 'sides' of two documents and 'differ_on'",
        ),
        "agree": (
            lambda: len(speakers(topic.lead)) > 1 and not topic.sides,
            "Give a 'lead' of two documents and no 'sides'",
        ),
        "one": (
            lambda: len(speakers(topic.lead)) == 1 and not topic.sides,
            "Give a 'lead' of one document and no 'sides'",
        ),
    }
    if topic.agreement in rules and documents:
        holds, mend = rules[topic.agreement]
        if not holds():
            wrong = f"'{topic.id}' says '{topic.agreement}', but its statements do not"
            yield Problem(topic.place, wrong, mend)


def _nearest(name: str, statements: dict[str, Statement]) -> str:
    import difflib

    return next(iter(difflib.get_close_matches(name, statements, n=1)), "spelt right")
