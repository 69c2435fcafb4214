"""The evaluation questions in evals/: written apart from the training data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mesoguide.errors import DataError, Problem
from mesoguide.settings import ROOT
from mesoguide.types import Place

EVALS = ROOT / "evals"


def read(name: str, folder: Path = EVALS) -> list[dict[str, Any]]:
    """Return the objects in ``evals/<name>.jsonl``, each with the ``line`` it stands on.

    Raises
    ------
    DataError
        A line is no JSON object.
    """
    path = folder / f"{name}.jsonl"
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
        except ValueError as cause:
            place = Place(f"evals/{path.name}", number)
            raise DataError([Problem(place, f"this is no JSON ({cause})", "Mend this line")]) from cause
        rows.append({**row, "line": number})
    return rows


def questions(folder: Path = EVALS) -> list[dict[str, Any]]:
    """Return the single questions, with ``text``, ``kind`` and ``topics``."""
    return read("questions", folder)
