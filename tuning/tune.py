"""Tune the encoder's last layers for the safety stop; write language/en_mesoguide/tuned.safetensors.

It reads what ``mesoguide tune`` wrote (one JSON object a line: the message as the pipeline reads
it, its tier, its intent if it has one) and runs in an environment of its own, because it
needs torch and the product does not. The published weights stay as they are: each matrix of
the last layers gets an update of low rank (LoRA, Hu et al. 2021). Two heads are trained on the
mean of the last layer: the tier, which is kept, and the intent, which only helps to learn what
an ordinary question looks like and is thrown away. Two members are tuned that differ in their
seed alone: what one of them takes for a red flag by chance, the other seldom does. With ``--further`` they
do not begin at the published weights: all members of the file go on for one epoch.

    python tune.py MESSAGES.jsonl MODEL_FOLDER TUNED.safetensors [--epochs N] [--new N] [--further]
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import nn
from torch.nn import functional

MEMBERS = 4
LAYERS, FIRST_TUNED, WIDTH, HEADS = 6, 3, 384, 12
RANK, SCALE = 16, 2.0
BATCH, RATE, DROPOUT, SMOOTHING = 32, 1.5e-3, 0.1, 0.05
EPOCHS, FURTHER_EPOCHS, FURTHER_RATE = 5, 1, 8e-4
INTENT_WEIGHT = 0.7
ALONE = 0.1
"""Share of the steps of a member that goes on in which the new head of the intents learns alone."""
LONGEST_PIECES = 128
TIERS = (
    "self_harm", "emergency", "urgent", "diy", "pregnancy", "minor", "medicines", "personal", "mention", "none",
)  # fmt: skip
"""In the order in which they win: two messages in one get the tier that stands first."""
MATRICES = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attended": "attention.output.dense",
    "up": "intermediate.dense",
    "down": "output.dense",
}
RED_FLAGS = TIERS[:3]
JOINS = (". ", ". ", " ", "\n", "? ", "! ", " and ", ", ")
ASIDES = (" and ", " and ", ", ", " but ", " also ", " - ", " ", ". ", "? ", ", btw ")
"""What joins a red flag and a question."""
OPENINGS = (
    "hi ", "hello. ", "thanks. ", "thank you! ", "ok thanks. ", "quick question, ", "/start ",
    "/greet ", "hey, ", "sorry to bother you but ", "lol ", "prob nothing but ", "not being funny but ",
    "the clinic told me it's fine but ", '/restart{"text": "', "<b>", "asking for a friend, ",
)  # fmt: skip
ENDINGS = (" thanks", " lol", " haha", " pls", " x", " 🙏", "???", ".", '"}', " just asking", " any idea")
JOINED, JOINED_INTENT, JOINED_RED, OPENED, ENDED, RAW, TYPO = 0.3, 0.12, 0.25, 0.15, 0.1, 0.15, 0.1
"""Shares of the messages of an epoch that are joined with another one (of the red flags: with a message
that has an intent), get an opening, get an ending, are read without spelling repair, get a typo."""

Row = dict[str, Any]
Item = TypeVar("Item")


class Matrix(nn.Module):
    """A published matrix with an update of low rank, which starts as nothing."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor, *, tuned: bool) -> None:
        super().__init__()
        self.weight, self.bias = (
            nn.Parameter(weight, requires_grad=False),
            nn.Parameter(bias, requires_grad=False),
        )
        if tuned:
            self.thin_in = nn.Parameter(torch.randn(RANK, weight.shape[1]) / math.sqrt(weight.shape[1]))
            self.thin_out = nn.Parameter(torch.zeros(weight.shape[0], RANK))
        self.tuned = tuned

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply ``x``."""
        y = functional.linear(x, self.weight, self.bias)
        if self.tuned:
            y = y + SCALE * functional.linear(functional.linear(x, self.thin_in), self.thin_out)
        return y


def _norm(weights: dict[str, torch.Tensor], name: str) -> nn.LayerNorm:
    norm = nn.LayerNorm(WIDTH, eps=1e-12)
    norm.weight.data, norm.bias.data = weights[f"{name}.weight"], weights[f"{name}.bias"]
    return norm.requires_grad_(False)


class Layer(nn.Module):
    """A layer of BERT."""

    def __init__(self, weights: dict[str, torch.Tensor], i: int) -> None:
        super().__init__()
        place = f"encoder.layer.{i}"
        for short, full in MATRICES.items():
            pair = (weights[f"{place}.{full}.{part}"] for part in ("weight", "bias"))
            self.add_module(short, Matrix(*pair, tuned=i >= FIRST_TUNED))
        self.after_attention = _norm(weights, f"{place}.attention.output.LayerNorm")
        self.after = _norm(weights, f"{place}.output.LayerNorm")

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return the next hidden states."""
        texts, pieces, _ = x.shape

        def heads(y: torch.Tensor) -> torch.Tensor:
            return y.view(texts, pieces, HEADS, WIDTH // HEADS).transpose(1, 2)

        attended = functional.scaled_dot_product_attention(
            heads(self.query(x)), heads(self.key(x)), heads(self.value(x)), attn_mask=mask
        )
        joined = self.attended(attended.transpose(1, 2).reshape(texts, pieces, WIDTH))
        x = self.after_attention(x + functional.dropout(joined, DROPOUT, self.training))
        inner = self.down(functional.gelu(self.up(x)))
        return self.after(x + functional.dropout(inner, DROPOUT, self.training))


class Network(nn.Module):
    """The encoder with its two heads."""

    def __init__(self, weights: dict[str, torch.Tensor], intents: int) -> None:
        super().__init__()
        table = "embeddings.{}_embeddings.weight"
        places = weights[table.format("position")] + weights[table.format("token_type")][0]
        self.words = nn.Parameter(weights[table.format("word")], requires_grad=False)
        self.places = nn.Parameter(places, requires_grad=False)
        self.norm = _norm(weights, "embeddings.LayerNorm")
        self.layers = nn.ModuleList(Layer(weights, i) for i in range(LAYERS))
        self.tier, self.intent = nn.Linear(WIDTH, len(TIERS)), nn.Linear(WIDTH, max(1, intents))

    def start(self, member: dict[str, torch.Tensor]) -> None:
        """Go on from ``member`` (as :func:`member` returns it); the head of the intents begins anew."""
        with torch.no_grad():
            self.tier.weight.copy_(member["head"][:, :-1])
            self.tier.bias.copy_(member["head"][:, -1])
            for i in range(FIRST_TUNED, LAYERS):
                for short in MATRICES:
                    matrix = getattr(self.layers[i], short)
                    matrix.thin_in.copy_(member[f"{i}.{short}.in"])
                    matrix.thin_out.copy_(member[f"{i}.{short}.out"] / SCALE)

    def forward(
        self, ids: torch.Tensor, mask: torch.Tensor, *, alone: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the logits of tiers and of intents; ``alone``: the layers learn nothing from the intents."""
        wide = mask[:, None, None, :]
        with torch.no_grad():
            x = self.norm(self.words[ids] + self.places[: ids.shape[1]])
            for layer in self.layers[:FIRST_TUNED]:
                layer.eval()
                x = layer(x, wide)
        for layer in self.layers[FIRST_TUNED:]:
            x = layer(x, wide)
        weights = mask[..., None].float()
        mean = functional.dropout((x * weights).sum(1) / weights.sum(1), DROPOUT, self.training)
        return self.tier(mean), self.intent(mean.detach() if alone else mean)


def batch(tokenizer: Tokenizer, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the ids of the pieces of ``texts``, padded, and which are no padding."""
    pieces = [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]
    longest = max(map(len, pieces))
    ids = torch.zeros(len(pieces), longest, dtype=torch.long)
    mask = torch.zeros(len(pieces), longest, dtype=torch.bool)
    for row, piece in enumerate(pieces):
        ids[row, : len(piece)] = torch.tensor(piece)
        mask[row, : len(piece)] = True
    return ids, mask


def epoch(rows: Sequence[Row], chance: random.Random) -> Iterator[list[Row]]:
    """Give the batches of one epoch, messages of about one length together."""
    harmless = [row for row in rows if row["tier"] == "none"]
    asked = [row for row in rows if row.get("intent")]
    varied = [_varied(row, rows, harmless, asked, chance) for row in rows]
    yield from by_length(varied, lambda row: len(row["text"]), chance)


def by_length(
    items: Iterable[Item], length: Callable[[Item], int], chance: random.Random
) -> list[list[Item]]:
    """Return ``items`` shuffled in batches, those of about one length together."""
    order = list(items)
    chance.shuffle(order)
    batches: list[list[Item]] = []
    for start in range(0, len(order), BATCH * 40):
        part = sorted(order[start : start + BATCH * 40], key=length)
        batches += [part[i : i + BATCH] for i in range(0, len(part), BATCH)]
    chance.shuffle(batches)
    return batches


def _varied(
    row: Row, rows: Sequence[Row], harmless: Sequence[Row], asked: Sequence[Row], chance: random.Random
) -> Row:
    text, tier, intent = row["text"], row["tier"], row.get("intent")
    if chance.random() < RAW:
        text = row["raw"]
    if tier in RED_FLAGS and len(text) < 160 and chance.random() < JOINED_RED:
        pair = [text.rstrip(".!? "), chance.choice(asked)["text"]]
        chance.shuffle(pair)
        text = chance.choice(ASIDES).join(pair)
    elif chance.random() < (JOINED_INTENT if intent else JOINED) and len(text) < 160:
        other = chance.choice(harmless if chance.random() < 0.75 else rows)
        if len(other["text"]) < 160:
            pair = (text, other["text"]) if chance.random() < 0.4 else (other["text"], text)
            text = pair[0].rstrip() + chance.choice(JOINS) + pair[1]
            tier, intent = min(tier, other["tier"], key=TIERS.index), None
    if chance.random() < OPENED:
        text = chance.choice(OPENINGS) + text
    if chance.random() < ENDED:
        text += chance.choice(ENDINGS)
    if chance.random() < TYPO:
        text = mistyped(text, chance)
    return {"text": text, "tier": tier, "intent": intent}


def mistyped(text: str, chance: random.Random) -> str:
    """Drop, double or swap one letter."""
    if len(text) < 6:
        return text
    i = chance.randrange(1, len(text) - 2)
    kind = chance.randrange(3)
    if kind == 0:
        return text[:i] + text[i + 1 :]
    if kind == 1:
        return text[:i] + text[i] + text[i:]
    return text[:i] + text[i + 1] + text[i] + text[i + 2 :]


def learning(
    parameters: list[nn.Parameter], highest: float, steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]:
    """Return the optimizer and its rate, which soon rises to ``highest`` and falls over the rest of the ``steps``."""
    optimizer = torch.optim.AdamW(parameters, lr=highest, weight_decay=0.01)
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda k: min(1.0, (k + 1) / (0.06 * steps)) * max(0.02, 1 - k / steps)
    )
    return optimizer, rate


def step(
    loss: torch.Tensor, optimizer: torch.optim.Optimizer, rate: torch.optim.lr_scheduler.LambdaLR
) -> None:
    """Learn from the ``loss`` of a batch."""
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], 1.0)
    optimizer.step()
    rate.step()


