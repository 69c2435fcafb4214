"""CLINC150 (Larson et al. 2019): 150 intents of an assistant, and messages that are none of them.

As in the paper: accuracy is over the in-scope test messages, where one that is rejected counts as
wrong; recall is the share of the out-of-scope test messages that are rejected. The paper rejects in two ways,
and we add two: one that sees no message that is out of scope, and one for a recall that is wanted:

- *learnt*: the system's own threshold, from its training messages alone;
- *oos-threshold*: the threshold with the most right answers on the validation messages, of which 100
  are out of scope;
- *for 80% recall*: the threshold that turns away 84 of these 100, four in a hundred (one standard error) more
  than is wanted of the test messages;
- *oos-train*: "out of scope" is trained as a 151st intent, and there is no threshold.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from mesoguide.benchmarks import metrics
from mesoguide.benchmarks.types import DataSet, Example, Row, System, Task

OUT = "oos"
"""The data set's label of a message that is out of scope."""
WANTED = 0.84
"""Share of the out-of-scope validation messages that are turned away where 80% of the test messages are wanted to be."""
MORE = "oos_plus"
"""The task that has more out-of-scope training messages and is for oos-train alone."""


def files(task: str) -> Sequence[str]:
    """Return the one file of a task."""
    return (f"data_{task}.json",)


def read(folder: Path, task: str) -> Task:
    """Read one variant of the set."""
    content = json.loads((folder / files(task)[0]).read_text("utf-8"))

    def part(name: str) -> list[Example]:
        return [(text, label) for text, label in content[name]]

    return Task(
        task,
        part("train"),
        {"in scope": part("test"), "out of scope": part("oos_test")},
        validation=[*part("val"), *part("oos_val")],
        more_training=part("oos_train"),
    )


def measure(task: Task, system: System) -> Sequence[Row]:
    """Return in-scope accuracy and out-of-scope recall for each way of rejecting."""
    test = [*task.tests["in scope"], *task.tests["out of scope"]]
    labels = [label for _, label in test]
    rows: list[Row] = []
    if task.name != MORE:
        run = system(task.training, [text for text, _ in [*test, *task.validation]])
        guesses, validation = run.guesses[: len(test)], run.guesses[len(test) :]
        learnt = [OUT if guess.rejected else guess.label for guess in guesses]
        threshold = metrics.best_threshold(validation, [label for _, label in task.validation], OUT)
        chosen = [OUT if guess.trust < threshold else guess.label for guess in guesses]
        outside = [
            guess.trust for guess, (_, label) in zip(validation, task.validation, strict=True) if label == OUT
        ]
        wanted = metrics.turning_away(outside, WANTED)
        enough = [OUT if guess.trust < wanted else guess.label for guess in guesses]
        rows += [
            Row(_figures(labels, learnt), "learnt", run),
            Row(_figures(labels, chosen), "oos-threshold", run),
            Row(_figures(labels, enough), "for 80% recall", run),
        ]
    run = system([*task.training, *task.more_training], [text for text, _ in test])
    return [*rows, Row(_figures(labels, [guess.label for guess in run.guesses]), "oos-train", run)]


def _figures(labels: Sequence[str], said: Sequence[str]) -> tuple[float, float]:
    pairs = list(zip(said, labels, strict=True))
    return (
        metrics.share(a == b for a, b in pairs if b != OUT),
        metrics.share(a == b for a, b in pairs if b == OUT),
    )


CLINC150 = DataSet(
    tasks=("full", "small", "imbalanced", MORE),
    columns={"in-scope accuracy": 1, "out-of-scope recall": 1},
    files=files,
    read=read,
    measure=measure,
)
