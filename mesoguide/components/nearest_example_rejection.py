"""Rejects what the classifier can't be trusted on, with a threshold learnt at each training."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from en_mesoguide.encoder import WIDTH as ENCODED
from en_mesoguide.vectors import HASHED
from mesoguide import rejection
from mesoguide.components.sentence_features import sentence_row
from mesoguide.rejection import Examples, learn_threshold, score, unit

REJECTED = "nlu_fallback"
"""Intent of a rejected message, Rasa's own name for it."""
TRUST = "mesoguide_trust"
"""Key under which each part carries its score and the threshold that the score must reach."""
UNTUNED = ENCODED + 2 * HASHED
"""Leading columns without the tuned layers, which know the training messages: with them, held-out answers would
look surer than those to new messages. The map of IntentWhitening knows them too, and makes held-out answers look
somewhat surer: 0.97 of these are what 0.95 are with a map for each fold (docs/benchmarks.md)."""
LOGISTIC_REGRESSION = {"class_weight": "balanced", "random_state": 42}
"""As Rasa sets its LogisticRegressionClassifier up; for the held-out classifiers."""


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class NearestExampleRejection(GraphComponent):
    """Puts ``nlu_fallback`` on top where score < threshold (see :mod:`mesoguide.rejection`).

    ``keep`` is the share of right held-out answers that the threshold keeps.
    """

    def __init__(
        self,
        config: dict[str, Any],
        storage: ModelStorage,
        resource: Resource,
        examples: Examples | None = None,
        threshold: float = 0.0,
    ) -> None:
        self._config, self._storage, self._resource = config, storage, resource
        self.examples, self.threshold = examples, threshold

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the defaults; for ``keep`` see docs/benchmarks.md."""
        return {"keep": 0.97}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> NearestExampleRejection:
        """Make the untrained component (Rasa's hook)."""
        keep = config["keep"]
        if not isinstance(keep, (int, float)) or not 0 < keep < 1:
            raise ValueError(f"config.yml: 'keep' is {keep!r}. Write a share between 0 and 1.")
        return cls(config, model_storage, resource)

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """Return a hash of the code that computes, of which Rasa's cache does not know."""
        return hashlib.sha256(Path(rejection.__file__).read_bytes()).hexdigest()

    def train(self, training_data: TrainingData) -> Resource:
        """Learn the threshold and keep the examples."""
        examples = [e for e in training_data.intent_examples if e.get(TEXT) and e.get(INTENT)]
        features = np.concatenate([sentence_row(example) for example in examples])
        intents = np.array([example.get(INTENT) for example in examples])
        # Half the numbers' length is enough for a cosine, and half the model's size.
        vectors = unit(features[:, :ENCODED]).astype(np.float16)
        self.examples = Examples(vectors.astype(np.float32), intents)
        self.threshold = learn_threshold(
            features[:, :UNTUNED], self.examples, keep=self._config["keep"], settings=LOGISTIC_REGRESSION
        )
        with self._storage.write_to(self._resource) as folder:
            np.save(folder / "vectors.npy", vectors, allow_pickle=False)
            learnt = {"threshold": self.threshold, "intents": intents.tolist()}
            (folder / "learnt.json").write_text(json.dumps(learnt), "utf-8")
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> NearestExampleRejection:
        """Load what was learnt (Rasa's hook)."""
        with model_storage.read_from(resource) as folder:
            vectors = np.load(folder / "vectors.npy", allow_pickle=False)
            learnt = json.loads((folder / "learnt.json").read_text("utf-8"))
        examples = Examples(vectors.astype(np.float32), np.array(learnt["intents"]))
        return cls(config, model_storage, resource, examples, learnt["threshold"])

    def process(self, messages: list[Message]) -> list[Message]:
        """Reject each message whose score is below the threshold."""
        for message in messages:
            intent = message.get(INTENT) or {}
            if self.examples is None or not intent.get("name"):
                continue
            vector = unit(sentence_row(message)[0, :ENCODED])
            trust = score(intent["confidence"], intent["name"], vector, self.examples)
            message.set(TRUST, {"score": trust, "threshold": self.threshold})
            if trust < self.threshold:
                rejected = {"name": REJECTED, "confidence": 1 - trust}
                ranking = [rejected, *message.get("intent_ranking", [])]
                message.set(INTENT, rejected, add_to_output=True)
                message.set("intent_ranking", ranking, add_to_output=True)
        return messages
