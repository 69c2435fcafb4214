"""``mesoguide benchmark hint3``: our pipeline on HINT3 (Arora et al. 2020), beside its peers.

Each set's own training file trains the pipeline as it stands in config.yml; only what is
about our own topics and patients is left out, and the speller's words come
from that training file. The metrics are the paper's: in-scope accuracy without rejection,
and the Matthews correlation with "no intent" as one more class.
"""

from __future__ import annotations

import asyncio
import csv
import random
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from sklearn.metrics import matthews_corrcoef

from en_mesoguide import DATA
from en_mesoguide.build import build
from en_mesoguide.known import FILE as KNOWN
from mesoguide.rasa_host.training import train
from mesoguide.settings import ROOT

OUT = "NO_NODES_DETECTED"
"""The data set's label of a message that has no intent."""
REJECTED = "nlu_fallback"
LEFT_OUT = {
    "mesoguide.components.question_splitter.QuestionSplitter",
    "mesoguide.components.question_reader.QuestionReader",
    "mesoguide.components.safety_stop.SafetyStop",
}
"""Components that are about our own topics and patients."""
REJECTION = "mesoguide.components.nearest_example_rejection.NearestExampleRejection"
PUBLISHED = {
    "sofmattress": {"Dialogflow": (73.2, 0.638), "Rasa (ConveRT)": (69.3, 0.526), "LUIS": (59.3, 0.581), "Haptik": (72.3, 0.588), "BERT": (73.6, 0.617)},
    "curekart": {"Dialogflow": (75.0, 0.578), "Rasa (ConveRT)": (84.1, 0.511), "LUIS": (72.6, 0.539), "Haptik": (80.3, 0.603), "BERT": (83.6, 0.553)},
    "powerplay11": {"Dialogflow": (59.6, 0.353), "Rasa (ConveRT)": (49.1, 0.340), "LUIS": (48.0, 0.359), "Haptik": (66.5, 0.425), "BERT": (58.5, 0.347)},
    "sofmattress_subset": {"Dialogflow": (65.4, 0.555), "Rasa (ConveRT)": (56.3, 0.433), "LUIS": (49.4, 0.492), "Haptik": (64.1, 0.496), "BERT": (57.1, 0.492)},
    "curekart_subset": {"Dialogflow": (71.2, 0.562), "Rasa (ConveRT)": (80.5, 0.551), "LUIS": (71.7, 0.517), "Haptik": (79.9, 0.604), "BERT": (82.3, 0.570)},
    "powerplay11_subset": {"Dialogflow": (55.6, 0.330), "Rasa (ConveRT)": (38.5, 0.249), "LUIS": (44.0, 0.364), "Haptik": (59.3, 0.353), "BERT": (53.1, 0.302)},
}  # fmt: skip
"""In-scope accuracy (percent) and best Matthews correlation over the paper's thresholds, which
were chosen on the test set; from the paper's table and its published predictions."""
SEED = 13


@dataclass(frozen=True, slots=True)
class Result:
    """What came out on one set; accuracies in percent."""

    name: str
    accuracy: float
    one_typo: float
    matthews: float


def benchmark(folder: Path, say: Callable[[str], None]) -> str:
    """Measure every set of ``folder`` that has a training and a test file; return a table."""
    lines = ["| set | system | in-scope accuracy | with one typo | MCC |", "|---|---|---|---|---|"]
    for name, peers in PUBLISHED.items():
        parent = name.removesuffix("_subset")
        training, test = folder / f"{name}_train.csv", folder / f"{parent}_test.csv"
        if not (training.is_file() and test.is_file()):
            say(f"{name}: skipped, {folder} lacks its training or test file (see github hellohaptik/HINT3)")
            continue
        say(f"{name}: training and measuring …")
        result = measure(name, rows(training), rows(test))
        lines.append(
            f"| {name} | Mesoguide | {result.accuracy:.1f} | {result.one_typo:.1f} | {result.matthews:.3f} |"
        )
        lines += [f"| | {peer} | {a:.1f} | | {m:.3f} |" for peer, (a, m) in peers.items()]
    return "\n".join(lines)


