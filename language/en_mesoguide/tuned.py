"""What the safety stop adds to the sentence encoder: its last layers tuned, and a head.

``tuned.safetensors`` is made by ``make tune`` (:mod:`tuning.tune`) from the messages in
safety/examples and data/nlu.yml. It holds small updates of the last layers (low rank: an
update of a matrix is the product of two thin ones) and the head, which gives a probability
for each tier of the safety stop. Nothing in it is needed to train the rest of the product.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]

FILE = Path(__file__).with_name("tuned.safetensors")
MATRICES = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attended": "attention.output.dense",
    "up": "intermediate.dense",
    "down": "output.dense",
}
"""Matrices of a layer that have an update: its name here → its name in the encoder's weights."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """The updates, the head, and what they were made from.

    ``updates`` holds ``<layer>.<matrix>.in`` (rank × columns) and ``.out`` (rows × rank).
    ``head`` is one row a tier, its last column the bias; ``examples`` a digest of the messages.
    """

    updates: Arrays
    head: NDArray[np.float32]
    tiers: tuple[str, ...]
    layers: tuple[int, ...]
    examples: str

    def weights(self, published: Arrays) -> dict[str, NDArray[Any]]:
        """Return the tuned layers' weights under the names of the ``published`` ones."""
        found: dict[str, NDArray[Any]] = {}
        for layer in self.layers:
            place = f"encoder.layer.{layer}."
            found |= {name: value for name, value in published.items() if name.startswith(place)}
            for short, full in MATRICES.items():
                update = self.updates[f"{layer}.{short}.out"] @ self.updates[f"{layer}.{short}.in"]
                found[f"{place}{full}.weight"] = published[f"{place}{full}.weight"] + update
        return found

    def scores(self, vectors: NDArray[np.float32]) -> list[dict[str, float]]:
        """Return tier → probability (0 to 1) for each row of the tuned encoder's ``vectors``."""
        logits = vectors @ self.head[:, :-1].T + self.head[:, -1]
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        rows = powers / powers.sum(axis=1, keepdims=True)
        return [dict(zip(self.tiers, row.tolist(), strict=True)) for row in rows]


@lru_cache(maxsize=1)
def load(file: Path = FILE) -> Tuned:
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
        arrays = {name: stored.get_tensor(name).astype(np.float32) for name in stored.keys()}  # noqa: SIM118
    head = arrays.pop("head")
    layers = tuple(sorted({int(name.split(".")[0]) for name in arrays}))
    return Tuned(arrays, head, tuple(about["tiers"]), layers, about["examples"])
