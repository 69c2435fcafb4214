from __future__ import annotations

from pathlib import Path

import pytest

from mesoguide.benchmarks.banking77 import BANKING77, few
from tests.benchmarks.fakes import sure, system, write_csv


def test_accuracy_is_the_share_of_right_guesses(tmp_path: Path) -> None:
    """All training messages are used, and each test message counts once."""
    write_csv(tmp_path / "train.csv", ("text", "category"), ('my "new" card,\nplease', "card"))
    write_csv(
        tmp_path / "test.csv", ("text", "category"), ("a", "card"), ("b", "pin"), ("c", "pin"), ("d", "pin")
    )
    said = {"a": sure("card"), "b": sure("card"), "c": sure("pin"), "d": sure("card")}
    seen: list = []

    [row] = BANKING77.measure(BANKING77.read(tmp_path, "full"), system(said, seen))

    assert (50,) == row.figures
    assert [[('my "new" card,\nplease', "card")]] == seen


@pytest.mark.slow
def test_the_few_examples_are_the_papers_draw() -> None:
    """Labels go by the alphabet, and NumPy's generator (seed 0) runs on from one label to the next."""
    examples = [(f"{label} {number}", label) for label in ("pin", "card") for number in range(20)]

    drawn = few(examples, 3)

    assert ["card 18", "card 1", "card 19", "pin 11", "pin 1", "pin 18"] == [text for text, _ in drawn]
