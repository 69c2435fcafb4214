"""HINT3 (Arora et al. 2020): real users' messages to three shops' and games' bots.

As in the paper: in-scope accuracy is without rejection; the Matthews correlation is over all test
messages, with "no intent" as one more class. The column with one typo is ours.
"""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mesoguide.benchmarks import metrics
from mesoguide.benchmarks.types import DataSet, Example, Row, System, Task

OUT = "NO_NODES_DETECTED"
"""The data set's label of a message that has no intent."""
SEED = 13


def files(task: str) -> Sequence[str]:
    """Return the training and the test file; a subset has the test file of the whole set."""
    return f"{task}_train.csv", f"{task.removesuffix('_subset')}_test.csv"


def read(folder: Path, task: str) -> Task:
    """Read one set."""
    training, test = (_rows(folder / name) for name in files(task))
    return Task(task, training, {"test": test})


def _rows(path: Path) -> list[Example]:
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["sentence"], row["label"]) for row in csv.DictReader(file)]


def measure(task: Task, system: System) -> Sequence[Row]:
    """Return in-scope accuracy, the same with one typo in each message, and Matthews correlation."""
    test = task.tests["test"]
    in_scope = [(text, label) for text, label in test if label != OUT]
    run = system(task.training, [*(text for text, _ in test), *with_typos([text for text, _ in in_scope])])
    clean, typed = run.guesses[: len(test)], run.guesses[len(test) :]
    labels = [label for _, label in test]
    accuracy = metrics.share(g.label == label for g, label in zip(clean, labels, strict=True) if label != OUT)
    one_typo = metrics.share(g.label == label for g, (_, label) in zip(typed, in_scope, strict=True))
    correlation = metrics.matthews(labels, [OUT if g.rejected else g.label for g in clean])
    return [Row((accuracy, one_typo, correlation), run=run)]


def with_typos(texts: Sequence[str]) -> Iterator[str]:
    """Put one typo into a word of four letters or more: two letters swapped, or one left out."""
    chance = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    for text in texts:
        words = [match.span() for match in re.finditer(r"[A-Za-z]{4,}", text)]
        if not words:
            yield text
            continue
        start, end = chance.choice(words)
        at = chance.randrange(start, end - 1)
        if chance.random() < 0.5:
            yield text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        else:
            yield text[:at] + text[at + 1 :]


HINT3 = DataSet(
    tasks=(
        "sofmattress",
        "curekart",
        "powerplay11",
        "sofmattress_subset",
        "curekart_subset",
        "powerplay11_subset",
    ),
    columns={"in-scope accuracy": 1, "with one typo": 1, "MCC": 3},
    files=files,
    read=read,
    measure=measure,
)
