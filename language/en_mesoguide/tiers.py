"""How probable each tier of the safety stop is: what the tuned layers say, and the n-grams a little."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from en_mesoguide import ngrams, tuned

NGRAMS = 0.2
"""Weight of the n-grams' logits beside the mean of the members'; chosen in docs/measurements.md."""
FLOOR = 0.01
"""Probability below which the n-grams never are: words that they have not met are no proof."""


def logits(texts: Sequence[str], vectors: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return a row a text and a column a tier, in the order of :attr:`tuned.Tuned.tiers`.

    Parameters
    ----------
    vectors
        For each member the rows of the encoder with its layers, one row a text.

    Raises
    ------
    ValueError
        The two files do not know the same tiers.
    """
    layers, words = tuned.load(), ngrams.load()
    if layers.tiers != words.tiers:
        raise ValueError(f"{tuned.FILE.name} and {ngrams.FILE.name} differ in their tiers: run `make tune`")
    if not texts:
        return np.zeros((0, len(layers.tiers)), np.float32)
    return layers.logits(vectors) + NGRAMS * np.maximum(words.logits(texts), np.float32(np.log(FLOOR)))


def probabilities(rows: NDArray[np.float32]) -> list[dict[str, float]]:
    """Return tier → probability (0 to 1) for each row of :func:`logits`."""
    shares = softmax(rows, axis=1)
    return [dict(zip(tuned.load().tiers, row.tolist(), strict=True)) for row in shares]
