"""One training and its guesses, in a process of its own (see :mod:`mesoguide.rasa_host.benchmark`).

Ours is the pipeline as it stands in config.yml; only what is about our own topics and patients is
left out, and the speller's words come from the training messages.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import yaml

from mesoguide.benchmarks import tfidf
from mesoguide.benchmarks.types import Example, Guess, Run, System
from mesoguide.rasa_host import quiet
from mesoguide.settings import ROOT

REJECTED = "nlu_fallback"
LEFT_OUT = {
    "mesoguide.components.question_splitter.QuestionSplitter",
    "mesoguide.components.question_reader.QuestionReader",
    "mesoguide.components.safety_stop.SafetyStop",
}
"""Components that are about our own topics and patients."""
REJECTION = "mesoguide.components.nearest_example_rejection.NearestExampleRejection"
SHOWN = "mesoguide.rasa_host.shown_rejection.ShownRejection"
"""The same rejection; it shows the trust and the threshold, and leaves the ranking as it is."""
BLANK = Guess("", 0.0, rejected=True)
"""For a message without any text (COVID-Q has one), which no pipeline is given."""


def mesoguide(training: Sequence[Example], texts: Sequence[str]) -> Run:
    """Train our pipeline on ``training``, and guess."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        begun = time.process_time()
        config = _our_config(folder, training)
        built = time.process_time() - begun
        return _trained_and_run(folder, config, training, texts, _our_guess, built)


def tuned(training: Sequence[Example], texts: Sequence[str]) -> Run:
    """The same with layers that are tuned on ``training`` first, as ours are on our own messages."""
    from mesoguide.rasa_host.tuning import tune_intents

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        begun = _seconds()
        tune_intents(training, folder / "layers.safetensors")
        config = _our_config(folder, training, folder / "layers.safetensors")
        return _trained_and_run(folder, config, training, texts, _our_guess, _seconds() - begun)


def _seconds() -> float:
    """CPU seconds of this process and of those that it has waited for."""
    times = os.times()
    return sum(times[:4])


def stock(training: Sequence[Example], texts: Sequence[str]) -> Run:
    """Train the pipeline that ``rasa init`` writes, and guess."""
    from mesoguide.rasa_host.bench import STOCK

    with tempfile.TemporaryDirectory() as place:
        return _trained_and_run(Path(place), STOCK, training, texts, _stock_guess, 0.0)


def _our_config(folder: Path, training: Sequence[Example], layers: Path | None = None) -> dict[str, Any]:
    """Build the language package for the training messages; return the configuration with it.

    Parameters
    ----------
    layers
        The file of layers that were tuned on them.
    """
    from en_mesoguide import DATA
    from en_mesoguide.build import build
    from en_mesoguide.known import FILE as KNOWN
    from en_mesoguide.vectors import COMPONENT

    language = folder / "language"
    (language / COMPONENT).mkdir(parents=True)
    for file in (DATA / COMPONENT).iterdir():
        if file.name == KNOWN:
            continue  # vectors of our own training messages
        (language / COMPONENT / file.name).symlink_to(file)
    build([text for text, _ in training], language, own_subject=False, layers=layers)
    config: dict[str, Any] = yaml.safe_load((ROOT / "config.yml").read_text("utf-8"))
    config["pipeline"] = [
        _adapted(part, language) for part in config["pipeline"] if part["name"] not in LEFT_OUT
    ]
    return config


def _adapted(part: dict[str, Any], language: Path) -> dict[str, Any]:
    if part["name"] == "SpacyNLP":
        return {**part, "model": str(language)}
    if part["name"] == REJECTION:
        return {"name": SHOWN}  # the default share; ours knows what is not in the documents
    if part["name"].endswith(".DenseLogisticRegression"):
        return {**part, "max_iter": 200, "tol": 1e-4}  # small sets: train to the end
    return part


def _trained_and_run(
    folder: Path,
    config: dict[str, Any],
    training: Sequence[Example],
    texts: Sequence[str],
    guess: Callable[[dict[str, Any]], Guess],
    before: float,
) -> Run:
    """Train with Rasa and guess; ``before`` is CPU seconds that count as training."""
    import rasa.model_training  # noqa: F401 - imports are no training
    from rasa.core.agent import Agent

    from mesoguide.rasa_host.training import train

    (folder / "config.yml").write_text(yaml.safe_dump(config), "utf-8")
    (folder / "nlu.yml").write_text(_nlu(training), "utf-8")
    begun = time.process_time()
    train(folder / "model.tar.gz", config=folder / "config.yml", nlu=folder / "nlu.yml")
    seconds = before + time.process_time() - begun
    agent = Agent.load(str(folder / "model.tar.gz"))

    async def parsed() -> list[dict[str, Any]]:
        return [await agent.parse_message(text) for text in texts]

    asyncio.run(agent.parse_message("hello"))  # the first one loads what is loaded late
    begun = time.process_time()
    parses = asyncio.run(parsed())
    milliseconds = 1000 * (time.process_time() - begun) / len(texts)
    return Run([guess(parse) for parse in parses], seconds, milliseconds)


def _nlu(training: Sequence[Example]) -> str:
    """Write examples as Rasa reads them; a sentence that stands twice in a label counts once."""
    texts: dict[str, list[str]] = {}
    for text, label in training:
        texts.setdefault(label, []).append(" ".join(text.split()))
    blocks = [
        {"intent": label, "examples": "".join(f"- {text}\n" for text in dict.fromkeys(listed))}
        for label, listed in texts.items()
    ]
    return yaml.safe_dump({"version": "3.1", "nlu": blocks}, width=10_000)


def _our_guess(parse: dict[str, Any]) -> Guess:
    trust = float(parse["trust"])
    return Guess(str(parse["intent"]["name"] or ""), trust, bool(trust < parse["threshold"]))


def _stock_guess(parse: dict[str, Any]) -> Guess:
    ranking = parse.get("intent_ranking") or [{"name": "", "confidence": 0.0}]
    best = next(each for each in ranking if each["name"] != REJECTED)
    return Guess(str(best["name"]), float(best["confidence"]), parse["intent"]["name"] == REJECTED)


SYSTEMS: dict[str, System] = {"mesoguide": mesoguide, "tuned": tuned, "tfidf": tfidf.run, "stock": stock}


def main(system: str, given: str, made: str) -> None:
    """Read training messages and texts from the file ``given``, write the guesses to ``made``."""
    quiet.start()
    content = json.loads(Path(given).read_text("utf-8"))
    texts = content["texts"]
    run = SYSTEMS[system]([(t, label) for t, label in content["training"]], [t for t in texts if t.strip()])
    found = iter(run.guesses)
    guesses = [astuple(next(found) if text.strip() else BLANK) for text in texts]
    result = {"guesses": guesses, "training": run.training, "message": run.message}
    Path(made).write_text(json.dumps(result), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
