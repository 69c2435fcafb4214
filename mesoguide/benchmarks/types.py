"""What the data sets, the systems and the tables share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Example = tuple[str, str]
"""A sentence and its label."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task of a data set: what is trained on, and what is measured on.

    ``validation`` and ``more_training`` are what the data set has beside: messages to choose a
    threshold on, and training messages that are out of scope. ``tests`` has a name for each.
    """

    name: str
    training: Sequence[Example]
    tests: Mapping[str, Sequence[Example]]
    validation: Sequence[Example] = ()
    more_training: Sequence[Example] = ()


@dataclass(frozen=True, slots=True)
class Guess:
    """What a system makes of one message.

    ``label`` is the best one, whether it is then ``rejected`` or not. ``trust`` is what the
    system rejects by, 0 to 1.
    """

    label: str
    trust: float
    rejected: bool


@dataclass(frozen=True, slots=True)
class Run:
    """The guesses for all messages, and the time: CPU seconds, CPU milliseconds a message."""

    guesses: Sequence[Guess]
    training: float = 0.0
    message: float = 0.0


System = Callable[[Sequence[Example], Sequence[str]], Run]
"""Train on examples, then guess a label for each text."""


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of one system on one task: ``way`` is how they were come by, if there is more than one."""

    figures: Sequence[float | None]
    way: str = ""
    run: Run = field(default_factory=lambda: Run(()))


@dataclass(frozen=True, slots=True)
class DataSet:
    """A public data set: its tasks, the files of each below the data set's folder, and its metrics.

    ``columns`` are the metrics' names, each with the decimals it is printed with.
    """

    tasks: Sequence[str]
    columns: Mapping[str, int]
    files: Callable[[str], Sequence[str]]
    read: Callable[[Path, str], Task]
    measure: Callable[[Task, System], Sequence[Row]]
