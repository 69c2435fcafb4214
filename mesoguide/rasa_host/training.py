"""Prepare what is built from the project's files, and only when they changed."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from mesoguide import safety
from mesoguide.rasa_host.lean import METADATA
from mesoguide.settings import ROOT

MODEL = ROOT / "models" / "mesoguide.tar.gz"
STAMP = ROOT / "models" / "mesoguide.json"
LANGUAGE_DATA = ROOT / "language" / "en_mesoguide" / "data"
NLU = ROOT / "data" / "nlu.yml"
ENDPOINTS = ROOT / "endpoints.yml"
TRAINED_FROM = (
    "config.yml",
    "domain.yml",
    "data/*.yml",
    "mesoguide/components/*.py",
    "mesoguide/rasa_host/training.py",
    "mesoguide/rejection.py",
    "mesoguide/safety.py",
    "mesoguide/second_head.py",
    "mesoguide/single_precision.py",
    "mesoguide/whitening.py",
    "safety/**/*.*",
)
BUILT_FROM = (
    "data/nlu.yml",
    "mesoguide/safety.py",
    "safety/calibration.jsonl",
    "safety/examples/*.txt",
    "language/en_mesoguide/*.py",
    "language/en_mesoguide/*.yml",
    "language/en_mesoguide/*.safetensors",
)

Say = Callable[[str], None]


def is_ready() -> bool:
    """Whether language data and model are there and made from the files as they are now."""
    made = _made()
    return MODEL.is_file() and made == _wanted() and (LANGUAGE_DATA / "config.cfg").is_file()


def prepare(say: Say, *, force: bool = False) -> Path:
    """Build the language package's data and train the model where their inputs changed.

    Parameters
    ----------
    say
        Told what is being done, a line each.
    force
        Build and train although nothing changed.

    Returns
    -------
    Path
        The model's file.

    Raises
    ------
    RuntimeError
        Rasa could not train; the message says why.
    """
    made, wanted = _made(), _wanted()
    built = (LANGUAGE_DATA / "config.cfg").is_file()
    if force or made.get("language") != wanted["language"] or not built:
        say("building the language package (word lists, sentence encoder) …")
        from en_mesoguide.build import build

        calibration = [reading for row in safety.calibration() for reading in safety.readings(row.text)]
        others = [text for text, _ in safety.examples()]
        build(training_messages(NLU), other_lines=others, calibration=calibration)
        _write({"language": wanted["language"]})
        made = _made()
    if force or made.get("model") != wanted["model"] or not MODEL.is_file():
        say("training the model (about a minute) …")
        train(MODEL)
        _write(wanted)
    return MODEL


def _made() -> dict[str, str]:
    """What the last build and training were made from."""
    try:
        made = json.loads(STAMP.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return made if isinstance(made, dict) else {}


def _wanted() -> dict[str, str]:
    language = digest(BUILT_FROM)
    return {"language": language, "model": digest(TRAINED_FROM) + language}


def train(model: Path, *, config: Path = ROOT / "config.yml", nlu: Path | None = None) -> None:
    """Train with Rasa and put the result at ``model``, whole or not at all.

    Parameters
    ----------
    nlu
        Train the NLU part alone, on this file.
    """
    import rasa.model_training as training
    from threadpoolctl import threadpool_limits

    _without_cache()
    _without_copies()
    _read_once()
    model.parent.mkdir(parents=True, exist_ok=True)
    # A second thread for such small matrices mostly waits: no sooner done, a quarter more processor time.
    one_thread = threadpool_limits(1)
    with one_thread, tempfile.TemporaryDirectory(dir=model.parent) as folder, _printed() as printed:
        if nlu is None:
            files = [str(ROOT / "data")]
            result = training.train(
                str(ROOT / "domain.yml"), str(config), files, output=folder, fixed_model_name="new"
            )
            path = result.model
        else:
            path = training.train_nlu(str(config), str(nlu), folder, fixed_model_name="new")
        if not path:
            raise RuntimeError(f"Rasa could not train:\n{printed.getvalue().strip()}")
        _for_serving(Path(path))
        shutil.move(path, model)


def _without_cache() -> None:
    """Let Rasa train without its cache of single nodes.

    Hashing what goes into and comes out of each node takes a sixth of a training, and the cache is
    seldom of use: nothing is trained unless its files changed, and the messages are in most of them.
    """
    from rasa.engine.graph import GraphNodeHook
    from rasa.engine.training import graph_trainer

    class Unhashed(GraphNodeHook):  # type: ignore[misc]
        def __init__(self, **kwargs: Any) -> None:
            """Take what Rasa gives its own hook."""

        def on_before_node(self, **kwargs: Any) -> dict[str, Any]:
            return {}

        def on_after_node(self, **kwargs: Any) -> None:
            """Keep nothing."""

    graph_trainer.TrainingHook = Unhashed


def _without_copies() -> None:
    """Let Rasa merge its sources of training data without a copy, and without a hash, of every message.

    It merges three times, keeps what the last one returns, and spends a tenth of a training on the copies. Each
    time it looks for doubles by a hash over all that a message holds; their texts tell as much.
    """
    from rasa.shared.nlu.constants import INTENT, RESPONSE
    from rasa.shared.nlu.training_data.message import Message
    from rasa.shared.nlu.training_data.training_data import TrainingData

    def distinct(examples: list[Message]) -> list[Message]:
        found: dict[tuple[Any, ...], Message] = {}
        for example in examples:
            told = example.data
            told.update({key: told[key].strip() for key in (INTENT, RESPONSE) if told.get(key)})
            key = sorted((name, each if isinstance(each, str) else repr(each)) for name, each in told.items())
            # What features hold is not compared.
            key += [("features", str(id(example)))] if example.features else []
            found.setdefault(tuple(key), example)
        return list(found.values())

    def merge(self: TrainingData, *others: TrainingData | None) -> TrainingData:
        merged = [data for data in (self, *others) if data and any(vars(data).values())]
        if len(merged) == 1:
            return merged[0]
        return TrainingData(
            [message for data in merged for message in data.training_examples],
            {text: value for data in merged for text, value in data.entity_synonyms.items()},
            [feature for data in merged for feature in data.regex_features],
            [table for data in merged for table in data.lookup_tables],
            {key: texts for data in merged for key, texts in data.responses.items()},
        )

    TrainingData.merge = merge
    TrainingData.sanitize_examples = staticmethod(distinct)


def _read_once() -> None:
    """Let Rasa read the training messages once: it reads them for the domain too, which they don't change."""
    from rasa.shared.importers.rasa import RasaFileImporter
    from rasa.shared.utils.common import cached_method

    if not hasattr(RasaFileImporter.get_nlu_data, "__wrapped__"):
        RasaFileImporter.get_nlu_data = cached_method(RasaFileImporter.get_nlu_data)


