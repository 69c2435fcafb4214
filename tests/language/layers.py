"""Layers of the encoder that nobody has tuned, where a test needs some of its own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from en_mesoguide.encoder import WIDTH
from en_mesoguide.tuned import MATRICES


def write_layers(target: Path) -> None:
    """Write what ``tuning/tune_intents.py`` writes, with updates of the last layer that nobody has learnt."""
    chance = np.random.default_rng(0)
    sizes = {"up": (WIDTH, 4 * WIDTH), "down": (4 * WIDTH, WIDTH)}
    tensors = {"0/head": np.zeros((1, WIDTH + 1), np.float16)}
    for short in MATRICES:
        columns, rows = sizes.get(short, (WIDTH, WIDTH))
        tensors[f"0/5.{short}.in"] = chance.normal(0, 0.05, (2, columns)).astype(np.float16)
        tensors[f"0/5.{short}.out"] = chance.normal(0, 0.05, (rows, 2)).astype(np.float16)
    save_file(tensors, target, {"mesoguide": json.dumps({"tiers": ["any"], "members": []})})
