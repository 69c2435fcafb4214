from __future__ import annotations

import json
from pathlib import Path

import pytest

from mesoguide.benchmarks.clinc150 import CLINC150, OUT
from mesoguide.benchmarks.types import Guess
from tests.benchmarks.fakes import system

CONTENT = {
    "train": [["pay my bill", "bill"], ["wake me", "alarm"]],
    "val": [["val bill", "bill"], ["val alarm", "alarm"]],
    "oos_val": [["val odd", OUT]],
    "test": [["bill", "bill"], ["alarm", "alarm"]],
    "oos_test": [["odd", OUT], ["strange", OUT], ["weird", OUT], ["queer", OUT]],
    "oos_train": [["train odd", OUT]],
}
SAID = {
    "bill": Guess("bill", 0.9, rejected=False),
    "alarm": Guess("alarm", 0.5, rejected=True),
    "odd": Guess("bill", 0.3, rejected=True),
    "strange": Guess("bill", 0.6, rejected=False),
    "weird": Guess(OUT, 0.8, rejected=False),
    "val bill": Guess("bill", 0.9, rejected=False),
    "val alarm": Guess("alarm", 0.4, rejected=True),
    "val odd": Guess("bill", 0.3, rejected=True),
    "queer": Guess("alarm", 0.7, rejected=True),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for task in ("small", "oos_plus"):
        (tmp_path / f"data_{task}.json").write_text(json.dumps(CONTENT), "utf-8")
    return tmp_path


def test_the_ways_of_rejecting_are_the_papers_and_ours(folder: Path) -> None:
    """Learnt: as the system says. Threshold, recall: chosen on the validation messages. Train: as a label."""
    rows = CLINC150.measure(CLINC150.read(folder, "small"), system(SAID, []))

    assert {
        "learnt": (50, 75),  # "alarm" is rejected: wrong; "odd" and "queer" are, and "weird" by its label
        "for 80% recall": (100, 50),  # just above 0.3, and "weird" by its label
        "oos-threshold": (100, 50),  # 0.4, the lowest that leaves no validation message wrong
        "oos-train": (100, 25),
    } == {row.way: row.figures for row in rows}


def test_out_of_scope_messages_are_trained_on_in_one_way_only(folder: Path) -> None:
    """Only oos-train sees messages that are out of scope, and no way sees one of a test."""
    seen: list = []

    CLINC150.measure(CLINC150.read(folder, "small"), system(SAID, seen))

    in_scope = [("pay my bill", "bill"), ("wake me", "alarm")]
    assert [in_scope, [*in_scope, ("train odd", OUT)]] == [list(training) for training in seen]


def test_the_variant_with_more_of_them_is_for_training_alone(folder: Path) -> None:
    """OOS+ differs from the full set in what oos-train sees, so the other ways are left out."""
    rows = CLINC150.measure(CLINC150.read(folder, "oos_plus"), system(SAID, []))

    assert ["oos-train"] == [row.way for row in rows]