def _for_serving(model: Path) -> None:
    """Take the graph of its training out of a model: to read it Rasa imports every component it knows."""
    whole = model.with_suffix(".whole")
    model.rename(whole)
    with tarfile.open(whole) as source, tarfile.open(model, "w:gz", compresslevel=1) as target:
        for member in source:
            content = source.extractfile(member) if member.isfile() else None
            if content is not None and member.name == METADATA:
                described = {**json.load(content), "train_schema": {"nodes": {}}}
                data = json.dumps(described).encode()
                member.size, content = len(data), io.BytesIO(data)
            target.addfile(member, content)
    whole.unlink()


@contextlib.contextmanager
def _printed() -> Iterator[io.StringIO]:
    """Keep what Rasa (and git, which it calls) prints; it is shown only if training fails."""
    text = io.StringIO()
    with tempfile.TemporaryFile() as errors:
        stderr = os.dup(2)
        os.dup2(errors.fileno(), 2)
        try:
            with contextlib.redirect_stdout(text):
                yield text
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


def training_messages(nlu: Path) -> list[str]:
    """Return the example messages in a Rasa NLU file."""
    content = yaml.safe_load(nlu.read_text("utf-8"))
    return [
        line.removeprefix("- ")
        for block in content["nlu"]
        for line in block["examples"].splitlines()
        if line.strip()
    ]


def digest(patterns: tuple[str, ...], root: Path = ROOT) -> str:
    """Return a hash of the files that match ``patterns``, names and contents."""
    total = hashlib.sha256()
    for path in sorted(path for pattern in patterns for path in root.glob(pattern)):
        total.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def _write(made: dict[str, str]) -> None:
    STAMP.parent.mkdir(exist_ok=True)
    STAMP.write_text(json.dumps(made), "utf-8")
