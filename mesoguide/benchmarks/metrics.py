"""The papers' metrics; shares in percent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from mesoguide.benchmarks.types import Guess


def share(right: Iterable[bool]) -> float:
    """Return how many in a hundred are true; 0 of none."""
    found = list(right)
    return 100 * sum(found) / len(found) if found else 0.0


def share_by_label(right: Sequence[bool], labels: Sequence[str]) -> float:
    """Return the mean over the labels of how many in a hundred of each are true."""
    by_label: dict[str, list[bool]] = {}
    for good, label in zip(right, labels, strict=True):
        by_label.setdefault(label, []).append(good)
    return sum(share(each) for each in by_label.values()) / len(by_label) if by_label else 0.0


def matthews(labels: Sequence[str], said: Sequence[str]) -> float:
    """Return the Matthews correlation over all labels, -1 to 1."""
    from sklearn.metrics import matthews_corrcoef

    return float(matthews_corrcoef(labels, said))


def best_threshold(guesses: Sequence[Guess], labels: Sequence[str], out: str) -> float:
    """Return the trust below which rejecting gives the most right answers.

    A rejected message is right where its label is ``out``, another where its label is the guess.
    Of equally good thresholds the lowest is taken.
    """
    ordered = sorted(zip(guesses, labels, strict=True), key=lambda pair: pair[0].trust)
    right = most = sum(guess.label == label for guess, label in ordered)
    best = 0.0
    for number, (guess, label) in enumerate(ordered, 1):
        right += (label == out) - (guess.label == label)
        following = ordered[number][0].trust if number < len(ordered) else float("inf")
        if right > most and following > guess.trust:
            most, best = right, following
    return best


def turning_away(trusts: Sequence[float], wanted: float) -> float:
    """Return the lowest trust below which at least the share ``wanted`` (0 to 1) of ``trusts`` lies; 0 of none."""
    ordered = sorted(trusts)
    last = math.ceil(wanted * len(ordered))
    return math.nextafter(ordered[last - 1], math.inf) if last else 0.0
