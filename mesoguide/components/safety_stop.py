"""Last component: red flags and personal questions beat whatever else was understood.

It reads the raw text, as a whole and clause by clause, and learns from safety/examples at
each training (see :mod:`mesoguide.safety`). A message that is not English is read by short
phrase lists instead (:mod:`mesoguide.languages`).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.utils.spacy_utils import SpacyModel
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from mesoguide import languages, safety
from mesoguide.cleaning import readable
from mesoguide.components.message_cleaner import RAW

STOPPED = "safety_stop"
"""Intent of a message that gets a fixed text of the safety stop."""
FOLDS = 4
COMPONENTS = 200
"""Directions kept for the held-out classifiers, which then need a tenth of the time."""
SETTINGS = {"max_iter": 60, "tol": 1e-2, "random_state": 42}
ORDINARY = 1
"""Every so-manieth training message of the pipeline is a message that must not be stopped."""
LONGEST_WHOLE = 1000


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True, model_from="SpacyNLP"
)
class SafetyStop(GraphComponent):
    """Adds ``safety`` (the tier, and the language) and sets the intent to ``safety_stop``."""

    def __init__(
        self,
        storage: ModelStorage,
        resource: Resource,
        weights: Any = None,
        thresholds: safety.Thresholds | None = None,
    ) -> None:
        self._storage, self._resource = storage, resource
        self._weights, self._thresholds = weights, thresholds

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SafetyStop:
        """Make the untrained component (Rasa's hook)."""
        return cls(model_storage, resource)

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """Return a hash of what the stop learns from, which Rasa does not know of."""
        files = sorted(path for path in safety.SAFETY.rglob("*") if path.is_file())
        return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()

    def train(self, training_data: TrainingData, model: SpacyModel) -> Resource:
        """Learn the classifier and the thresholds; keep them."""
        from sklearn.decomposition import PCA
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import cross_val_predict

        texts, tiers = zip(*safety.examples(), strict=True)
        ordinary = [e for e in training_data.intent_examples if e.get(TEXT)][::ORDINARY]
        vectors = np.concatenate(
            [_vectors([t.lower() for t in texts], model)]
            + [e.get_dense_features(attribute=TEXT)[1].features for e in ordinary]
        )
        labels = np.array([*tiers, *[safety.NONE] * len(ordinary)])
        classifier = LogisticRegression(**SETTINGS)
        reduced = PCA(COMPONENTS, svd_solver="randomized", random_state=0).fit_transform(vectors)
        held = cross_val_predict(classifier, reduced, labels, cv=FOLDS, method="predict_proba")
        classifier.fit(vectors, labels)
        self._weights = {
            "coefficients": classifier.coef_.astype(np.float32),
            "intercepts": classifier.intercept_.astype(np.float32),
            "tiers": np.array(classifier.classes_),
        }
        self._thresholds = _thresholds(held, labels, list(classifier.classes_))
        with self._storage.write_to(self._resource) as folder:
            np.savez(folder / "weights.npz", **self._weights)
            learnt = {"red_flag": self._thresholds.red_flag, "deferral": self._thresholds.deferral}
            (folder / "thresholds.json").write_text(json.dumps(learnt), "utf-8")
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> SafetyStop:
        """Load what was learnt (Rasa's hook)."""
        with model_storage.read_from(resource) as folder:
            with np.load(folder / "weights.npz", allow_pickle=False) as stored:
                weights = dict(stored)
            learnt = json.loads((folder / "thresholds.json").read_text("utf-8"))
        return cls(model_storage, resource, weights, safety.Thresholds(**learnt))

    def process(self, messages: list[Message], model: SpacyModel) -> list[Message]:
        """Stop each message that holds a red flag, a personal question or another language."""
        for message in messages:
            tier, language = self.tier(message.get(RAW) or message.get(TEXT) or "", model)
            message.set("safety", {"tier": tier, "language": language}, add_to_output=True)
            if tier is not None:
                message.set(INTENT, {"name": STOPPED, "confidence": 1.0}, add_to_output=True)
        return messages

    def tier(self, text: str, model: SpacyModel) -> tuple[str | None, str]:
        """Return the tier of ``text`` (None: not stopped) and its language's code."""
        plain = readable(text, len(text) + 1)
        speller = model.model.tokenizer.speller
        language = languages.language_of(plain, speller.knows)
        if language != languages.ENGLISH:
            return languages.red_flag(plain) or "language", language
        foreign = languages.red_flag(plain, sure=False)
        if foreign is not None:
            return foreign, language
        if not any(character.isalnum() for character in plain):
            return None, language
        texts = [readable(plain, LONGEST_WHOLE), *safety.clauses(plain)]
        whole, *parts = self._scores(_vectors([t.lower() for t in texts], model))
        if self._thresholds is None:
            raise ValueError("the safety stop was not trained: run `make train`")
        return safety.decide(whole, parts, self._thresholds, safety.matched(plain)), language

    def _scores(self, vectors: Any) -> list[dict[str, float]]:
        logits = vectors @ self._weights["coefficients"].T + self._weights["intercepts"]
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        rows = powers / powers.sum(axis=1, keepdims=True)
        tiers = self._weights["tiers"].tolist()
        return [dict(zip(tiers, row.tolist(), strict=True)) for row in rows]


def _vectors(texts: list[str], model: SpacyModel) -> Any:
    nlp = model.model
    repaired = [nlp.tokenizer.repaired(text) or " " for text in texts]
    return nlp.get_pipe("mesoguide_vectors").vectors(repaired)


def _thresholds(held: Any, labels: Any, tiers: list[str]) -> safety.Thresholds:
    cost = safety.costs()

    def learnt(among: tuple[str, ...], missed: str, share: str, left_out: tuple[str, ...] = ()) -> float:
        rows = ~np.isin(labels, left_out)
        sums = held[rows][:, [tiers.index(tier) for tier in among]].sum(axis=1)
        ought = np.isin(labels[rows], among)
        return safety.learn_threshold(
            sums.tolist(),
            ought.tolist(),
            missed=cost[missed],
            needless=cost["needless_card"],
            share=cost[share] / 100,
        )

    return safety.Thresholds(
        red_flag=learnt(safety.RED_FLAGS, "missed_red_flag", "red_flags_in_100"),
        deferral=learnt(safety.DEFERRALS, "answered_personal", "personal_in_100", safety.RED_FLAGS),
    )
