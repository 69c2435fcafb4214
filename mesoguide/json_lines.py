"""Files with a JSON object a line, read so that an error can name the line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mesoguide.errors import DataError, Problem
from mesoguide.types import Place


def text(path: Path, shown_as: str) -> str:
    """Return what ``path`` holds.

    Raises
    ------
    DataError
        It is missing, or not in UTF-8.
    """
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError) as cause:
        wrong, mend = f"it can't be read ({cause})", "Put the file there, in UTF-8"
        raise DataError([Problem(Place(shown_as, 1), wrong, mend)]) from cause


def rows(path: Path, shown_as: str) -> list[tuple[Place, dict[str, Any]]]:
    """Return the object of each line of ``path``, with its place.

    Raises
    ------
    DataError
        The file can't be read, or a line is no JSON object.
    """
    found: list[tuple[Place, dict[str, Any]]] = []
    for number, line in enumerate(text(path, shown_as).removesuffix("\n").split("\n"), 1):
        place = Place(shown_as, number)
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as cause:
            raise DataError([Problem(place, f"this is no JSON ({cause})", "Mend this line")]) from cause
        if not isinstance(row, dict):
            raise DataError([Problem(place, "this is no JSON object", "Put it into braces")])
        found.append((place, row))
    return found
