from __future__ import annotations

from pathlib import Path

import pytest

from mesoguide.benchmarks.types import Guess, Run
from mesoguide.rasa_host import benchmark as command
from mesoguide.rasa_host import quiet
from mesoguide.rasa_host.benchmark import benchmark, system_in_a_process
from mesoguide.rasa_host.training import prepare
from tests.benchmarks.fakes import TRAINING, write_csv


def test_a_missing_data_set_is_said_with_where_to_get_it(tmp_path: Path) -> None:
    """Without its files nothing is measured, and each task says what it lacks and where that is."""
    said: list[str] = []

    assert [] == list(benchmark("covidq", tmp_path, said.append))
    assert 2 == len(said)
    assert "lacks dataset_classes/train3.csv" in said[1]
    assert "https://github.com/JerryWeiAI/COVID-Q" in said[1]


@pytest.mark.slow
def test_each_text_has_its_guess_though_one_is_blank() -> None:
    """A message without text is not given to the system, and counts as rejected in its place."""
    training = [
        (text, label)
        for label, words in {"hours": "open close today late", "price": "cost much pay cheap"}.items()
        for text in words.split()
    ]

    run = system_in_a_process("tfidf")(training, ["open today", " ", "cheap cost"])

    assert ["hours", "", "price"] == [guess.label for guess in run.guesses]
    assert run.guesses[1].rejected


@pytest.mark.slow
@pytest.mark.parametrize("system", ["mesoguide", "stock"])
def test_our_systems_learn_from_the_data_set_alone(system: str) -> None:
    """Trained on a few messages of another subject, a system knows those labels and no other."""
    quiet.start()
    prepare(print)

    run = system_in_a_process(system)(TRAINING, ["I want to buy a desk", "when do you open the office"])

    assert ["buy", "open"] == [guess.label for guess in run.guesses]
    assert run.training > 0
    assert run.message > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tuned", "titles"), [(False, ["Mesoguide"]), (True, ["Mesoguide", "Mesoguide, layers tuned"])]
)
def test_tuned_layers_are_measured_only_when_asked(
    tuned: bool, titles: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows with tuned layers cost minutes and torch: they come with ``--tuned`` alone, beside ours."""
    for part in ("train", "test"):
        write_csv(tmp_path / f"sofmattress_{part}.csv", ("sentence", "label"), ("how soft is it", "SOFT"))

    def guess_nothing(name: str) -> object:
        return lambda _, texts: Run([Guess("", 0.0, rejected=True) for _ in texts])

    monkeypatch.setattr(command, "system_in_a_process", guess_nothing)
    lines = list(benchmark("hint3", tmp_path, print, only=["sofmattress"], stock=False, tuned=tuned))

    named = [line.split("|")[2].strip() for line in lines if line.startswith("|") and "Mesoguide" in line]
    assert titles == named
