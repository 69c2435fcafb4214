"""The evaluation questions in evals/: written apart from the training data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mesoguide import json_lines
from mesoguide.settings import ROOT

EVALS = ROOT / "evals"


def read(name: str, folder: Path = EVALS) -> list[dict[str, Any]]:
    """Return the objects in ``evals/<name>.jsonl``, each with the ``line`` it stands on.

    Raises
    ------
    DataError
        The file can't be read, or a line is no JSON object.
    """
    rows = json_lines.rows(folder / f"{name}.jsonl", f"evals/{name}.jsonl")
    return [{**row, "line": place.line} for place, row in rows]


def questions(folder: Path = EVALS) -> list[dict[str, Any]]:
    """Return the single questions, with ``text``, ``kind`` and ``topics``."""
    return read("questions", folder)
