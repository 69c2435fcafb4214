"""The page of threats is true: its proofs and controls are there, and every finding has its row."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from mesoguide.settings import ROOT

PAGE = (ROOT / "docs/threats.md").read_text("utf-8")
NODE = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
CODE = re.compile(r"`([^`]+)`")
IN_WORDS = re.compile(r"(?:by construction|accepted): .{30,}")
FINDINGS = {
    *(f"1.{number}" for number in range(1, 11)), "2", "3", *(f"4.{number}" for number in range(1, 7)),
    *(f"5.{number}" for number in range(1, 6)), "6", "7", "8",
}  # fmt: skip
"""Numbers of the review of Rasa 3.6 that the design rests on."""


def rows() -> list[tuple[str, str, str]]:
    """Threat, control and proof of each row."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    cells = [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines]
    return [row for row in cells if row[0] != "threat"]


@cache
def names(path: Path) -> set[str]:
    """What a Python file defines: functions, classes with their methods, constants."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            inside = [part for part in node.body if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef))]
            found |= {node.name, *(f"{node.name}.{part.name}" for part in inside)}
        elif isinstance(node, ast.Assign):
            found |= {
                name.id for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)
            }
    return found


def is_there(control: str) -> bool:
    """Whether ``path`` is there, and the ``name`` after its colon in it."""
    place, _, name = control.partition(":")
    path = ROOT / place
    if not name or not path.is_file():
        return path.exists() and not name
    return name in names(path) if path.suffix == ".py" else name in path.read_text("utf-8")


def test_every_row_has_three_cells() -> None:
    """A threat, a control that names a file, and a proof."""
    wrong = [row for row in rows() if len(row) != 3 or not CODE.search(row[1])]

    assert len(rows()) > 80
    assert wrong == []


def test_every_proof_exists() -> None:
    """Each test that a row names stands in its file; a row without one says in words why."""
    wrong = []
    for threat, _, proof in rows():
        for file, name in NODE.findall(proof):
            path = ROOT / file
            if not path.exists() or name not in names(path):
                wrong.append((threat, f"{file}::{name}"))
        only_tests = NODE.search(proof) and not NODE.sub("", proof).strip()
        if not only_tests and not IN_WORDS.fullmatch(proof):
            wrong.append((threat, proof))

    assert wrong == []


def test_every_control_exists() -> None:
    """Each file that a row names as control is there, and what it names in it."""
    paths = [
        (threat, code)
        for threat, control, _ in rows()
        for code in CODE.findall(control)
        if code != "PROXIES_COUNT" and not code.startswith("/")
    ]

    assert [pair for pair in paths if not is_there(pair[1])] == []


def test_every_finding_has_a_row() -> None:
    """All findings of the review are answered, and no number is made up."""
    cited = {
        number
        for threat, _, _ in rows()
        for inside in re.findall(r"\((\d[\d., ]*)\)", threat)
        for number in inside.split(", ")
    }

    assert cited == FINDINGS


def test_what_is_open_is_said() -> None:
    """The page ends with what no control or test closes yet."""
    assert PAGE.split("\n## ")[-1].startswith("Open\n\n- ")


@pytest.mark.parametrize(
    "control", ["mesoguide/nothing.py", "mesoguide/cli.py:_nothing", "deploy/haproxy.cfg:no such line"]
)
def test_a_missing_control_would_be_found(control: str) -> None:
    """The check of controls can fail."""
    assert not is_there(control)
