"""Take a bubble apart again, line by line: what is said, by which document, what is a notice.

A door that can show more than text (the website) draws the two sides of a disagreement as two
blocks, and the notice apart. It gets no other words than the bubble has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mesoguide.types import Knowledge

Block = dict[str, str]
"""``role``, ``text``, and ``document`` (its id) where a document speaks.

Roles: ``heading`` (of one of several topics), ``said`` (what a document says), ``side`` (the same
where documents differ), ``detail`` (a line of a list), ``differ`` (says that they differ),
``sources``, ``notice`` (the disclaimer or the reminder), ``text`` (any other fixed text).
"""

NOTICES = ("disclaimer", "disclaimer_short", "reminder")


def blocks(reply: Mapping[str, Any], knowledge: Knowledge) -> list[Block]:
    """Return the lines of ``reply["text"]``, each with its role.

    Parameters
    ----------
    reply
        The reply contract's object.
    knowledge
        With its fixed texts filled in, as the reply was made.
    """
    topics = [knowledge.topics[name] for name in reply["topics"] if name in knowledge.topics]
    sides = [knowledge.statements[name].says for topic in topics for name in topic.sides]
    headings = {f"{topic.label[0].upper()}{topic.label[1:]}:" for topic in topics}
    found: list[Block] = []
    for line in reply["text"].split("\n"):
        speaker = _speaker(line, knowledge)
        if line in {knowledge.notices[name] for name in NOTICES}:
            found.append({"role": "notice", "text": line})
        elif line in headings:
            found.append({"role": "heading", "text": line})
        elif speaker and line.startswith("•"):
            found.append({"role": "detail", "text": line.removeprefix("• "), "document": speaker})
        elif speaker:
            side = any(says in line for says in sides)
            found.append({"role": "side" if side else "said", "text": line, "document": speaker})
        elif line.startswith("Sources:") and reply["sources"]:
            found.append({"role": "sources", "text": line})
        elif _is_differ(line, [topic.differ_on for topic in topics], knowledge):
            found.append({"role": "differ", "text": line})
        else:
            found.append({"role": "text", "text": line})
    return _without_lonely_sides(found)


def _speaker(line: str, knowledge: Knowledge) -> str:
    """The document whose words ``line`` gives, or nothing."""
    said = line.removeprefix("• ")
    return next((d.id for d in knowledge.documents.values() if said.startswith(f"{d.name} says ")), "")


def _is_differ(line: str, differ_on: Sequence[str], knowledge: Knowledge) -> bool:
    full = [knowledge.notices["differ"].format(differ_on=what) for what in differ_on if what]
    return line in (knowledge.notices["differ_brief"], *full)


def _without_lonely_sides(found: list[Block]) -> list[Block]:
    """A side that no other document answers is only something said."""
    speakers = {block["document"] for block in found if block["role"] == "side"}
    if len(speakers) > 1:
        return found
    return [{**block, "role": "said"} if block["role"] == "side" else block for block in found]
