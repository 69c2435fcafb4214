"""`make check`: what loading the knowledge can't see, because it looks beyond it.

The source documents where they are at hand, the training data, the evaluation questions,
and the calendar.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mesoguide import evaluation_data, safety
from mesoguide.disguises import disguises
from mesoguide.errors import DataError, Problem
from mesoguide.knowledge import KNOWLEDGE, load_knowledge
from mesoguide.settings import ROOT, load_settings
from mesoguide.types import Document, Knowledge, Place, Statement
from mesoguide.yaml_lines import load

DOCUMENTS = "MESOGUIDE_DOCUMENTS"
"""Environment variable with the folder of the source documents."""
SHARED_WORDS = 8
"""A run of this many words that also stands in a document is its author's sentence."""
TUNED, NGRAMS = (ROOT / "language" / "en_mesoguide" / f"{name}.safetensors" for name in ("tuned", "ngrams"))
OLD_AFTER = datetime.timedelta(days=365)
FEWEST_EXAMPLES = 20
NEAR_WORDS = 4
"""From which a message that is one word away from a training line proves little; shorter ones meet by chance."""
NUMBER = re.compile(r"\d+")
DOSE = re.compile(
    r"\d\s*(?:mg|ml|mcg|µg|g|mm|cm|iu|%|per ?cent)\b|\b(?:milligrams?|millilit(?:re|er)s?)\b", re.IGNORECASE
)
APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"'})


def check(documents: Path | None = None, today: datetime.date | None = None) -> list[Problem]:
    """Check everything; return what is wrong, errors first.

    Parameters
    ----------
    documents
        Folder with the source documents; default: ``$MESOGUIDE_DOCUMENTS``. Without it the
        comparison with them is left out, and a warning says so.
    today
        The day that review dates are measured from.

    Raises
    ------
    DataError
        Knowledge or settings can't even be loaded.
    """
    knowledge = load_knowledge()
    load_settings()
    folder = documents or Path(os.environ.get(DOCUMENTS) or ROOT.parent / "shared" / "documents")
    found = [
        *_document_problems(knowledge, folder),
        *_wording_problems(knowledge),
        *_review_problems(knowledge, today or datetime.date.today()),
        *_example_problems(knowledge),
        *pattern_problems(),
        *_tuning_problems(),
    ]
    return sorted(found, key=lambda problem: (problem.warning, problem.place.file, problem.place.line))


def words(text: str) -> list[str]:
    """Return the words of ``text`` as they are compared: small letters and figures only."""
    return re.findall(r"[a-z0-9]+", text.lower().translate(APOSTROPHES).replace("'", ""))


def sections(document: Document, text: str) -> tuple[dict[str, str], list[Problem]]:
    """Cut ``text`` at the lines that the document's sections start with."""
    starts: dict[str, int] = {}
    problems = []
    at = 0
    for section in document.sections.values():
        found = re.search(rf"^\s*{re.escape(section.starts)}", text[at:].translate(APOSTROPHES), re.MULTILINE)
        if not found:
            wrong = f"no line of {document.file} starts with '{section.starts}'"
            problems.append(Problem(document.place, wrong, "Write how the section's first line begins"))
            continue
        starts[section.id] = at + found.start()
        at += found.end()
    ends = [*list(starts.values())[1:], len(text)]
    return {name: text[start:end] for (name, start), end in zip(starts.items(), ends, strict=True)}, problems


def _document_problems(knowledge: Knowledge, folder: Path) -> Iterator[Problem]:
    for document in knowledge.documents.values():
        path = folder / document.file
        if not path.is_file():
            wrong = f"{document.file} is not at hand: anchors and shared sentences were not checked"
            mend = f"Put it into a folder and name that in {DOCUMENTS}"
            yield Problem(document.place, wrong, mend, warning=True)
            continue
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != document.sha256:
            wrong = f"{document.file} is not the text that was read (its SHA-256 differs)"
            yield Problem(document.place, wrong, "Read it again, then renew sha256 and reviewed")
        text = content.decode("utf-8", "replace")
        texts, problems = sections(document, text)
        yield from problems
        own = [s for s in knowledge.statements.values() if s.document == document.id]
        yield from _anchor_problems(own, texts)
        yield from _shared_problems(knowledge, text, document)


def _anchor_problems(statements: list[Statement], texts: Mapping[str, str]) -> Iterator[Problem]:
    for statement in statements:
        section = " ".join(words(texts.get(statement.section, "")))
        for anchor in statement.anchors:
            if f" {' '.join(words(anchor))} " not in f" {section} ":
                wrong = f"the anchor '{anchor}' does not stand in section '{statement.section}'"
                yield Problem(statement.place, wrong, "Write it as the section does")


def _shared_problems(knowledge: Knowledge, text: str, document: Document) -> Iterator[Problem]:
    theirs = words(text)
    runs = {tuple(theirs[i : i + SHARED_WORDS]) for i in range(len(theirs) - SHARED_WORDS + 1)}
    for place, ours in _own_texts(knowledge):
        said = words(ours)
        for i in range(len(said) - SHARED_WORDS + 1):
            if tuple(said[i : i + SHARED_WORDS]) in runs:
                run = " ".join(said[i : i + SHARED_WORDS])
                wrong = f"'{run}' is a sentence of {document.file}"
                yield Problem(place, wrong, "Say it in our own words")
                break


