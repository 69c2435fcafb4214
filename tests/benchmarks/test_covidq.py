from __future__ import annotations

from pathlib import Path

from mesoguide.benchmarks.covidq import COVIDQ
from tests.benchmarks.fakes import sure, system, write_csv


def test_both_tests_are_measured_by_question_and_by_label(tmp_path: Path) -> None:
    """Real and written questions stand apart; a label with few questions weighs as much as another."""
    folder = tmp_path / "dataset_classes"
    write_csv(folder / "train3.csv", ("how does it spread", "7"))
    write_csv(folder / "testA.csv", ("a", "7"), ("b", "7"), ("c", "7"), ("d", "8"))
    write_csv(folder / "testB.csv", ("e", "8"))
    said = {"a": sure("7"), "b": sure("7"), "c": sure("8"), "d": sure("7"), "e": sure("8")}
    seen: list = []

    [row] = COVIDQ.measure(COVIDQ.read(tmp_path, "classes"), system(said, seen))

    assert [50, 100 / 3, 100, 100] == row.figures
    assert [[("how does it spread", "7")]] == seen