def tune(
    rows: Sequence[Row], model: Path, *, epochs: int, seed: int, start: dict[str, torch.Tensor] | None = None
) -> Network:
    """Train on ``rows``, from ``start`` on if there is one; say after each epoch how far it is."""
    torch.manual_seed(seed)
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST_PIECES)
    intents = sorted({row["intent"] for row in rows if row.get("intent")})
    network = Network(load_file(model / "model.safetensors"), len(intents))
    if start is not None:
        network.start(start)
    learnt = [p for p in network.parameters() if p.requires_grad]
    steps = epochs * math.ceil(len(rows) / BATCH)
    optimizer, rate = learning(learnt, RATE if start is None else FURTHER_RATE, steps)
    begun = time.monotonic()
    for number in range(epochs):
        for part in epoch(rows, chance):
            network.train()
            alone = start is not None and rate.last_epoch < ALONE * steps
            tiers, others = network(*batch(tokenizer, [row["text"] for row in part]), alone=alone)
            loss = functional.cross_entropy(
                tiers, torch.tensor([TIERS.index(row["tier"]) for row in part]), label_smoothing=SMOOTHING
            )
            asked = torch.tensor([intents.index(row["intent"]) if row["intent"] else -1 for row in part])
            if (asked >= 0).any():
                loss = loss + INTENT_WEIGHT * functional.cross_entropy(
                    others, asked, ignore_index=-1, label_smoothing=SMOOTHING
                )
            step(loss, optimizer, rate)
        print(
            f"seed {seed}, epoch {number + 1} of {epochs}: loss {loss.item():.3f}, {time.monotonic() - begun:.0f} s",
            flush=True,
        )
    return network.eval()


