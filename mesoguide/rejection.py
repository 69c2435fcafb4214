"""When to say "I did not understand": a score, and a threshold learnt at each training.

score = probability of the best intent × cosine to the nearest training example of that intent.
The threshold keeps a given share of the right answers that a classifier of the same kind gives
on training messages held out from it (cross-validation), so that it moves with the data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mesoguide.single_precision import single_precision

Floats = NDArray[np.floating[Any]]

FOLDS = 3
LARGE = 1000
"""Examples from which the held-out classifiers are made cheaper: on fewer directions of the
features and with fewer steps. They then need a tenth of the time."""
COMPONENTS, POWER = 200, 3
"""Directions, and rounds in which they are sought: seven rounds, as scikit-learn would take, find hardly others."""
MANY = 8000
"""Examples that are enough to find the directions; with more, one of the folds has answers enough, too."""
STEPS = {True: 40, False: 200}
"""Steps of the held-out classifiers, for large training sets and for others."""


@dataclass(frozen=True, slots=True)
class Examples:
    """The training messages: unit vectors (one row each) and their intents."""

    vectors: Floats
    intents: NDArray[np.str_]

    def nearest(self, vectors: Floats, intent: str) -> Floats:
        """Return the cosine of each of ``vectors`` to the nearest example of ``intent``; 0 without one."""
        rows = self.vectors[self.intents == intent]
        return np.asarray((rows @ vectors.T).max(axis=0, initial=0.0))


def unit(vectors: Floats) -> Floats:
    """Return ``vectors`` with length 1, row by row."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12))


def score(confidence: float, intent: str, vector: Floats, examples: Examples) -> float:
    """Return how far a prediction can be trusted, 0 to 1."""
    return confidence * float(examples.nearest(vector, intent))


def learn_threshold(features: Floats, examples: Examples, *, keep: float, settings: dict[str, Any]) -> float:
    """Return the score that ``keep`` (a share, 0 to 1) of the right held-out answers reach.

    Parameters
    ----------
    features
        What the classifier sees, one row an example.
    settings
        Of scikit-learn's LogisticRegression, as in the pipeline.
    """
    from sklearn.decomposition import PCA
    from sklearn.model_selection import StratifiedKFold

    intents = examples.intents
    smallest = min(np.unique(intents, return_counts=True)[1])
    folds = max(2, min(FOLDS, int(smallest)))
    reduced = features
    large = len(features) > LARGE
    if large:
        pca = PCA(COMPONENTS, svd_solver="randomized", iterated_power=POWER, random_state=0)
        some = np.random.default_rng(0).permutation(len(features))[:MANY]
        reduced = pca.fit(features[some]).transform(features)
    splits = list(StratifiedKFold(folds, shuffle=True, random_state=0).split(reduced, intents))
    if len(features) > MANY:
        splits = splits[:1]
    right = [
        value
        for learn, held in splits
        for value in _right_scores(reduced, examples, learn, held, settings | {"max_iter": STEPS[large]})
    ]
    return float(np.quantile(right, 1 - keep)) if right else 0.0


def _right_scores(
    features: Floats,
    examples: Examples,
    learn: NDArray[np.intp],
    held: NDArray[np.intp],
    settings: dict[str, Any],
) -> Sequence[float]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(**settings, tol=1e-2)
    with single_precision():
        model.fit(features[learn], examples.intents[learn])
    probabilities = model.predict_proba(features[held])
    known = Examples(examples.vectors[learn], examples.intents[learn])
    intents, sure = model.classes_[probabilities.argmax(axis=1)], probabilities.max(axis=1)
    right = intents == examples.intents[held]
    scores: list[float] = []
    for intent in np.unique(intents[right]):
        rows = right & (intents == intent)
        scores += (sure[rows] * known.nearest(examples.vectors[held[rows]], intent)).tolist()
    return scores
