from __future__ import annotations

from pathlib import Path

import pytest

from mesoguide.benchmarks.types import Example
from mesoguide.rasa_host import benchmark_worker, quiet, tuning
from mesoguide.rasa_host.training import prepare
from tests.benchmarks.fakes import TRAINING
from tests.language.layers import write_layers


def test_layers_tuned_on_the_data_set_are_what_the_pipeline_reads_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The layers are tuned on the training messages alone, and the trained pipeline has their block of numbers."""
    told: list[list[Example]] = []

    def tune(examples: list[Example], target: Path) -> None:
        told.append(examples)
        write_layers(target)

    quiet.start()
    prepare(print)
    monkeypatch.setattr(tuning, "tune_intents", tune)
    run = benchmark_worker.tuned(TRAINING, ["I want to buy a desk", "when do you open the office"])

    assert [TRAINING] == told
    assert ["buy", "open"] == [guess.label for guess in run.guesses]


def test_a_failed_tuning_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tuning's own environment complains of stands in the error."""
    monkeypatch.setattr(tuning.shutil, "which", lambda _: str(tmp_path / "uv"))
    (tmp_path / "uv").write_text("#!/bin/sh\necho no torch for this machine >&2\nexit 2\n", "utf-8")
    (tmp_path / "uv").chmod(0o755)

    with pytest.raises(RuntimeError, match="no torch for this machine"):
        tuning.tune_intents([("hello", "greet")], tmp_path / "layers.safetensors")
