"""What the words and letters of a message say about its tier: a linear model on hashed n-grams.

It knows less than the tuned layers (:mod:`.tuned`) and errs elsewhere: they read "a head that is
spinning" from a list of treatments as an emergency, it does not. ``ngrams.safetensors`` is made by
``make tune`` from the same messages.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from scipy.special import log_softmax
from sklearn.feature_extraction.text import HashingVectorizer

FILE = Path(__file__).with_name("ngrams.safetensors")
COLUMNS = 2**14
"""Columns of each of the two kinds of n-grams."""
INVERSE_STRENGTH, STEPS = 5.0, 60
"""C of the logistic regression, and its steps at most."""
_SHARED: dict[str, Any] = {"n_features": COLUMNS, "norm": "l2", "binary": True, "alternate_sign": False}
KINDS = (
    HashingVectorizer(ngram_range=(1, 3), token_pattern=r"(?u)\b\w+\b|[?!]", **_SHARED),
    HashingVectorizer(analyzer="char_wb", ngram_range=(2, 4), **_SHARED),
)


@dataclass(frozen=True, slots=True)
class Ngrams:
    """The linear model: ``weights`` has a row a column of n-grams, ``bias`` one number a tier."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    tiers: tuple[str, ...]

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the logarithm of each tier's probability, of shape ``(len(texts), len(tiers))``."""
        return np.asarray(log_softmax(_counted(texts) @ self.weights + self.bias, axis=1), np.float32)

    def probabilities(self, texts: Sequence[str]) -> list[dict[str, float]]:
        """Return tier → probability (0 to 1) for each of ``texts``, as the n-grams alone see it."""
        return [dict(zip(self.tiers, row, strict=True)) for row in np.exp(self.logits(texts)).tolist()]

    def save(self, file: Path, examples: str) -> None:
        """Write the model to ``file`` as 16-bit numbers, with the digest of its ``examples``."""
        from safetensors.numpy import save_file

        arrays = {"weights": self.weights.astype(np.float16), "bias": self.bias.astype(np.float16)}
        save_file(arrays, file, {"mesoguide": json.dumps({"tiers": self.tiers, "examples": examples})})


def fit(texts: Sequence[str], tiers: Sequence[str], order: Sequence[str]) -> Ngrams:
    """Learn from ``texts`` and their ``tiers``; the model gives the tiers in this ``order``.

    Raises
    ------
    ValueError
        A tier of ``order`` has no text, or a text has a tier that is not in it.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    if set(order) != set(tiers):
        raise ValueError(f"the messages have the tiers {sorted(set(tiers))}, not {sorted(order)}")
    model = LogisticRegression(C=INVERSE_STRENGTH, max_iter=STEPS, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is stopped early on purpose
        model.fit(_counted(texts), tiers)
    rows = [list(model.classes_).index(tier) for tier in order]
    weights = np.asarray(model.coef_[rows].T, np.float32)
    return Ngrams(weights, np.asarray(model.intercept_[rows], np.float32), tuple(order))


def _counted(texts: Sequence[str]) -> csr_matrix:
    return hstack([kind.transform(texts) for kind in KINDS]).tocsr()


@lru_cache(maxsize=1)
def load(file: Path = FILE) -> Ngrams:
    """Read the file that ``make tune`` wrote.

    Raises
    ------
    OSError
        There is no such file.
    """
    import safetensors

    reader: Any = safetensors.safe_open
    with reader(str(file), "np") as stored:
        about = json.loads(stored.metadata()["mesoguide"])
        weights, bias = (stored.get_tensor(name).astype(np.float32) for name in ("weights", "bias"))
    return Ngrams(weights, bias, tuple(about["tiers"]))
