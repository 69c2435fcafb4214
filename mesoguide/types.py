"""The things that travel through the rooms, named once.

All are frozen: a reply is made of them, never by changing them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal

Agreement = Literal["agree", "differ", "one"]
"""Whether the documents agree on a topic, differ on it, or only one answers it."""

Kind = Literal[
    "answer", "safety", "personal", "not_in_documents", "clarify", "clinic",
    "out_of_scope", "small_talk", "language", "error",
]  # fmt: skip
"""What sort of reply it is."""


NEAR = 0.55
"""Cosine from which a statement is what a question asks for, whatever its topic.

Of messages that the documents do not answer, about 1 in 100 comes that near to a
statement; of plain questions for a fact, about half do (docs/measurements.md)."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a data file, for error messages; ``line`` counts from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a document; ``starts`` is how its first line begins."""

    id: str
    title: str
    starts: str


@dataclass(frozen=True, slots=True)
class Document:
    """A source that answers are made from."""

    id: str
    name: str
    title: str
    publisher: str
    publisher_kind: str
    file: str
    sha256: str
    read: date
    reviewed: date
    sections: Mapping[str, Section]
    place: Place


@dataclass(frozen=True, slots=True)
class Statement:
    """One fact of one document in our own words; ``says`` follows "The guide says …".

    ``asked`` are plain questions for it, by which it is found among the statements of its topic.
    """

    id: str
    document: str
    section: str
    says: str
    anchors: tuple[str, ...]
    place: Place
    asked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Topic:
    """What a question can be about, and which statements answer it (see knowledge/topics.yml)."""

    id: str
    label: str
    agreement: Agreement
    lead: tuple[str, ...]
    sides: tuple[str, ...]
    more: tuple[str, ...]
    why: tuple[str, ...]
    differ_on: str
    open: str
    publisher: bool
    then: str
    next: tuple[str, ...]
    place: Place

    @property
    def statements(self) -> tuple[str, ...]:
        """Ids of all its statements in the order in which they are told."""
        return tuple(dict.fromkeys((*self.lead, *self.sides, *self.more)))


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All that the bot is able to say: documents, statements, topics and fixed texts."""

    documents: Mapping[str, Document]
    statements: Mapping[str, Statement]
    topics: Mapping[str, Topic]
    notices: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a message as the NLU pipeline understood it.

    ``intent`` is the best one, ``sure`` whether it passed the learnt threshold, ``ranking``
    the intents with their probabilities (0 to 1), best first. ``focus`` holds the ids of the
    statements nearest in meaning with their cosine, best first; ``near`` the same whatever their
    topic, for a question that leans on the last answer. ``names`` are the ids of the
    terms found in it (``language/en_mesoguide/terms.yml``), ``document`` the id of the document that
    it is put to, or "".
    """

    text: str
    intent: str
    sure: bool
    ranking: tuple[tuple[str, float], ...] = ()
    focus: tuple[tuple[str, float], ...] = ()
    names: tuple[str, ...] = ()
    near: tuple[tuple[str, float], ...] = ()
    document: str = ""

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Question:
        """Make one from the JSON that the pipeline's last component sends."""
        pairs = {
            key: tuple((str(name), float(score)) for name, score in value.get(key, ()))
            for key in ("ranking", "focus", "near")
        }
        return cls(
            text=value["text"],
            intent=value["intent"],
            sure=bool(value["sure"]),
            names=tuple(value.get("names", ())),
            document=value.get("document", ""),
            **pairs,
        )


@dataclass(frozen=True, slots=True)
class Memory:
    """What a conversation remembers: no words of the user, only what the bot told.

    ``topics`` are those of the last answer, ``told`` the statements told about them so far,
    ``asked`` the topics that the last reply asked the user to choose from, ``reminders`` how
    many more replies carry the reminder of a red flag. ``stopped`` is the tier of the last fixed text of
    the safety stop, and ``held`` for how many more messages it is sent again to one that goes back to it.
    """

    topics: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    reminders: int = 0
    stopped: str = ""
    held: int = 0

    @classmethod
    def from_dict(cls, value: Mapping[str, Any] | None) -> Memory:
        """Make one from the JSON in the tracker's slot; what is missing or of another shape counts as empty."""
        value = value if isinstance(value, Mapping) else {}
        lists = {key: value.get(key) for key in ("topics", "told", "asked")}
        kept = {
            key: tuple(name for name in names if isinstance(name, str))
            if isinstance(names, (list, tuple))
            else ()
            for key, names in lists.items()
        }
        reminders, held = (
            count if isinstance(count := value.get(key), int) else 0 for key in ("reminders", "held")
        )
        stopped = value.get("stopped")
        return cls(
            **kept, reminders=reminders, held=held, stopped=stopped if isinstance(stopped, str) else ""
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON for the tracker's slot."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole reply: ``text`` is the bubble as a user reads it, the rest says what is in it."""

    text: str
    kind: Kind
    topics: tuple[str, ...] = ()
    tier: str | None = None
    notices: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    sources: tuple[Mapping[str, str], ...] = ()
    buttons: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Return the reply contract's JSON object (see docs/reply-contract.md)."""
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()
        }


def whole_reply(value: object) -> dict[str, Any] | None:
    """Return ``value`` if it is a reply contract's object, None if anything of it is missing or of another kind."""
    if not isinstance(value, dict) or not value.keys() >= set(Reply.__dataclass_fields__):
        return None
    texts = [value["text"], value["kind"], value["tier"] or ""]
    lists = [value[key] for key in ("topics", "notices", "statements", "buttons")]
    if not all(isinstance(each, list) for each in (*lists, value["sources"])) or not value["text"]:
        return None
    texts += [each for names in lists for each in names]
    whole = all(isinstance(each, str) for each in texts) and all(
        isinstance(s, dict) for s in value["sources"]
    )
    return value if whole and value["text"].strip() else None
