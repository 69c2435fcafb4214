"""COVID-Q (Wei et al. 2020): questions about COVID-19, by category and by what exactly is asked.

``categories`` has 20 training questions for each of 15 labels, ``classes`` three for each question that is
asked in many ways. There are two tests: questions from real sources, and some that the authors wrote.
Their code prints the accuracy and, for classes, its mean over the labels as well. Nothing is rejected.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from mesoguide.benchmarks import metrics
from mesoguide.benchmarks.types import DataSet, Example, Row, System, Task

TRAINING = {"categories": "train20.csv", "classes": "train3.csv"}
TESTS = {"real": "testA.csv", "written": "testB.csv"}


def files(task: str) -> Sequence[str]:
    """Return the training file and both test files."""
    return tuple(f"dataset_{task}/{name}" for name in (TRAINING[task], *TESTS.values()))


def read(folder: Path, task: str) -> Task:
    """Read one task."""
    training, *tests = (_rows(folder / name) for name in files(task))
    return Task(task, training, dict(zip(TESTS, tests, strict=True)))


def _rows(path: Path) -> list[Example]:
    with path.open(encoding="utf-8", newline="") as file:
        return [(row[0], row[1]) for row in csv.reader(file) if row]


def measure(task: Task, system: System) -> Sequence[Row]:
    """Return the accuracy and its mean over the labels, on real and on written questions."""
    run = system(task.training, [text for test in task.tests.values() for text, _ in test])
    figures: list[float] = []
    begin = 0
    for test in task.tests.values():
        labels = [label for _, label in test]
        guesses = run.guesses[begin : begin + len(test)]
        right = [guess.label == label for guess, label in zip(guesses, labels, strict=True)]
        figures += [metrics.share(right), metrics.share_by_label(right, labels)]
        begin += len(test)
    return [Row(figures, run=run)]


COVIDQ = DataSet(
    tasks=("categories", "classes"),
    columns={"accuracy": 1, "mean by label": 1, "written: accuracy": 1, "written: mean by label": 1},
    files=files,
    read=read,
    measure=measure,
)
