"""Turn a message that only makes sense after another one into a topic.

"And PRP?", "what about women?", "and after that?": what is named decides, together with
what the last answer was about.
"""

from __future__ import annotations

import re

from mesoguide.types import Knowledge, Memory, Question

NAMED: dict[str, str] = {
    "minoxidil": "compare_minoxidil",
    "finasteride": "compare_finasteride",
    "prp": "compare_prp",
    "transplant": "compare_transplant",
    "tablets": "compare_treatments",
    "shampoo": "compare_treatments",
    "women": "suitability",
    "men": "suitability",
    "ages": "suitability",
    "clotting": "contraindications",
    "infection": "contraindications",
}
"""Term → the topic that a bare mention of it asks about."""

OPENING = re.compile(
    r"^\W*(?:(?:and|but|ok(?:ay)?|so|or|also)\W+)*"
    r"(?:(?:what|how|wat|hw)\s*(?:'s|s|is)?\s*(?:about|abt|bout|of|with)|(?:and|or|vs|versus|same (?:for|with)|for|compared (?:to|with)))\b",
    re.IGNORECASE,
)
SILENT = "silent_"
"""Intents with this prefix are questions that the documents do not answer."""
LONGEST = 7
"""Words above which a message says itself what it asks."""


def named_topic(question: Question) -> str | None:
    """Return the topic of a short follow-up such as "and PRP?", or None if it is none."""
    words = question.text.split()
    if len(words) > LONGEST or not OPENING.match(question.text):
        return None
    if question.sure and question.intent.startswith(SILENT):
        return None
    return next((NAMED[name] for name in question.names if name in NAMED), None)


def compared(question: Question) -> list[str]:
    """Return the topics of a comparison that names several treatments ("PRP or minoxidil?")."""
    named = (NAMED.get(name, "") for name in question.names)
    topics = dict.fromkeys((question.intent, *named))
    return [topic for topic in topics if topic.startswith("compare_")]


def next_topic(memory: Memory, knowledge: Knowledge) -> str | None:
    """Return the topic that comes after the last one told, for "and after that?"."""
    for topic in reversed(memory.topics):
        if topic in knowledge.topics and knowledge.topics[topic].then:
            return knowledge.topics[topic].then
    return None
