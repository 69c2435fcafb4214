"""Let scikit-learn's logistic regression take its steps in single precision.

Its solver "lbfgs" makes 64-bit numbers of all features. Ours have 32 bits, and products of those take half of the time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import numpy as np


@contextlib.contextmanager
def single_precision() -> Iterator[None]:
    """Compute loss and gradient of each LogisticRegression (solver lbfgs) that is fitted meanwhile with 32 bits."""
    from sklearn.linear_model import _logistic

    class Loss(_logistic.LinearModelLoss):  # type: ignore[misc]
        features: Any = None

        def loss_gradient(
            self,
            coef: Any,
            X: Any,  # noqa: N803 - its name there
            y: Any,
            sample_weight: Any = None,
            *others: Any,
        ) -> tuple[Any, Any]:
            if self.features is None:  # they are the same at every step
                self.features = X.astype(np.float32)
            single = (None if each is None else each.astype(np.float32) for each in (y, sample_weight))
            loss, gradient = super().loss_gradient(coef.astype(np.float32), self.features, *single, *others)
            return float(loss), gradient.astype(coef.dtype)

    with mock.patch.object(_logistic, "LinearModelLoss", Loss):
        yield
