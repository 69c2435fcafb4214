"""A system that needs no training, and small files in the form of the public data sets."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from mesoguide.benchmarks.types import Example, Guess, Run, System

TRAINING = [
    (text.format(thing), label)
    for label, text in {"open": "when do you open the {}", "buy": "I want to buy a {}"}.items()
    for thing in ("shop", "book", "pen", "lamp", "chair", "table")
]
"""Messages of two intents of another subject."""


def system(said: Mapping[str, Guess], seen: list[Sequence[Example]]) -> System:
    """Return a system that says what ``said`` has for a text; trainings are added to ``seen``."""

    def run(training: Sequence[Example], texts: Sequence[str]) -> Run:
        seen.append(training)
        return Run([said.get(text, Guess("", 0.0, rejected=True)) for text in texts])

    return run


def sure(label: str) -> Guess:
    return Guess(label, 0.9, rejected=False)


def unsure(label: str) -> Guess:
    return Guess(label, 0.1, rejected=True)


def write_csv(path: Path, *rows: Sequence[str]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
