"""A plain peer that runs on the same data: TF-IDF and logistic regression, both of scikit-learn."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from typing import Any

from mesoguide.benchmarks.types import Example, Guess, Run

KEEP = 0.9
"""Share of right held-out answers that the threshold keeps: the best for this system, docs/benchmarks.md."""
FOLDS = 3
SETTINGS = {"C": 10.0, "solver": "liblinear", "random_state": 0}
"""Of the logistic regression: a light penalty, and the solver that is quick on sparse features."""


def run(training: Sequence[Example], texts: Sequence[str]) -> Run:
    """Train on words and pieces of words, learn a threshold by cross-validation, and guess."""
    import numpy as np

    examples = list(dict.fromkeys(training))
    begun = time.process_time()
    model = _model()
    labels = np.array([label for _, label in examples])
    model.fit([text for text, _ in examples], labels)
    threshold = _threshold([text for text, _ in examples], labels)
    trained = time.process_time()
    probabilities = model.predict_proba(list(texts))
    done = time.process_time()
    guesses = [
        Guess(str(model.classes_[row.argmax()]), float(row.max()), bool(row.max() < threshold))
        for row in probabilities
    ]
    return Run(guesses, trained - begun, 1000 * (done - trained) / len(texts))


def _model() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    return make_pipeline(make_union(words, pieces), LogisticRegression(**SETTINGS))


def _threshold(texts: Sequence[str], labels: Any) -> float:
    """Return the probability that ``KEEP`` of the right held-out answers reach."""
    import numpy as np
    from sklearn.model_selection import StratifiedKFold

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # labels with fewer examples than folds
        splits = list(StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(texts, labels))
    right: list[float] = []
    for learn, held in splits:
        model = _model().fit([texts[i] for i in learn], labels[learn])
        probabilities = model.predict_proba([texts[i] for i in held])
        said = model.classes_[probabilities.argmax(axis=1)]
        right += probabilities.max(axis=1)[said == labels[held]].tolist()
    return float(np.quantile(right, 1 - KEEP)) if right else 0.0
