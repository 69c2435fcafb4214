"""Tune the encoder's last layers for the intents of any training messages; write them as tune.py does.

``mesoguide benchmark --tuned`` runs it on a data set's own training file, in an environment of its own that
has torch. One member learns; a pair of a message and its intent is all that it is told.

    python tune_intents.py TRAINING.json MODEL_FOLDER TUNED.safetensors
"""

from __future__ import annotations

import json
import math
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch.nn import functional
from tune import (
    BATCH,
    LONGEST_PIECES,
    RATE,
    SMOOTHING,
    TYPO,
    Network,
    batch,
    by_length,
    kept,
    learning,
    mistyped,
    step,
)

EPOCHS, FEWEST_STEPS = 10, 1000
"""As often as this each message is learnt from, or more often where there are few."""
SEED = 0


def tune(examples: Sequence[tuple[str, str]], model: Path) -> tuple[Network, list[str]]:
    """Train on ``examples``, a message and its intent each; return the network and its intents in order."""
    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # a second core helps little on texts so short, and doubles what is counted
    chance = random.Random(SEED)  # noqa: S311 - repeatable, not secret
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST_PIECES)
    intents = sorted({intent for _, intent in examples})
    network = Network(load_file(model / "model.safetensors"), len(intents))
    learnt = [p for name, p in network.named_parameters() if p.requires_grad and not name.startswith("tier.")]
    in_one = math.ceil(len(examples) / BATCH)
    epochs = max(EPOCHS, math.ceil(FEWEST_STEPS / in_one))
    steps = epochs * in_one
    optimizer, rate = learning(learnt, RATE, steps)
    begun = time.monotonic()
    network.train()
    for number in range(epochs):
        for part in by_length(examples, lambda example: len(example[0]), chance):
            texts = [mistyped(text, chance) if chance.random() < TYPO else text for text, _ in part]
            _, said = network(*batch(tokenizer, texts))
            meant = torch.tensor([intents.index(intent) for _, intent in part])
            loss = functional.cross_entropy(said, meant, label_smoothing=SMOOTHING)
            step(loss, optimizer, rate)
        print(
            f"epoch {number + 1} of {epochs}: loss {loss.item():.3f}, {time.monotonic() - begun:.0f} s",
            flush=True,
        )
    return network.eval(), intents


def main(training: str, model: str, target: str) -> None:
    """Run the command of the module's docstring."""
    examples = [(text, intent) for text, intent in json.loads(Path(training).read_text("utf-8"))]
    network, intents = tune(examples, Path(model))
    tensors = {f"0/{name}": tensor for name, tensor in kept(network, network.intent).items()}
    about = {"tiers": intents, "members": [{"seed": SEED, "examples": ""}]}
    save_file(tensors, target, {"mesoguide": json.dumps(about)})


if __name__ == "__main__":
    main(*sys.argv[1:])