def member(
    rows: Sequence[Row], model: Path, epochs: int, seed: int, start: dict[str, torch.Tensor] | None = None
) -> dict[str, torch.Tensor]:
    """Train one network; return its head and its updates as 16-bit numbers."""
    network = tune(rows, model, epochs=epochs, seed=seed, start=start)
    return kept(network, network.tier)


def kept(network: Network, head: nn.Linear) -> dict[str, torch.Tensor]:
    """Return ``head`` and the updates of ``network`` as 16-bit numbers."""
    tensors = {"head": torch.cat([head.weight, head.bias[:, None]], dim=1)}
    for i in range(FIRST_TUNED, LAYERS):
        for short in MATRICES:
            matrix = getattr(network.layers[i], short)
            tensors[f"{i}.{short}.in"] = matrix.thin_in
            tensors[f"{i}.{short}.out"] = SCALE * matrix.thin_out
    return {name: tensor.detach().half().contiguous() for name, tensor in tensors.items()}


def stored(target: Path) -> tuple[list[dict[str, torch.Tensor]], list[Row]]:
    """Return the members of the file, oldest first, and what is told of each: its seed and examples."""
    if not target.is_file():
        return [], []
    with safe_open(target, "pt") as file:
        told = json.loads(file.metadata()["mesoguide"])["members"]
        members: list[dict[str, torch.Tensor]] = [{} for _ in told]
        for name in file.keys():  # noqa: SIM118 - it is no dict
            number, part = name.split("/")
            members[int(number)][part] = file.get_tensor(name)
    return members, told


