"""The dense features of a whole message, as they are: Rasa's own getter makes two deep copies of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message


def sentence_features(message: Message) -> list[Features]:
    """Return the dense features of the whole text, one of each featurizer."""
    return [
        feature
        for feature in message.features
        if feature.attribute == TEXT and feature.type == FEATURE_TYPE_SENTENCE and feature.is_dense()
    ]


def sentence_row(message: Message) -> NDArray[Any]:
    """Return them side by side, of shape ``(1, width)``; not to be written to."""
    rows = [feature.features for feature in sentence_features(message)]
    return rows[0] if len(rows) == 1 else np.concatenate(rows, axis=1)
