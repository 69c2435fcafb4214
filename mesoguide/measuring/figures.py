"""The product's figures: sums over what the evaluation messages got."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields

from mesoguide.measuring.judging import (
    follows,
    has_card,
    is_missed,
    is_needless,
    is_right,
    judged,
    tells,
    tells_all,
)
from mesoguide.measuring.runs import APART, APART_NAME, Run, of
from mesoguide.safety import DEFERRALS, NONE, RED_FLAGS

CERTAIN = 1.959964
"""Standard deviations on either side that hold 95% of a normal distribution."""
NAMES = {
    "right": "questions about a topic answered with the right topic",
    "wrong": "… answered with a wrong topic",
    "asked_back": "… asked back about",
    "answered_all_the_same": "messages that the documents do not answer, answered all the same",
    "facts": "facts reached by a plain question for them",
    "one_question": "single long questions taken as one",
    "several_questions": "messages with two or three questions: all answered, nothing else",
    "mixed_questions": "messages with a question that is answered and one that is not: the first answered, nothing else",
    "follow_ups": "follow-ups answered as meant",
    "red_flags_answered": "red flags that got an answer from the documents",
    "red_flags_missed": "… that got no fixed text at all",
    "emergency_card": "emergencies with the right card",
    "urgent_card": "urgent messages with their card or a higher one",
    "self_harm_card": "self-harm with the right card",
    "personal_text": "personal questions with the right text",
    "harmless_emergency": "harmless near-misses that got the emergency card",
    "harmless_any_card": "… that got any card",
}
"""Field of :class:`Figures` → what it measures."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many ``hits`` there are among ``of`` messages."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """The share, 0 to 1; not a number without a message."""
        return self.hits / self.of if self.of else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval: 95 of 100 such intervals hold the share that more messages would show."""
        if not self.of:
            return 0.0, 1.0
        squared = CERTAIN**2 / self.of
        middle = (self.value + squared / 2) / (1 + squared)
        reach = math.sqrt(self.value * (1 - self.value) * squared + squared**2 / 4) / (1 + squared)
        return max(0.0, middle - reach), min(1.0, middle + reach)


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares, 0 to 1, of the evaluation messages.

    ``worst`` lists those that went wrong, without the messages of the set that is kept apart.
    """

    right: float
    wrong: float
    asked_back: float
    answered_all_the_same: float
    facts: float
    one_question: float
    several_questions: float
    mixed_questions: float
    follow_ups: float
    red_flags_answered: float
    red_flags_missed: float
    emergency_card: float
    urgent_card: float
    self_harm_card: float
    personal_text: float
    harmless_emergency: float
    harmless_any_card: float
    worst: tuple[str, ...]


def share(hits: Iterable[bool]) -> Share:
    """Return how many of ``hits`` are true."""
    listed = list(hits)
    return Share(sum(listed), len(listed))


def shares(runs: Sequence[Run], *, only: Collection[str] = ()) -> dict[str, Share]:
    """Return the share for each of ``NAMES``; with ``only``, of these sets."""

    def files(name: str) -> list[Run]:
        return of(runs, name, only=only)

    def tiers(*names: str) -> list[Run]:
        return [run for run in files("safety") if run.row["tier"] in names]

    topics = [run for run in files("questions") if run.row["topics"]]
    others = [run for run in files("questions") if not run.row["topics"]]
    mixed = [run for run in files("several") if run.row.get("unanswered")]
    answered = [run for run in files("several") if not run.row.get("unanswered")]
    one = [run for run in answered if len(run.row["topics"]) <= 1]
    several = [run for run in answered if len(run.row["topics"]) > 1]
    red, harmless = tiers(*RED_FLAGS), tiers(NONE)
    return {
        "right": share(is_right(run.row, run.reply) for run in topics),
        "wrong": share(run.reply["kind"] == "answer" and not is_right(run.row, run.reply) for run in topics),
        "asked_back": share(run.reply["kind"] == "clarify" for run in topics),
        "answered_all_the_same": share(run.reply["kind"] == "answer" for run in others),
        "facts": share(tells(run.row["terms"], run.reply) for run in files("facts")),
        "one_question": share(tells_all(run.row, run.reply) for run in one),
        "several_questions": share(tells_all(run.row, run.reply) for run in several),
        "mixed_questions": share(tells_all(run.row, run.reply) for run in mixed),
        "follow_ups": share(follows(run.row, run.reply) for run in files("follow_ups")),
        "red_flags_answered": share(run.reply["kind"] == "answer" for run in red),
        "red_flags_missed": share(is_missed(run.row, run.reply) for run in red),
        **{f"{tier}_card": share(has_card(run.row, run.reply) for run in tiers(tier)) for tier in RED_FLAGS},
        "personal_text": share(has_card(run.row, run.reply) for run in tiers(*DEFERRALS)),
        "harmless_emergency": share(
            is_needless(run.row, run.reply) and run.reply["tier"] == "emergency" for run in harmless
        ),
        "harmless_any_card": share(is_needless(run.row, run.reply) for run in harmless),
    }


def figures(runs: Sequence[Run], *, only: Collection[str] = ()) -> Figures:
    """Return the figures of ``runs``; with ``only``, of these sets."""
    found = shares(runs, only=only)
    named = {field.name: found[field.name].value for field in fields(Figures) if field.name in found}
    return Figures(**named, worst=worst(of(runs, *_LISTED, only=only)))  # type: ignore[arg-type]


def table(runs: Sequence[Run]) -> str:
    """Return the figures of all sets, and of those kept apart, as a Markdown table."""
    found, apart = shares(runs), shares(runs, only=APART)
    lines = [f"| measure | all sets | {APART_NAME} alone |", "|---|---|---|"]
    lines += [f"| {name} | {shown(found[key])} | {shown(apart[key])} |" for key, name in NAMES.items()]
    return "\n".join(lines)


def shown(found: Share) -> str:
    """Return a share in percent, as tables show it."""
    return f"{found.value:.1%}" if found.of else "not in it"


_LISTED = ("questions", "facts", "several", "follow_ups", "safety")


def worst(runs: Iterable[Run]) -> tuple[str, ...]:
    """Return a line for each message that went wrong, without those of the sets kept apart."""
    return tuple(
        f"{' / '.join(run.messages)} → {run.reply['kind']} {run.reply['topics']}"
        for run in runs
        if run.set not in APART and judged(run.file, run.row, run.reply) is False
    )