def prepared(threads: int, parent: int) -> None:
    """Let a worker compute in so many threads, and end when its parent has ended: nobody would take its result."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(5)
        os._exit(1)

    torch.set_num_threads(threads)
    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    """Run the command of the module's docstring."""
    parser = argparse.ArgumentParser(description="Tune the encoder for the safety stop.")
    parser.add_argument("messages", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--examples", default="", help="digest of the messages, kept in the file")
    parser.add_argument("--epochs", type=int, help=f"{EPOCHS}, or {FURTHER_EPOCHS} where members go on")
    parser.add_argument(
        "--new",
        type=int,
        help=f"members to tune, up to {MEMBERS}: 2, or all where they go on; the others stay",
    )
    parser.add_argument("--further", action="store_true", help="go on from the members of the file")
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.messages.read_text("utf-8").splitlines()]
    members, told = stored(options.target)
    if options.further and not members:
        parser.error(f"there are no members in {options.target} that could go on: copy the file there first")
    first = max((each["seed"] for each in told), default=-1) + 1
    new = options.new or (MEMBERS if options.further else 2)
    replaced = max(0, len(members) - (MEMBERS - new))
    starts: list[dict[str, torch.Tensor] | None] = [*members[:replaced]] if options.further else []
    members, told = members[replaced:], told[replaced:]
    seeds = range(first, first + MEMBERS - len(members))
    epochs = options.epochs or (FURTHER_EPOCHS if starts else EPOCHS)
    starts += [None] * (len(seeds) - len(starts))
    cores = os.cpu_count() or 1
    at_once, threads = min(cores, len(seeds)), max(1, cores // len(seeds))
    # Each in a process of its own: torch gains little from a second core on texts so short.
    with ProcessPoolExecutor(
        at_once, multiprocessing.get_context("spawn"), prepared, (threads, os.getpid())
    ) as pool:
        runs = [
            pool.submit(member, rows, options.model, epochs, seed, start)
            for seed, start in zip(seeds, starts, strict=True)
        ]
        members += [run.result() for run in runs]
    told += [{"seed": seed, "examples": options.examples} for seed in seeds]
    tensors = {f"{i}/{name}": tensor for i, each in enumerate(members) for name, tensor in each.items()}
    about = {"tiers": TIERS, "members": told}
    save_file(tensors, options.target, {"mesoguide": json.dumps(about)})


if __name__ == "__main__":
    main()
