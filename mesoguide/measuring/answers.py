"""What each evaluation message got, as a file that two versions of the product can be compared by.

The file holds no message: those stand in evals/, and each answer names its own by a key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mesoguide import evaluation_data
from mesoguide.errors import DataError, Problem
from mesoguide.measuring.runs import FILES, Run, messages_of
from mesoguide.types import Place

Rows = Mapping[str, tuple[str, Mapping[str, Any]]]
"""Key → the file in evals/ and the line in it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one evaluation message got; ``tier`` is None where nothing was stopped."""

    kind: str
    topics: tuple[str, ...]
    tier: str | None
    statements: tuple[str, ...]
    text: str

    @classmethod
    def of(cls, reply: Mapping[str, Any]) -> Answer:
        """Take it from a reply object.

        Raises
        ------
        KeyError
            Something is missing in it.
        """
        return cls(
            kind=str(reply["kind"]),
            topics=tuple(reply["topics"]),
            tier=reply["tier"],
            statements=tuple(reply["statements"]),
            text=str(reply["text"]),
        )


def key(file: str, messages: Iterable[str]) -> str:
    """Return the name of a message, which stays when lines move: its file and a hash of its words."""
    said = "\0".join(messages).encode("utf-8", "surrogatepass")
    return f"{file}-{hashlib.sha256(said).hexdigest()[:12]}"


def rows(folder: Path = evaluation_data.EVALS) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Return all lines of the evaluation files in ``folder`` by their keys."""
    return {
        key(file, messages_of(row)): (file, row)
        for file in FILES
        for row in evaluation_data.read(file, folder)
    }


def of_runs(runs: Iterable[Run]) -> dict[str, Answer]:
    """Return what each of ``runs`` got, by its key."""
    return {key(run.file, run.messages): Answer.of(run.reply) for run in runs}


def write(path: Path, answers: Mapping[str, Answer]) -> None:
    """Write ``answers``, one a line."""
    lines = (json.dumps({"id": name, **asdict(answer)}) for name, answer in answers.items())
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def read(path: Path) -> dict[str, Answer]:
    """Read what :func:`write` wrote.

    Raises
    ------
    DataError
        A line is no answer.
    """
    answers: dict[str, Answer] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            written = json.loads(line)
            answers[str(written["id"])] = Answer.of(written)
        except (ValueError, KeyError, TypeError) as cause:
            mend = "Write the file anew with `mesoguide eval --answers FILE`"
            raise DataError([Problem(Place(path.name, number), "this is no answer", mend)]) from cause
    return answers
