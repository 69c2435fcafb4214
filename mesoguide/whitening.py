"""A linear map in which the ways of saying one thing come nearer, and different things stay apart.

Whitening within the intents: W = (½·S + ½·s·I)^-¼, where S is the mean covariance of the examples around their
own intent's centre and s the mean of its diagonal. Directions in which examples of one intent differ from each
other (politeness, tense, who asks) are shortened. With the power -½ and without the shrinkage it
would be the metric of Fisher's linear discriminant analysis; both are softened because a
small set has few examples of each intent. Learnt in one step, without a rate or a seed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

SHRINKAGE = 0.5
"""Share of the round covariance: chosen with POWER on training files, see docs/benchmarks.md."""
POWER = -0.25
"""Of the covariance; -½ would make it round."""
NOTHING = 1e-9
"""Share of the examples' mean square below which their spread is rounding."""


def whitening(vectors: Floats, intents: NDArray[np.str_]) -> Floats:
    """Return the map W, symmetric, of shape (width, width); use it as ``vectors @ W``.

    Parameters
    ----------
    vectors
        One row an example.
    intents
        The intent of each example. Where none has two examples, the map changes nothing.
    """
    width = vectors.shape[1]
    _, numbers = np.unique(intents, return_inverse=True)
    counts = np.bincount(numbers)
    centres = np.zeros((len(counts), width))
    np.add.at(centres, numbers, vectors)
    around = vectors - (centres / counts[:, None])[numbers]
    free = len(vectors) - len(counts)
    spread = around.T @ around / max(free, 1)
    mean = np.trace(spread) / width
    if free < 1 or mean <= NOTHING * np.mean(vectors**2):
        return np.eye(width)
    lengths, directions = np.linalg.eigh((1 - SHRINKAGE) * spread + SHRINKAGE * mean * np.eye(width))
    return np.asarray((directions * (lengths / mean) ** POWER) @ directions.T)


def mapped(vectors: Floats, matrix: Floats) -> Floats:
    """Return ``vectors`` in the map, row by row, each with the length that it had."""
    turned = vectors @ matrix
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(turned * (lengths / np.maximum(np.linalg.norm(turned, axis=-1, keepdims=True), 1e-12)))
