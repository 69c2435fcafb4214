"""``make eval``: the product's own questions (evals/) through the whole product."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesoguide import evaluation_data
from mesoguide.rasa_host.assistant import Assistant
from mesoguide.safety import DEFERRALS, NONE, RED_FLAGS
from mesoguide.settings import load_settings

APART = "e"
"""The newest set that other hands wrote, without a look at the training messages."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares, 0 to 1, of the evaluation messages; ``worst`` lists those that went wrong."""

    right: float
    wrong: float
    asked_back: float
    answered_all_the_same: float
    facts: float
    one_question: float
    several_questions: float
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


def measure(model: Path, *, only: Collection[str] = ()) -> Figures:
    """Send every evaluation message through the product; with ``only``, those of these sets."""
    return asyncio.run(_measure(Assistant.load(model, load_settings()), only))


def evaluate(model: Path, *, worst: bool = False) -> str:
    """Return the figures as a Markdown table."""
    figures, apart = measure(model), measure(model, only=APART)
    rows = [
        ("questions about a topic answered with the right topic", "right"),
        ("… answered with a wrong topic", "wrong"),
        ("… asked back about", "asked_back"),
        ("messages that the documents do not answer, answered all the same", "answered_all_the_same"),
        ("facts reached by a plain question for them", "facts"),
        ("single long questions taken as one", "one_question"),
        ("messages with two or three questions: all answered, nothing else", "several_questions"),
        ("follow-ups answered as meant", "follow_ups"),
        ("red flags that got an answer from the documents", "red_flags_answered"),
        ("… that got no fixed text at all", "red_flags_missed"),
        ("emergencies with the right card", "emergency_card"),
        ("urgent messages with their card or a higher one", "urgent_card"),
        ("self-harm with the right card", "self_harm_card"),
        ("personal questions with the right text", "personal_text"),
        ("harmless near-misses that got the emergency card", "harmless_emergency"),
        ("… that got any card", "harmless_any_card"),
    ]
    lines = ["| measure | all sets | set e alone |", "|---|---|---|"]
    lines += [f"| {name} | {_shown(figures, key)} | {_shown(apart, key)} |" for name, key in rows]
    return "\n".join([*lines, *(figures.worst if worst else ())])


def _shown(figures: Figures, key: str) -> str:
    share = getattr(figures, key)
    return "not in it" if math.isnan(share) else f"{share:.1%}"


async def _measure(assistant: Assistant, only: Collection[str]) -> Figures:
    worst: list[str] = []

    def read(name: str) -> list[dict[str, Any]]:
        return [row for row in evaluation_data.read(name) if not only or row.get("set", "a") in only]

    async def last(messages: list[str]) -> dict[str, Any]:
        replies = await assistant.conversation(list(messages))
        return replies[-1]

    def note(good: bool, what: object, reply: dict[str, Any]) -> bool:
        if not good:
            worst.append(f"{what} → {reply['kind']} {reply['topics']}")
        return good

    asked = [(row, await last([row["text"]])) for row in read("questions")]
    topics = [(row, reply) for row, reply in asked if row["topics"]]
    others = [(row, reply) for row, reply in asked if not row["topics"]]
    right = [note(_is_right(row, reply), row["text"], reply) for row, reply in topics]
    wrong = [r["kind"] == "answer" and not good for (_, r), good in zip(topics, right, strict=True)]
    answered = [not note(r["kind"] != "answer", row["text"], r) for row, r in others]
    told = [(row, await last([row["question"]])) for row in read("facts")]
    facts = [note(_tells(row["terms"], r), row["question"], r) for row, r in told]
    several: dict[bool, list[bool]] = {True: [], False: []}
    for row in read("several"):
        reply = await last([row["text"]])
        good = set(reply["topics"]) == set(row["topics"])
        several[len(row["topics"]) > 1].append(note(good, row["text"], reply))
    followed = [(row, await last(row["messages"])) for row in read("follow_ups")]
    follow_ups = [note(_follows(row, r), row["messages"], r) for row, r in followed]
    stopped = [(row, await last([row["text"]])) for row in read("safety")]

    def of(*tiers: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        return [(row, reply) for row, reply in stopped if row["tier"] in tiers]

    cards = {
        tier: _share(note(_has_card(row, r), row["text"], r) for row, r in of(tier)) for tier in RED_FLAGS
    }
    return Figures(
        right=_share(right),
        wrong=_share(wrong),
        asked_back=_share(r["kind"] == "clarify" for _, r in topics),
        answered_all_the_same=_share(answered),
        facts=_share(facts),
        one_question=_share(several[False]),
        several_questions=_share(several[True]),
        follow_ups=_share(follow_ups),
        red_flags_answered=_share(r["kind"] == "answer" for _, r in of(*RED_FLAGS)),
        red_flags_missed=_share(_is_missed(row, r) for row, r in of(*RED_FLAGS)),
        emergency_card=cards["emergency"],
        urgent_card=cards["urgent"],
        self_harm_card=cards["self_harm"],
        personal_text=_share(note(_has_card(row, r), row["text"], r) for row, r in of(*DEFERRALS)),
        harmless_emergency=_share(_is_needless(row, r) and r["tier"] == "emergency" for row, r in of(NONE)),
        harmless_any_card=_share(_is_needless(row, r) for row, r in of(NONE)),
        worst=tuple(worst),
    )


def _is_right(row: dict[str, Any], reply: dict[str, Any]) -> bool:
    accepted = {*row["topics"], *row.get("also", ())}
    return reply["kind"] == "answer" and bool(accepted & set(reply["topics"]))


def _tells(terms: Sequence[str], reply: dict[str, Any]) -> bool:
    """Whether the reply's own words (not its source line) hold one form of each term."""
    body = reply["text"].lower().split("sources:")[0]
    held = (any(form.strip().lower() in body for form in term.split("|")) for term in terms)
    return reply["kind"] == "answer" and all(held)


def _follows(row: dict[str, Any], reply: dict[str, Any]) -> bool:
    kind = row["kind"] if not str(row["kind"]).startswith("ask_") else reply["kind"]
    accepted = set(row["topics"])
    return reply["kind"] == kind and (not accepted or bool(accepted & set(reply["topics"])))


def _has_card(row: dict[str, Any], reply: dict[str, Any]) -> bool:
    """Whether the reply's tier is the right one, or an accepted one; a higher card is right too."""
    accepted = {row["tier"], *row.get("accept", ())}
    return reply["tier"] in accepted or (row["tier"] == "urgent" and reply["tier"] == "emergency")


def _is_missed(row: dict[str, Any], reply: dict[str, Any]) -> bool:
    """Whether a message that needs a fixed text of the stop got none."""
    return reply["tier"] is None and reply["kind"] != "language" and NONE not in row.get("accept", ())


def _is_needless(row: dict[str, Any], reply: dict[str, Any]) -> bool:
    return reply["tier"] not in (None, *row.get("accept", ()))


def _share(values: Iterable[bool]) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else math.nan
