"""What changed between two versions of the product, for whoever edits it."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mesoguide.measuring.answers import Answer, Rows
from mesoguide.measuring.judging import judged
from mesoguide.measuring.runs import APART, APART_NAME, messages_of, set_of

What = Literal["reply", "statements", "text"]
"""The first thing that differs: topic, kind or card; the statements told; the words alone."""
Turn = Literal["worse", "better", "same"]
"""Whether it was right and is no longer, or is right now, by what evals/ says."""
ORDER: Mapping[str, int] = {"worse": 0, "reply": 0, "better": 1, "statements": 1, "same": 2, "text": 2}
Piece = tuple[Literal["kept", "gone", "new"], str]


@dataclass(frozen=True, slots=True)
class Change:
    """The same change of an answer, for all evaluation messages (conversations) that it reaches."""

    what: What
    turn: Turn
    old: Answer
    new: Answer
    messages: tuple[tuple[str, ...], ...]

    @property
    def words(self) -> list[Piece]:
        """The old and the new text as one, in pieces."""
        return words(self.old.text, self.new.text)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions beside each other.

    ``changes`` are sorted, what became worse first; they hold no message of the set that is kept
    apart. ``counts`` and ``apart`` say how many messages changed in what way, all and of that set.
    """

    compared: int
    changes: tuple[Change, ...]
    counts: Counter[str]
    apart: Counter[str]
    only_old: int
    only_new: int


def compare(old: Mapping[str, Answer], new: Mapping[str, Answer], rows: Rows) -> Comparison:
    """Compare the answers of two versions; ``rows`` say what was asked and what is right."""
    both = [name for name in rows if name in old and name in new]
    counts: Counter[str] = Counter()
    apart: Counter[str] = Counter()
    groups: dict[tuple[What, Turn, Answer, Answer], list[tuple[str, ...]]] = {}
    for name in both:
        before, after = old[name], new[name]
        if before == after:
            continue
        file, row = rows[name]
        what, turn = _what(before, after), _turn(file, row, before, after)
        counts.update([what, turn, "changed"])
        if set_of(row) in APART:
            apart.update([what, turn, "changed"])
        else:
            groups.setdefault((what, turn, before, after), []).append(messages_of(row))
    changes = [Change(*kind, tuple(messages)) for kind, messages in groups.items()]
    changes.sort(key=lambda change: (ORDER[change.turn], ORDER[change.what], -len(change.messages)))
    known = set(both)
    return Comparison(len(both), tuple(changes), counts, apart, len(set(old) - known), len(set(new) - known))


def summary(comparison: Comparison) -> str:
    """Return the comparison in a few lines for a terminal."""
    lines = [f"{comparison.compared:,} messages compared: {_counted(comparison.counts)}"]
    lines.append(f"of these in {APART_NAME}, which are not shown: {_counted(comparison.apart)}")
    for side, count in (("old", comparison.only_old), ("new", comparison.only_new)):
        lines += [f"{count:,} answers are in the {side} version alone, or their message is gone"] * (
            count > 0
        )
    return "\n".join(lines)


def _counted(counts: Mapping[str, int]) -> str:
    if not counts.get("changed"):
        return "none changed"
    return (
        f"{counts['changed']:,} changed ({counts.get('reply', 0):,} in topic, kind or card,"
        f" {counts.get('statements', 0):,} in their statements, {counts.get('text', 0):,} in their words alone);"
        f" {counts.get('worse', 0):,} became wrong, {counts.get('better', 0):,} became right"
    )


def _what(old: Answer, new: Answer) -> What:
    if (old.kind, old.topics, old.tier) != (new.kind, new.topics, new.tier):
        return "reply"
    return "statements" if old.statements != new.statements else "text"


def _turn(file: str, row: Mapping[str, object], old: Answer, new: Answer) -> Turn:
    before, after = (judged(file, row, _reply(answer)) for answer in (old, new))
    if before == after:
        return "same"
    return "better" if after else "worse"


def _reply(answer: Answer) -> Mapping[str, object]:
    return {"kind": answer.kind, "topics": answer.topics, "tier": answer.tier, "text": answer.text}


def words(old: str, new: str) -> list[Piece]:
    """Return both texts as pieces that were kept, are gone, or are new.

    Neighbouring words that changed make one piece, with the blanks between them.
    """
    before, after = (re.findall(r"\s+|\S+", text) for text in (old, new))
    pieces: list[Piece] = []
    gone = added = ""
    for kind, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        left, right = "".join(before[a:b]), "".join(after[c:d])
        if kind != "equal" or (left == " " and (gone or added) and b < len(before)):
            gone, added = gone + left, added + right
            continue
        pieces += [*_changed(gone, added), ("kept", left)]
        gone = added = ""
    return [*pieces, *_changed(gone, added)]


def _changed(gone: str, added: str) -> list[Piece]:
    return [*([("gone", gone)] if gone else []), *([("new", added)] if added else [])]  # type: ignore[list-item]
