"""Start without what Rasa imports for nothing: half of the memory and of the time of a start.

Rasa imports TensorFlow whatever the pipeline, for two modules that hold base classes of neural
components. Where a model has none, those two modules are empty here, and ``import tensorflow`` fails as
on a machine that does not have it, which thinc and others are made for. A model with any component that
is not known to do without it gets TensorFlow as always. In the same way two drivers of databases stay
out, where endpoints.yml names our own store.
"""

from __future__ import annotations

import json
import sys
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

METADATA = "metadata.json"
Modules = dict[str, tuple[str, ...]]
"""Names of modules, and what others take from each."""
NEURAL: Modules = {
    "rasa.utils.tensorflow.callback": ("RasaTrainingLogger", "RasaModelCheckpoint"),
    "rasa.utils.tensorflow.data_generator": ("RasaBatchDataGenerator", "RasaDataGenerator"),
}
"""Rasa's modules that need TensorFlow to be imported."""
DRIVERS: Modules = {"boto3.dynamodb.conditions": ("Key",), "pymongo.collection": ("Collection",)}
"""What Rasa's stores for DynamoDB and MongoDB need, which it imports with every store."""
OWN_STORE = "mesoguide."
WITHOUT = (
    "mesoguide.components.",
    "rasa.core.policies.ensemble.",
    "rasa.core.policies.rule_policy.",
    "rasa.graph_components.converters.",
    "rasa.graph_components.providers.",
    "rasa.nlu.classifiers.regex_message_handler.",
    "rasa.nlu.featurizers.dense_featurizer.spacy_featurizer.",
    "rasa.nlu.tokenizers.spacy_tokenizer.",
    "rasa.nlu.utils.spacy_utils.",
)
"""Where the components are that are known to do without TensorFlow."""


class LeftOut:
    """Stands where a class is that this process does without; nobody makes one."""

    def __init__(self, *_: Any, **__: Any) -> None:
        raise ImportError("this process was started without it (mesoguide/rasa_host/lean.py)")


def start(model: Path, endpoints: Path) -> None:
    """Keep out of this process what ``model`` and the store in ``endpoints`` do without.

    To be called before anything imports Rasa; what is imported already stays.
    """
    if does_without(model) and "tensorflow" not in sys.modules:
        sys.modules["tensorflow"] = None  # type: ignore[assignment] # Python's own "is not installed"
        _leave_out(NEURAL)
    if _has_own_store(endpoints):
        _leave_out(DRIVERS)


def does_without(model: Path) -> bool:
    """Return whether all components in the model's archive are known to need no TensorFlow."""
    try:
        with tarfile.open(model) as archive:
            metadata = archive.extractfile(METADATA)
            described = json.load(metadata) if metadata else {}
        graphs = (described["train_schema"], described["predict_schema"])
        used = [node["uses"] for graph in graphs for node in graph["nodes"].values()]
    except (OSError, EOFError, tarfile.TarError, ValueError, KeyError, TypeError, AttributeError):
        return False  # Rasa says better what is wrong with it
    return all(str(component).startswith(WITHOUT) for component in used)


def _has_own_store(endpoints: Path) -> bool:
    try:
        named = yaml.safe_load(endpoints.read_text("utf-8"))["tracker_store"]["type"]
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError):
        return False
    return str(named).startswith(OWN_STORE)


def _leave_out(modules: Modules) -> None:
    for name, classes in modules.items():
        module = ModuleType(name, LeftOut.__doc__)
        module.__dict__.update(dict.fromkeys(classes, LeftOut))
        sys.modules.setdefault(name, module)
