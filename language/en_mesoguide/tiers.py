"""How probable each tier of the safety stop is, and what is known of a text when that is said.

What is known, its *clues*, are four blocks of columns: what the tuned layers say of each tier (the mean of the
members' logits), what the n-grams say (log-probabilities), the mean of the members' vectors, and the published
encoder's vector, which still knows what the tuned layers have forgotten (a pet, a film, a book).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from en_mesoguide import ngrams, tuned

Rows = NDArray[np.float32]

NGRAMS = 0.2
"""Weight of the n-grams' logits beside the mean of the members'; chosen in docs/measurements.md."""
FLOOR = 0.01
"""Probability below which the n-grams never are: words that they have not met are no proof."""


def clues(texts: Sequence[str], plain: Rows, members: Sequence[Rows]) -> Rows:
    """Return a row a text: two columns for each of :attr:`tuned.Tuned.tiers`, in order, then both vectors.

    Parameters
    ----------
    plain
        The rows of the published encoder, one row a text.
    members
        For each member the rows of the encoder with its layers, one row a text.

    Raises
    ------
    ValueError
        The two files do not know the same tiers.
    """
    layers, words = tuned.load(), ngrams.load()
    if layers.tiers != words.tiers:
        raise ValueError(f"{tuned.FILE.name} and {ngrams.FILE.name} differ in their tiers: run `make tune`")
    said = np.maximum(words.logits(texts), np.float32(np.log(FLOOR)))
    return np.concatenate([layers.logits(members), said, np.mean(members, axis=0), plain], axis=1)


def logits(rows: Rows) -> Rows:
    """Return a column a tier for each row of :func:`clues`: the members' mean, and the n-grams a little."""
    tiers = len(tuned.load().tiers)
    return np.asarray(rows[:, :tiers] + NGRAMS * rows[:, tiers : 2 * tiers], np.float32)


def probabilities(rows: Rows) -> list[dict[str, float]]:
    """Return tier → probability (0 to 1) for each row of logits, whose columns are the tiers in order."""
    shares = softmax(rows, axis=1)
    return [dict(zip(tuned.load().tiers, row.tolist(), strict=True)) for row in shares]
