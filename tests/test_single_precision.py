from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, _logistic

from mesoguide.single_precision import single_precision

CHANCE = np.random.default_rng(1)
INTENTS = np.repeat(["cost", "needle", "pain"], 40)
FEATURES = (CHANCE.normal(0, 1, (120, 8)) + np.eye(8)[np.repeat([0, 1, 2], 40)]).astype(np.float32)


def fitted(weights: str | None = "balanced") -> LogisticRegression:
    return LogisticRegression(class_weight=weights, max_iter=200).fit(FEATURES, INTENTS)


@pytest.mark.parametrize("weights", ["balanced", None])
def test_learns_the_same(weights: str | None) -> None:
    """A classifier that learnt in single precision gives the probabilities of one that learnt in double."""
    double = fitted(weights)
    with single_precision():
        single = fitted(weights)

    assert np.abs(double.predict_proba(FEATURES) - single.predict_proba(FEATURES)).max() < 1e-3


def test_steps_have_32_bits_meanwhile_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The features are multiplied with 32 bits inside, and with scikit-learn's 64 before and behind."""
    seen: list[Any] = []
    theirs = _logistic.LinearModelLoss._w_intercept_raw

    def multiplied(self: Any, coef: Any, X: Any) -> Any:  # noqa: N803 - its name there
        seen.append({coef.dtype, X.dtype})
        return theirs(self, coef, X)

    monkeypatch.setattr(_logistic.LinearModelLoss, "_w_intercept_raw", multiplied)
    for inside in (False, True, False):
        seen.clear()
        if inside:
            with single_precision():
                fitted()
        else:
            fitted()

        assert seen
        assert all(found == {np.dtype(np.float32 if inside else np.float64)} for found in seen)
