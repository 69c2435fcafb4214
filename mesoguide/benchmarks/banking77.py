"""BANKING77 (Casanueva et al. 2020): questions to a bank, 77 intents; accuracy on the test file.

The 10-shot and 30-shot training sets are the paper's own draw. Its authors publish no file of them, but
the rule: labels in alphabetical order; from each, examples without replacement by NumPy's legacy
generator with seed 0, one draw per size.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from mesoguide.benchmarks import metrics
from mesoguide.benchmarks.types import DataSet, Example, Row, System, Task

SHOTS = {"10-shot": 10, "30-shot": 30}
SEED = 0


def files(task: str) -> Sequence[str]:
    """Return the training and the test file, which are the same for each task."""
    return "train.csv", "test.csv"


def read(folder: Path, task: str) -> Task:
    """Read the set, with all training messages or with so many of each intent."""
    training, test = (_rows(folder / name) for name in files(task))
    return Task(task, few(training, SHOTS[task]) if task in SHOTS else training, {"test": test})


def _rows(path: Path) -> list[Example]:
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["text"], row["category"]) for row in csv.DictReader(file)]


def few(examples: Sequence[Example], shots: int) -> list[Example]:
    """Return ``shots`` examples of each label, drawn as the paper's authors draw them."""
    import numpy as np

    chance = np.random.RandomState(SEED)
    chosen: list[Example] = []
    for label in sorted({label for _, label in examples}):
        places = [place for place, (_, each) in enumerate(examples) if each == label]
        chosen += [examples[place] for place in chance.choice(places, size=shots, replace=False)]
    return chosen


def measure(task: Task, system: System) -> Sequence[Row]:
    """Return the accuracy without rejection."""
    test = task.tests["test"]
    run = system(task.training, [text for text, _ in test])
    right = (guess.label == label for guess, (_, label) in zip(run.guesses, test, strict=True))
    return [Row((metrics.share(right),), run=run)]


BANKING77 = DataSet(
    tasks=("10-shot", "30-shot", "full"),
    columns={"accuracy": 2},
    files=files,
    read=read,
    measure=measure,
)
