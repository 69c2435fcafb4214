"""``make tune``: tune the encoder's last layers on the messages of the safety stop, and its n-grams.

The messages are written as the pipeline reads them, then ``tuning/tune.py`` learns from them in
an environment of its own: it needs torch, which the product does not. All members go on from what they have
learnt. The n-grams
(:mod:`en_mesoguide.ngrams`) take a minute more. The results go into the language package, and into
git: nobody has to tune to use or to train the product.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import yaml

from en_mesoguide import load, ngrams, tuned
from en_mesoguide.build import WEIGHTS_PACKAGE
from mesoguide import safety
from mesoguide.cleaning import readable
from mesoguide.rasa_host.training import NLU
from mesoguide.settings import ROOT

NEEDS = ("torch==2.13.0", "numpy", "safetensors", "tokenizers")
LONGEST = 1000


def tune(say: Callable[[str], None]) -> int:
    """Write the *.safetensors of language/en_mesoguide anew; return what the tuning exits with.

    Parameters
    ----------
    say
        Told what is being done.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "messages.jsonl"
        rows = list(messages())
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
        say("learning from n-grams …")
        learn_ngrams(rows)
        say("tuning (torch is fetched the first time; about half an hour on two cores) …")
        further = ("--further", "--examples", safety.examples_digest())
        return with_torch("tune.py", file, tuned.FILE, *further).returncode


def tune_intents(examples: Sequence[tuple[str, str]], target: Path) -> None:
    """Tune layers on ``examples`` alone, a message and its intent each; write them to ``target``.

    Raises
    ------
    RuntimeError
        It failed; says how.
    """
    training = target.with_suffix(".json")
    training.write_text(json.dumps(examples), "utf-8")
    done = with_torch("tune_intents.py", training, target, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"tuning failed:\n{done.stderr[-2000:]}")


def with_torch(script: str, messages: Path, target: Path, *more: str, **how: Any) -> CompletedProcess[Any]:
    """Run ``tuning/<script>`` on ``messages`` in its own environment, which has torch; it writes ``target``."""
    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    if spec is None or spec.origin is None:
        raise RuntimeError(f"the package {WEIGHTS_PACKAGE} is missing: run `make setup`")
    uv = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
    needs = [part for need in NEEDS for part in ("--with", need)]
    places = (
        str(ROOT / "tuning" / script),
        str(messages),
        str(Path(spec.origin).parent / "model"),
        str(target),
    )
    command = [uv, "run", "--no-project", *needs, "python", *places, *more]
    return subprocess.run(command, check=False, env={**os.environ, "VIRTUAL_ENV": ""}, **how)


def learn_ngrams(rows: Sequence[Mapping[str, Any]], file: Path = ngrams.FILE) -> None:
    """Learn the n-grams' model from what :func:`messages` gives; write it to ``file``."""
    texts, tiers = [row["text"] for row in rows], [row["tier"] for row in rows]
    ngrams.fit(texts, tiers, safety.TIERS).save(file, safety.examples_digest())


def messages() -> Iterator[dict[str, Any]]:
    """Give every message to learn from: as it is read, as it was written, tier, intent."""
    tokenizer = load().tokenizer

    def row(text: str, tier: str, intent: str | None = None) -> dict[str, Any]:
        raw = readable(text, LONGEST).lower()
        return {"text": tokenizer.repaired(raw) or " ", "raw": raw, "tier": tier, "intent": intent}

    for text, tier in safety.examples():
        # What is read of a harmless story is harmless; where its red flag stands, nobody has marked.
        # A short one's sentences are not learnt from: alone they may be a red flag.
        harmless = tier in (safety.MENTION, safety.NONE) and len(text.split()) > safety.LONG
        for reading in safety.readings(text) if harmless else [text]:
            yield row(reading, tier)
    for block in yaml.safe_load(NLU.read_text("utf-8"))["nlu"]:
        for line in block["examples"].splitlines():
            if line.strip():
                yield row(line.strip().removeprefix("- "), safety.NONE, block["intent"])
