"""``mesoguide benchmark``: our pipeline on public data sets, beside peers.

Beside it run TF-IDF with logistic regression and stock Rasa, on the same data; below them stands what
is published. Each training has a process of its own, so that no part of an earlier one is taken over.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from mesoguide.benchmarks import table
from mesoguide.benchmarks.sets import SETS, missing, published
from mesoguide.benchmarks.types import Example, Guess, Run, System
from mesoguide.settings import ROOT

NAMES = {
    "mesoguide": "Mesoguide",
    "tuned": "Mesoguide, layers tuned",
    "tfidf": "TF-IDF + LR",
    "stock": "stock Rasa",
}
"""Our systems, as :mod:`mesoguide.rasa_host.benchmark_worker` and as the table call them."""


def benchmark(
    name: str,
    folder: Path,
    say: Callable[[str], None],
    *,
    only: Sequence[str] = (),
    stock: bool = True,
    tuned: bool = False,
) -> Iterator[str]:
    """Measure on a data set; give the lines of a Markdown table as they come, none without data.

    Parameters
    ----------
    name
        One of ``SETS``.
    folder
        Where the data set's files are.
    only
        The tasks to measure; none means all.
    stock
        Whether stock Rasa is measured too; it takes minutes to hours.
    tuned
        Whether ours is measured with layers tuned on the task's own training messages, too.
    """
    data_set, known = SETS[name], published(name)
    begun = False
    left_out = {name for name, wanted in (("stock", stock), ("tuned", tuned)) if not wanted}
    for task in only or data_set.tasks:
        if lacking := missing(data_set, task, folder):
            say(f"{task}: skipped, {folder} lacks {', '.join(lacking)}. Get it from {known['where']}")
            continue
        if not begun:
            yield from table.head(data_set)
            begun = True
        content = data_set.read(folder, task)
        for system, title in NAMES.items():
            if system in left_out:
                continue
            say(f"{task}: {title}, {len(content.training):,} training messages …")
            rows = data_set.measure(content, system_in_a_process(system))
            yield from table.measured(data_set, task, title, rows)
        yield from table.peers(data_set, task, known["tasks"][task])
    if begun:
        yield f"\nPublished figures: {known['source'].strip()}"


def system_in_a_process(name: str) -> System:
    """Return the system of that name; each of its runs has a process of its own."""
    return partial(_run, name)


def _run(system: str, training: Sequence[Example], texts: Sequence[str]) -> Run:
    with tempfile.TemporaryDirectory() as place:
        given, made = Path(place, "given.json"), Path(place, "made.json")
        given.write_text(json.dumps({"training": training, "texts": texts}), "utf-8")
        command = [sys.executable, "-m", "mesoguide.rasa_host.benchmark_worker", system, given, made]
        environment = {**os.environ, "RASA_CACHE_DIRECTORY": str(Path(place, "cache"))}
        done = subprocess.run(
            list(map(str, command)), cwd=ROOT, capture_output=True, text=True, check=False, env=environment
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{done.stderr[-2000:]}")
        found = json.loads(made.read_text("utf-8"))
    return Run([Guess(*guess) for guess in found["guesses"]], found["training"], found["message"])
