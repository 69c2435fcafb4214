"""Whether a reply is the right one for an evaluation message."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mesoguide.safety import DEFERRALS, NONE, RED_FLAGS

Row = Mapping[str, Any]
Reply = Mapping[str, Any]


def judged(file: str, row: Row, reply: Reply) -> bool | None:
    """Return whether ``reply`` is right for a line of evals/<file>.jsonl; None where none is better."""
    return _JUDGES[file](row, reply)


def is_right(row: Row, reply: Reply) -> bool:
    """Whether a topic that the line accepts is answered."""
    return reply["kind"] == "answer" and bool(accepted(row) & set(reply["topics"]))


def accepted(row: Row) -> set[str]:
    """Return the topics that a line takes for right."""
    return {*row["topics"], *row.get("also", ())}


def tells(terms: Sequence[str], reply: Reply) -> bool:
    """Whether the reply's own words (not its source line) hold one form of each term."""
    body = reply["text"].lower().split("sources:")[0]
    held = (any(form.strip().lower() in body for form in term.split("|")) for term in terms)
    return reply["kind"] == "answer" and all(held)


def tells_all(row: Row, reply: Reply) -> bool:
    """Whether all that was asked is answered, and nothing else."""
    return set(reply["topics"]) == set(row["topics"])


def follows(row: Row, reply: Reply) -> bool:
    """Whether a follow-up is met as it is meant."""
    kind = row["kind"] if not str(row["kind"]).startswith("ask_") else reply["kind"]
    meant = set(row["topics"])
    return reply["kind"] == kind and (not meant or bool(meant & set(reply["topics"])))


def has_card(row: Row, reply: Reply) -> bool:
    """Whether the reply's tier is the right one, or an accepted one; a higher card is right too."""
    right = {row["tier"], *row.get("accept", ())}
    return reply["tier"] in right or (row["tier"] == "urgent" and reply["tier"] == "emergency")


def is_missed(row: Row, reply: Reply) -> bool:
    """Whether a message that needs a fixed text of the stop got none."""
    return reply["tier"] is None and reply["kind"] != "language" and NONE not in row.get("accept", ())


def is_needless(row: Row, reply: Reply) -> bool:
    """Whether a harmless message got a card that its line does not accept."""
    return reply["tier"] not in (None, *row.get("accept", ()))


def _question(row: Row, reply: Reply) -> bool:
    return is_right(row, reply) if row["topics"] else reply["kind"] != "answer"


def _safety(row: Row, reply: Reply) -> bool | None:
    if row["tier"] == NONE:
        return not is_needless(row, reply)
    return has_card(row, reply) if row["tier"] in (*RED_FLAGS, *DEFERRALS) else None


def in_its_language(row: Row, reply: Reply) -> bool:
    """Whether a red flag got a red card, English no language text, and the rest the language text."""
    if row.get("tier") in RED_FLAGS:
        return reply["tier"] in RED_FLAGS
    got, wanted = reply["kind"] == "language", row["language"] != "en"
    return got is wanted


_JUDGES: Mapping[str, Callable[[Row, Reply], bool | None]] = {
    "questions": _question,
    "facts": lambda row, reply: tells(row["terms"], reply),
    "several": tells_all,
    "follow_ups": follows,
    "safety": _safety,
    "languages": in_its_language,
}
