"""Brings sentences that ask the same nearer to each other, by a map learnt at each training."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import INTENT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from en_mesoguide.encoder import WIDTH as ENCODED
from mesoguide import whitening
from mesoguide.components.sentence_features import sentence_features
from mesoguide.whitening import Floats, mapped

FILE = "map.npy"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class IntentWhitening(GraphComponent):
    """Maps the sentence encoder's columns of each sentence feature (see :mod:`mesoguide.whitening`).

    It stands after SpacyFeaturizer; the n-grams and the tuned layers behind these columns stay as
    they are.
    """

    def __init__(self, storage: ModelStorage, resource: Resource, matrix: Floats | None = None) -> None:
        self._storage, self._resource, self.matrix = storage, resource, matrix

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> IntentWhitening:
        """Make the untrained component (Rasa's hook)."""
        return cls(model_storage, resource)

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """Return a hash of the code that computes, of which Rasa's cache does not know."""
        return hashlib.sha256(Path(whitening.__file__).read_bytes()).hexdigest()

    def train(self, training_data: TrainingData) -> Resource:
        """Learn the map from the examples and keep it."""
        found = [
            (feature.features[0, :ENCODED], example.get(INTENT))
            for example in training_data.intent_examples
            if example.get(INTENT)
            for feature in sentence_features(example)
        ]
        if not found:
            raise ValueError("config.yml: IntentWhitening finds no vectors. Put it after SpacyFeaturizer.")
        vectors, intents = zip(*found, strict=True)
        self.matrix = whitening.whitening(np.stack(vectors), np.array(intents)).astype(np.float32)
        with self._storage.write_to(self._resource) as folder:
            np.save(folder / FILE, self.matrix, allow_pickle=False)
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> IntentWhitening:
        """Load the map (Rasa's hook)."""
        with model_storage.read_from(resource) as folder:
            return cls(model_storage, resource, np.load(folder / FILE, allow_pickle=False))

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Map the examples' features (Rasa's hook)."""
        self.process(training_data.training_examples)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Map each message's features."""
        if self.matrix is None:
            return messages
        for message in messages:
            for feature in sentence_features(message):
                vector = feature.features
                first = mapped(vector[:, :ENCODED], self.matrix)
                feature.features = np.concatenate([first, vector[:, ENCODED:]], axis=1).astype(vector.dtype)
        return messages
