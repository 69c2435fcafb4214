"""What the tests share: the real knowledge, and short ways to ask and to talk."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from mesoguide.knowledge import filled, load_knowledge
from mesoguide.reply import respond
from mesoguide.settings import Settings
from mesoguide.types import Memory, Question, Reply, Topic

SETTINGS = Settings()
RAW = load_knowledge()
KNOWLEDGE = filled(RAW, SETTINGS)
TOPICS = tuple(KNOWLEDGE.topics)
DIFFERING = tuple(topic.id for topic in KNOWLEDGE.topics.values() if topic.agreement == "differ")
NOTHING = Memory()
REASSURING = re.compile(
    r"\bnormal\b|\bdo(?:n't| not) worry\b|\bnothing to worry\b|\byou(?:'ll| will) be (?:fine|ok|all right)\b"
    r"|\bharmless\b",
    re.IGNORECASE,
)
"""Words that no reply may say about a person's own case."""


def question(
    intent: str,
    text: str = "any words",
    *,
    sure: bool = True,
    ranking: Sequence[tuple[str, float]] = (),
    focus: Sequence[tuple[str, float]] = (),
    names: Sequence[str] = (),
    document: str = "",
) -> Question:
    """Make a question that was understood as ``intent``."""
    return Question(text, intent, sure, tuple(ranking), tuple(focus), tuple(names), document=document)


def ask(
    *asked: str | Question, memory: Memory = NOTHING, settings: Settings = SETTINGS
) -> tuple[Reply, Memory]:
    """Ask all of one message; an intent stands for a question that was understood as it."""
    questions = [question(q, f"words {i}") if isinstance(q, str) else q for i, q in enumerate(asked)]
    return respond(questions, memory, RAW, settings)


def talk(*turns: str | Sequence[str | Question]) -> list[Reply]:
    """Hold a conversation, one message a turn; return its replies."""
    replies, memory = [], NOTHING
    for turn in turns:
        reply, memory = ask(*([turn] if isinstance(turn, str) else turn), memory=memory)
        replies.append(reply)
    return replies


def topic(**changed: object) -> Topic:
    """Make a topic that is not in the knowledge, from its ``definition``."""
    return replace(KNOWLEDGE.topics["definition"], **changed)  # type: ignore[arg-type]


def says(statement: str) -> str:
    """Return the words of a statement as a reply gives them."""
    return KNOWLEDGE.statements[statement].says


def speakers(statements: Sequence[str]) -> set[str]:
    """Return the documents that ``statements`` are of."""
    return {KNOWLEDGE.statements[name].document for name in statements}
