"""Which messaging platforms are switched on, and whether their lines in the credentials file can be right."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesoguide.errors import Problem
from mesoguide.yaml_lines import Lines, load

VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
API = re.compile(r"https?://[^\s/]+(?:/\S*)?")


@dataclass(frozen=True, slots=True)
class Rule:
    """A line that a platform needs: the ``field`` that it fills, the ``form`` of its value, ``what`` it is."""

    key: str
    field: str
    form: str
    what: str
    secret: bool = False


def read(path: Path) -> Lines:
    """Read the credentials file, its lines as they are written.

    Raises
    ------
    DataError
        It can't be read.
    """
    return load(path, path.name)


def as_lines(values: Mapping[str, Any], file: str) -> Lines:
    """Return ``values`` as lines of ``file``, where nobody knows any more on which they stood."""
    lines = Lines(values)
    lines.file, lines.line, lines.lines = file, 1, {}
    return lines


def problems(
    written: Lines, door: str, rules: Iterable[Rule], environment: Mapping[str, str] = os.environ
) -> list[Problem]:
    """Return what is wrong with the lines of ``door`` (its class, as it stands in the file)."""
    lines = written.get(door)
    if not isinstance(lines, Lines):
        return [Problem(written.place(door), "it has no lines under it", "Fill them in: docs/channels.md")]
    found = [_line_problem(lines, rule, environment) for rule in rules]
    known = {*(rule.key for rule in rules), "api"}
    unknown = [
        Problem(lines.place(key), f"there is no line '{key}' here", f"Known are: {', '.join(sorted(known))}")
        for key in lines
        if key not in known
    ]
    api = filled(lines.get("api", "https://platform"), environment)
    if not API.fullmatch(api):
        unknown.append(Problem(lines.place("api"), "'api' is no address", "Take the line out"))
    return [problem for problem in found if problem] + unknown


def _line_problem(lines: Lines, rule: Rule, environment: Mapping[str, str]) -> Problem | None:
    if rule.key not in lines:
        return Problem(lines.place(), f"the line '{rule.key}' is missing", f"It is {rule.what}")
    place, value = lines.place(rule.key), lines[rule.key]
    if not isinstance(value, (str, int)):
        return Problem(place, f"'{rule.key}' is no text", f"It is {rule.what}")
    missing = [name for name in variables(value) if not environment.get(name)]
    if missing:
        return Problem(place, f"the environment has no {missing[0]}", f"Set it: {rule.what}")
    if not re.fullmatch(rule.form, filled(value, environment), re.ASCII):
        return Problem(place, f"'{rule.key}' can't be right", f"It is {rule.what}")
    if rule.secret and not variables(value):
        mend = f"Write ${{{rule.key.upper().replace('-', '_')}}} and set that variable"
        return Problem(place, f"'{rule.key}' is a secret and stands in the file", mend, warning=True)
    return None


def variables(value: Any) -> list[str]:
    """Return the environment variables that a line names."""
    return [first or second for first, second in VARIABLE.findall(value if isinstance(value, str) else "")]


def filled(value: Any, environment: Mapping[str, str] = os.environ) -> str:
    """Return a line's value with the environment's variables in it."""
    return VARIABLE.sub(lambda found: environment.get(found[1] or found[2], ""), str(value))
