from __future__ import annotations

import math
from pathlib import Path

import pytest

from mesoguide.benchmarks.hint3 import HINT3, OUT, with_typos
from tests.benchmarks.fakes import sure, system, unsure, write_csv


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_csv(tmp_path / "curekart_subset_train.csv", ("sentence", "label"), ("open, now", "HOURS"))
    write_csv(
        tmp_path / "curekart_test.csv",
        ("sentence", "label"),
        ("open", "HOURS"),
        ("a b", "PRICE"),
        ("hm", OUT),
        ("oh", OUT),
    )
    return tmp_path


def test_a_subset_is_tested_on_the_whole_sets_test_file(folder: Path) -> None:
    """A subset has its own training file and the test file of the set it is part of."""
    task = HINT3.read(folder, "curekart_subset")

    assert [("open, now", "HOURS")] == task.training
    assert 4 == len(task.tests["test"])


@pytest.mark.slow
def test_accuracy_is_without_rejection_and_correlation_with_it(folder: Path) -> None:
    """A rejected guess counts for accuracy, and as no intent for the correlation."""
    said = {"open": unsure("HOURS"), "a b": sure("PRICE"), "hm": unsure("PRICE"), "oh": unsure("HOURS")}
    task = HINT3.read(folder, "curekart_subset")

    [row] = HINT3.measure(task, system(said, []))
    accuracy, one_typo, correlation = row.figures

    assert 100 == accuracy
    assert 50 == one_typo  # "a b" has no word that could take a typo
    assert pytest.approx(5 / math.sqrt(6 * 10)) == correlation


def test_a_typo_is_one_swap_or_one_letter_less() -> None:
    """Each text differs by one typo, and the same texts get the same typos each time."""
    texts = ["where is my order", "refund please", "how much"]
    typed = list(with_typos(texts))

    assert typed == list(with_typos(texts))
    for text, wrong in zip(texts, typed, strict=True):
        swapped = len(text) == len(wrong) and sorted(text) == sorted(wrong)
        assert swapped or any(wrong == text[:at] + text[at + 1 :] for at in range(len(text)))


def test_short_words_take_no_typo() -> None:
    """A text without a word of four letters stays as it is."""
    assert ["is it ok"] == list(with_typos(["is it ok"]))
