"""What the classifier's numbers are worth: confusion, rejection, calibration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mesoguide.measuring.figures import Share, share
from mesoguide.measuring.judging import accepted, is_right
from mesoguide.measuring.runs import Run

BINS = 10
"""Bins of probability, each as wide as the others."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Messages whose probability lies in one stretch: their mean probability, and how many are right."""

    probability: float
    right: Share


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a ``threshold`` does: shares of the messages about a topic, and of the others."""

    threshold: float
    right: Share
    wrong: Share
    silent: Share
    answered_all_the_same: Share


def confusion(runs: Sequence[Run]) -> Counter[tuple[str, str]]:
    """Count (what was asked, what was got) over messages about a topic.

    What was got is the first topic told, or in brackets the kind of a reply that tells none (a
    topic and a kind can share their name). A reply that the line takes for right counts as the
    topic that was asked for.
    """
    found: Counter[tuple[str, str]] = Counter()
    for run in runs:
        asked = run.row["topics"][0]
        told = run.reply["topics"][0] if run.reply["kind"] == "answer" else f"({run.reply['kind']})"
        found[asked, asked if is_right(run.row, run.reply) else told] += 1
    return found


def rejection(runs: Sequence[Run], topics: Collection[str], thresholds: Sequence[float]) -> list[Outcome]:
    """Return what each threshold would do, going by the best intent of the whole message alone.

    A message is answered when its best intent is a topic and its score reaches the threshold.
    """
    read = [run for run in runs if run.ranking and run.score is not None]
    about = [
        (run.ranking[0][0] in topics, run.ranking[0][0] in accepted(run.row), run.score or 0.0)
        for run in read
        if run.row["topics"]
    ]
    others = [(run.ranking[0][0] in topics, run.score or 0.0) for run in read if not run.row["topics"]]
    return [
        Outcome(
            threshold,
            share(topic and right and score >= threshold for topic, right, score in about),
            share(topic and not right and score >= threshold for topic, right, score in about),
            share(not topic or score < threshold for topic, _, score in about),
            share(topic and score >= threshold for topic, score in others),
        )
        for threshold in thresholds
    ]


def calibration(runs: Sequence[Run], topics: Collection[str]) -> list[Bin]:
    """Return the messages whose best intent is a topic, in bins of that topic's probability."""
    listed: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for run in runs:
        name, probability = run.ranking[0] if run.ranking else ("", 0.0)
        if name in topics:
            at = min(int(probability * BINS), BINS - 1)
            listed[at].append((probability, name in accepted(run.row)))
    return [
        Bin(sum(value for value, _ in held) / len(held), share(right for _, right in held))
        for held in listed
        if held
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """Return the expected calibration error: the mean gap of probability and share, by messages."""
    total = sum(held.right.of for held in bins)
    return sum(abs(held.probability - held.right.value) * held.right.of for held in bins) / max(total, 1)
