"""What the safety stop adds to the sentence encoder: its last layers tuned, and a head.

``tuned.safetensors`` is made by ``make tune`` (:mod:`tuning.tune`) from the messages in
safety/examples and data/nlu.yml. It holds four *members*, tuned alike but for their seed and for the
messages that they began with: each tuning lets them go on. Each has small updates of the last layers (low rank: an
update of a matrix is the product of two thin ones) and a head, which gives a probability for each tier
of the safety stop. Where one member errs by chance the others seldom do, so that their mean errs less often.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
    """The updates, the heads, and what they were made from; one of each for every member.

    ``updates`` holds ``<layer>.<matrix>.in`` (rank × columns) and ``.out`` (rows × rank).
    ``heads`` have one row a tier, the last column is the bias.
    """

    updates: tuple[Arrays, ...]
    heads: tuple[NDArray[np.float32], ...]
    tiers: tuple[str, ...]

    def weights(self, published: Arrays) -> list[dict[str, NDArray[Any]]]:
        """Return each member's tuned layers, under the names of the ``published`` weights."""
        return [_added(updates, published) for updates in self.updates]

    def logits(self, vectors: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return a row a text and a column a tier: the mean of what the members say.

        As probabilities that is their geometric mean: what one member alone takes for a red flag weighs
        less in it than in the plain mean.

        Parameters
        ----------
        vectors
            For each member the rows of the encoder with its layers, one row a text.
        """
        said = [rows @ head[:, :-1].T + head[:, -1] for rows, head in zip(vectors, self.heads, strict=True)]
        return np.asarray(np.mean(said, axis=0), np.float32)


def _added(updates: Arrays, published: Arrays) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    for layer in sorted({name.split(".")[0] for name in updates}):
        place = f"encoder.layer.{layer}."
        found |= {name: value for name, value in published.items() if name.startswith(place)}
        for short, full in MATRICES.items():
            update = updates[f"{layer}.{short}.out"] @ updates[f"{layer}.{short}.in"]
            found[f"{place}{full}.weight"] = published[f"{place}{full}.weight"] + update
    return found


@lru_cache(maxsize=1)
def load(file: Path = FILE) -> Tuned:
    """Read the file that ``make tune`` wrote.

    Raises
    ------
    OSError
        There is no such file.
    """
    import safetensors

    members: dict[str, dict[str, NDArray[Any]]] = {}
    reader: Any = safetensors.safe_open
    with reader(str(file), "np") as stored:
        about = json.loads(stored.metadata()["mesoguide"])
        for name in stored.keys():  # noqa: SIM118 - it is no dict
            number, part = name.split("/")
            members.setdefault(number, {})[part] = stored.get_tensor(name).astype(np.float32)
    in_order = [members[number] for number in sorted(members)]
    heads = tuple(member.pop("head") for member in in_order)
    return Tuned(tuple(in_order), heads, tuple(about["tiers"]))
