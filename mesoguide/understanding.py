"""What a message asks: from the classifier's ranking of each part to the questions in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from mesoguide.reply import CLARIFY, SILENT, SMALL_TALK, UNCLEAR
from mesoguide.types import Question

LIKELY = 0.2
"""Probability from which a topic is worth asking about when the message was rejected."""
REMARKS = frozenset(SMALL_TALK) | {"out_of_scope", UNCLEAR, "empty", "human"}
"""Intents of a part of a message that is no question about the treatment or the clinic."""


def settle(question: Question, topics: Collection[str]) -> Question:
    """Decide what ``question`` is, weighing its kinds and not only its best intent.

    The seven ``silent_*`` intents are one kind: a topic must be likelier than all of them
    together, or the question counts as not in the documents.
    """
    weights = dict(question.ranking)
    silent = {name: weight for name, weight in weights.items() if name.startswith(SILENT)}
    best_topic = max((w for name, w in weights.items() if name in topics), default=0.0)
    if question.sure:
        if question.intent in topics and sum(silent.values()) > weights.get(question.intent, 0):
            return replace(question, intent=max(silent, key=silent.__getitem__))
        return question
    kinds: Mapping[str, float] = {
        "topic": sum(w for name, w in weights.items() if name in topics),
        "silent": sum(silent.values()),
        "other": sum(w for n, w in weights.items() if n not in topics and n not in silent),
    }
    likely = [name for name, w in question.ranking if name in topics and w >= LIKELY]
    if kinds["topic"] == max(kinds.values()) and best_topic >= LIKELY and len(likely) > 1:
        return replace(question, intent=CLARIFY)
    if kinds["other"] < kinds["topic"] + kinds["silent"]:
        best = max(silent, key=silent.__getitem__, default=UNCLEAR)
        return replace(question, intent=best)
    return replace(question, intent=UNCLEAR)


def questions(whole: Question, parts: Sequence[Question], topics: Collection[str]) -> list[Question]:
    """Return the questions of a message, given the whole of it and its proposed parts.

    The parts count when at least two of them, understood for sure, ask about different
    things; otherwise the message is one question. A part that is only a remark does not
    count beside a question.
    """
    one = settle(whole, topics)
    settled = [settle(part, topics) for part in parts]
    asked = [part for part in settled if part.sure and part.intent not in REMARKS]
    different = {part.intent for part in asked}
    if len(different) > 1 and any(part.intent in topics for part in asked):
        return asked
    if asked and not (one.sure and one.intent in topics):
        return asked[:1]
    return [one]
