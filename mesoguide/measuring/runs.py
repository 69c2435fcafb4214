"""An evaluation message with what it got, and all of them together."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

APART = ("e", "f", "g", "h", "i", "k", "l", "m", "n", "o", "p", "q")
"""The newest sets, which other hands wrote without a look at the training messages.

Their sums are shown and their messages never, so that nobody chooses anything on them."""
APART_NAME = "sets e to i and k to q"
FILES = ("questions", "facts", "several", "follow_ups", "safety", "languages")
"""The files of evals/ in the order in which they are run."""
FIRST = "a"
"""The set of a line that names none: the sets are younger than these lines."""


@dataclass(frozen=True, slots=True)
class Run:
    """One evaluation message and what it got.

    ``file`` is its file in evals/, ``row`` its line there, ``reply`` the reply object to the last
    of its messages. ``ranking`` holds the intents of the whole message with their probabilities
    (0 to 1), best first, and ``score`` what was compared with the threshold (None: nothing was).
    """

    file: str
    row: Mapping[str, Any]
    reply: Mapping[str, Any]
    ranking: tuple[tuple[str, float], ...] = ()
    score: float | None = None

    @property
    def set(self) -> str:
        """The set that the message belongs to."""
        return set_of(self.row)

    @property
    def messages(self) -> tuple[str, ...]:
        """What was said, in order."""
        return messages_of(self.row)


@dataclass(frozen=True, slots=True)
class Measured:
    """All runs; ``typed`` those with typos put in, by how many; times in seconds."""

    runs: tuple[Run, ...]
    typed: Mapping[int, tuple[Run, ...]] = field(default_factory=dict)
    threshold: float | None = None
    seconds: float = 0.0
    processor_seconds: float = 0.0

    def of(self, *files: str, only: Collection[str] = ()) -> list[Run]:
        """Return the runs of ``files``; with ``only``, those of these sets."""
        return of(self.runs, *files, only=only)


def of(runs: Collection[Run], *files: str, only: Collection[str] = ()) -> list[Run]:
    """Return those of ``runs`` that are from ``files``; with ``only``, from these sets."""
    return [run for run in runs if run.file in files and (not only or run.set in only)]


def set_of(row: Mapping[str, Any]) -> str:
    """Return the set that a line of evals/ belongs to."""
    return str(row.get("set", FIRST))


def messages_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a line of evals/ says to the bot, in order."""
    if "messages" in row:
        return tuple(row["messages"])
    return (row["question"] if "question" in row else row["text"],)
