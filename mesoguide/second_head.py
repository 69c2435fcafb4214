"""A second head for the safety stop, learnt at each training from messages that no layer was tuned on.

The heads of the tuned layers have learnt from the same messages as the layers, which by then told them apart nearly
without a mistake: they are too sure of what merely looks like them. This one (a logistic regression) learns from the
calibration messages what the layers' vectors are worth on messages that they have not met. Half of what the
stop believes is its word: the geometric mean of both probabilities. Whoever adds calibration messages teaches it, in seconds and
without a tuning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

C, STEPS, TOLERANCE = 0.005, 200, 1e-3
"""Of the logistic regression on standardised columns; chosen in docs/measurements.md."""
FOLDS = 5


@dataclass(frozen=True, slots=True)
class SecondHead:
    """A matrix with a row for each column of the clues and a column for each tier, and a number added to each."""

    weights: Floats
    bias: Floats

    def beside(self, first: Floats, clues: Floats) -> Floats:
        """Return the logits of the geometric mean of what the ``first`` logits say and what this head says."""
        return np.asarray((_log_shares(first) + _log_shares(clues @ self.weights + self.bias)) / 2)


def learn(clues: Floats, tiers: Sequence[str], order: Sequence[str]) -> SecondHead:
    """Learn the head.

    Parameters
    ----------
    clues
        A row a message.
    tiers
        The tier of each.
    order
        The tiers in the order of the head's columns.

    Raises
    ------
    ValueError
        A tier has no message.
    """
    from sklearn.linear_model import LogisticRegression

    columns = np.array([order.index(tier) for tier in tiers])
    if missing := [tier for number, tier in enumerate(order) if number not in columns]:
        raise ValueError(
            f"safety/calibration.jsonl has too few messages of the tier {missing[0]!r} that are right in no other"
            f" tier, so that one of {FOLDS} parts may lack it: write at least {2 * FOLDS}"
        )
    mean, spread = clues.mean(axis=0), np.maximum(clues.std(axis=0), 1e-6)
    model = LogisticRegression(C=C, max_iter=STEPS, tol=TOLERANCE)
    model.fit((clues - mean) / spread, columns)
    weights = model.coef_.T / spread[:, None]
    return SecondHead(weights.astype(np.float32), (model.intercept_ - mean @ weights).astype(np.float32))


def folds(tiers: Sequence[str]) -> NDArray[np.intp]:
    """Return for each message the number of its fold; each fold has its share of every tier."""
    from sklearn.model_selection import StratifiedKFold

    found = np.zeros(len(tiers), np.intp)
    parts = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(found, list(tiers))
    for number, (_, held) in enumerate(parts):
        found[held] = number
    return found


def _log_shares(logits: Floats) -> Floats:
    top = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(top - np.log(np.exp(top).sum(axis=1, keepdims=True)))