def _own_texts(knowledge: Knowledge) -> Iterator[tuple[Place, str]]:
    for statement in knowledge.statements.values():
        yield statement.place, statement.says
    for topic in knowledge.topics.values():
        yield topic.place, f"{topic.label} | {topic.differ_on} | {topic.open}"
    for key, text in knowledge.notices.items():
        yield Place(f"{KNOWLEDGE.name}/notices.yml ({key})", 1), text


def _wording_problems(knowledge: Knowledge) -> Iterator[Problem]:
    for statement in knowledge.statements.values():
        anchored = set(NUMBER.findall(" ".join(statement.anchors)))
        for number in sorted(set(NUMBER.findall(statement.says)) - anchored):
            wrong = f"the figure {number} of '{statement.id}' stands in none of its anchors"
            yield Problem(statement.place, wrong, "Name the document's words for it as an anchor")
        if DOSE.search(statement.says):
            wrong = f"'{statement.id}' names a dose or a unit"
            yield Problem(statement.place, wrong, "Leave it out: doses are for a doctor")


def _review_problems(knowledge: Knowledge, today: datetime.date) -> Iterator[Problem]:
    for document in knowledge.documents.values():
        if today - document.reviewed > OLD_AFTER:
            wrong = f"'{document.id}' was last reviewed on {document.reviewed}, over 12 months ago"
            mend = "Read the source again and renew its date"
            yield Problem(document.place, wrong, mend, warning=True)


def pattern_problems() -> Iterator[Problem]:
    """Yield what is wrong in the lists of the safety stop, before a patient's message finds it."""
    for read in (safety.patterns, safety.certain, safety.plain_messages, disguises):
        try:
            read()
        except DataError as error:
            yield from error.problems


def _tuning_problems() -> Iterator[Problem]:
    """Whether the safety stop has learnt from its examples as they are now."""
    digest = safety.examples_digest()
    tuned, ngrams = _told(TUNED), _told(NGRAMS)
    for file, learnt in ((TUNED, tuned["members"][-1]["examples"]), (NGRAMS, ngrams["examples"])):
        if learnt != digest:
            wrong = "safety/examples changed since this was learnt from them"
            yield Problem(
                Place(f"language/en_mesoguide/{file.name}", 1), wrong, "Run `make tune`", warning=True
            )


def _told(file: Path) -> dict[str, Any]:
    """What a file of numbers (safetensors) says about itself, read without its library."""
    with file.open("rb") as opened:
        header = json.loads(opened.read(int.from_bytes(opened.read(8), "little")))
    told: dict[str, Any] = json.loads(header["__metadata__"]["mesoguide"])
    return told


def _example_problems(knowledge: Knowledge) -> Iterator[Problem]:
    path = ROOT / "data" / "nlu.yml"
    written = load(path, "data/nlu.yml")
    examples = {
        block["intent"]: [line for line in block["examples"].splitlines() if line.strip()]
        for block in written["nlu"]
        if "intent" in block
    }
    asked = [question for question in evaluation_data.questions() if question["topics"]]
    for topic in knowledge.topics.values():
        count = len(examples.get(topic.id, []))
        if count < FEWEST_EXAMPLES:
            wrong = f"the topic '{topic.id}' has {count} training examples"
            yield Problem(topic.place, wrong, f"Write at least {FEWEST_EXAMPLES} in data/nlu.yml")
        if not any(topic.id in question["topics"] for question in asked):
            wrong = f"no evaluation question asks for the topic '{topic.id}'"
            yield Problem(topic.place, wrong, "Write some in evals/questions.jsonl")
    yield from asked_problems(knowledge, examples)
    trained = [line.removeprefix("- ") for lines in examples.values() for line in lines]
    tuned_on = [text for text, _ in safety.examples()]
    for name, lines in (("questions", trained), ("facts", trained), ("safety", [*trained, *tuned_on])):
        yield from copy_problems(f"evals/{name}.jsonl", evaluation_data.read(name), lines)


def asked_problems(knowledge: Knowledge, examples: Mapping[str, Collection[str]]) -> Iterator[Problem]:
    """Yield each question asked for a statement that is no training line of a topic that tells it."""
    for statement in knowledge.statements.values():
        telling = [topic.id for topic in knowledge.topics.values() if statement.id in topic.statements]
        trained = {line.removeprefix("- ") for name in telling for line in examples.get(name, ())}
        for question in statement.asked:
            if question not in trained:
                wrong = f"'{question}' is asked for '{statement.id}', but is no training line of its topics"
                mend = f"Write it in data/nlu.yml, under {' or '.join(telling) or 'a topic that tells it'}"
                yield Problem(statement.place, wrong, mend)


def copy_problems(file: str, asked: Iterable[Mapping[str, Any]], lines: Collection[str]) -> Iterator[Problem]:
    """Yield each message of ``file`` that is a training line or, with enough words, one word away from one."""
    from mesoguide.measuring.copies import near_copies

    rows = [(row.get("text") or row["question"], row["line"]) for row in asked]
    exact = {" ".join(words(line)) for line in lines}
    near = near_copies((text for text, _ in rows), lines)
    for text, line in rows:
        said = words(text)
        if " ".join(said) in exact or (len(said) >= NEAR_WORDS and text in near):
            wrong = f"'{text}' is a training line too, or one word away from one"
            yield Problem(Place(file, line), wrong, "Leave it out of one of the two")