def measure(name: str, training: Sequence[tuple[str, str]], test: Sequence[tuple[str, str]]) -> Result:
    """Train on ``training`` and measure on ``test``, both pairs of sentence and label."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        model = _trained(folder, training)
        from rasa.core.agent import Agent

        agent = Agent.load(str(model))
        clean = [asyncio.run(_parsed(agent, text)) for text, _ in test]
        in_scope = [(text, label) for text, label in test if label != OUT]
        typed = list(_with_typos([text for text, _ in in_scope]))
        typos = [asyncio.run(_parsed(agent, text)) for text in typed]
    labels = [label for _, label in test]
    rejected = [OUT if parse["intent"]["name"] == REJECTED else _best(parse) for parse in clean]
    right = [_best(parse) == label for parse, label in zip(clean, labels, strict=True) if label != OUT]
    right_typed = [_best(parse) == label for parse, (_, label) in zip(typos, in_scope, strict=True)]
    return Result(
        name,
        100 * sum(right) / len(right),
        100 * sum(right_typed) / len(right_typed),
        float(matthews_corrcoef(labels, rejected)),
    )


def _trained(folder: Path, training: Sequence[tuple[str, str]]) -> Path:
    """Train the NLU pipeline in ``folder``; return the model's file."""
    texts: dict[str, list[str]] = {}
    for text, label in training:
        texts.setdefault(label, []).append(" ".join(text.split()))
    language = folder / "language"
    (language / "mesoguide_vectors").mkdir(parents=True)
    for file in (DATA / "mesoguide_vectors").iterdir():
        if file.name == KNOWN:
            continue  # vectors of our own training messages
        (language / "mesoguide_vectors" / file.name).symlink_to(file)
    build([text for text, _ in training], language, own_subject=False)
    config = yaml.safe_load((ROOT / "config.yml").read_text("utf-8"))
    config["pipeline"] = [
        _adapted(part, language) for part in config["pipeline"] if part["name"] not in LEFT_OUT
    ]
    (folder / "config.yml").write_text(yaml.safe_dump(config), "utf-8")
    blocks = [
        {"intent": label, "examples": "".join(f"- {text}\n" for text in dict.fromkeys(listed))}
        for label, listed in texts.items()
    ]
    (folder / "nlu.yml").write_text(yaml.safe_dump({"version": "3.1", "nlu": blocks}, width=10_000), "utf-8")
    model = folder / "model.tar.gz"
    train(model, config=folder / "config.yml", nlu=folder / "nlu.yml")
    return model


def _adapted(part: dict[str, Any], language: Path) -> dict[str, Any]:
    if part["name"] == "SpacyNLP":
        return {**part, "model": str(language)}
    if part["name"] == REJECTION:
        return {"name": REJECTION}  # the default share; ours knows what is not in the documents
    if part["name"].endswith(".DenseLogisticRegression"):
        return {**part, "max_iter": 200, "tol": 1e-4}  # small sets: train to the end
    return part


async def _parsed(agent: Any, text: str) -> dict[str, Any]:
    parse: dict[str, Any] = await agent.parse_message(text)
    return parse


def _best(parse: dict[str, Any]) -> str:
    ranking = parse.get("intent_ranking") or [{"name": ""}]
    return str(next((i["name"] for i in ranking if i["name"] != REJECTED), ""))


def rows(path: Path) -> list[tuple[str, str]]:
    """Return sentence and label of each line of one of the data set's files."""
    with path.open(encoding="utf-8", newline="") as file:
        return [(row["sentence"], row["label"]) for row in csv.DictReader(file)]


def _with_typos(texts: Sequence[str]) -> Iterator[str]:
    """Put one typo into a word of four letters or more: two letters swapped, or one left out."""
    chance = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    for text in texts:
        words = [match.span() for match in re.finditer(r"[A-Za-z]{4,}", text)]
        if not words:
            yield text
            continue
        start, end = chance.choice(words)
        at = chance.randrange(start, end - 1)
        if chance.random() < 0.5:
            yield text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        else:
            yield text[:at] + text[at + 1 :]
