"""``make bench``: CPU time and memory beside stock Rasa, on the same data in the same run.

Stock Rasa's default pipeline needs an hour for all of our training messages, so both train
on a sample (the same lines of each intent); ours is measured on all of them as well. Every
figure is taken in a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from mesoguide.evaluation_data import questions
from mesoguide.rasa_host.bench_scale import POLICIES
from mesoguide.rasa_host.bench_scale import measure as measure_scale
from mesoguide.settings import ROOT

SAMPLE = 10
"""Training messages of each intent in the sample."""
MESSAGES = 200
"""Evaluation messages that a turn's time is the mean of."""
SERVING = ("turn", "long")
"""What is measured as `mesoguide web` runs it; training and stock Rasa need all of Rasa."""
LONG, LONG_CYCLE = 1000, 20
"""Turns of a long conversation, and messages that it goes round."""
STOCK = {
    "recipe": "default.v1",
    "assistant_id": "stock",
    "language": "en",
    "pipeline": [
        {"name": "WhitespaceTokenizer"},
        {"name": "RegexFeaturizer"},
        {"name": "LexicalSyntacticFeaturizer"},
        {"name": "CountVectorsFeaturizer"},
        {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
        {"name": "DIETClassifier", "epochs": 100, "constrain_similarities": True, "random_seed": 1},
        {"name": "EntitySynonymMapper"},
        {"name": "FallbackClassifier", "threshold": 0.3, "ambiguity_threshold": 0.1},
    ],
}
"""The NLU pipeline that `rasa init` writes, without the response selector."""


def bench(say: Callable[[str], None], *, stock: bool = True, scale: bool = True) -> Iterator[str]:
    """Give a table each of one process, of the website, and of several processes, as soon as it is measured.

    Parameters
    ----------
    say
        Told what is being measured.
    stock
        Whether stock Rasa is measured beside ours.
    scale
        Whether several processes are.

    Raises
    ------
    RuntimeError
        Where a measuring process fails; the tables before it are given.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "sample.yml").write_text(_sample(), "utf-8")
        yield _table_of_one(folder, say, stock=stock)
        say("the website, one visitor and twenty …")
        yield _table_of_website(_worker("website"))
        if scale:
            yield _table_of_several(folder, say, stock=stock)


def _table_of_one(folder: Path, say: Callable[[str], None], *, stock: bool) -> str:
    say("ours, all training messages …")
    whole = _worker("train", ROOT / "config.yml", ROOT / "data" / "nlu.yml", folder / "whole.tar.gz")
    say("ours, the sample …")
    ours = _worker("train", ROOT / "config.yml", folder / "sample.yml", folder / "ours.tar.gz")
    say("ours, a turn …")
    ours |= _worker("parse", folder / "ours.tar.gz")
    turn = _worker("turn")
    say("a conversation of a thousand turns …")
    turn |= _worker("long")
    theirs: dict[str, float] = {}
    if stock:
        say("stock Rasa, the sample …")
        (folder / "stock.yml").write_text(yaml.safe_dump(STOCK), "utf-8")
        theirs = _worker("train", folder / "stock.yml", folder / "sample.yml", folder / "stock.tar.gz")
        theirs |= _worker("parse", folder / "stock.tar.gz")
    rows = [
        ("training on the sample, CPU s", ours["train"], theirs.get("train")),
        ("training on all messages, CPU s", whole["train"], None),
        ("understanding a message, CPU ms", ours["parse"], theirs.get("parse")),
        ("understanding a message, all training messages, CPU ms", turn["understand"], None),
        ("a whole turn, CPU ms", turn["turn"], None),
        ("a whole turn with its store, new conversation, CPU ms", turn["stored_new"], None),
        (f"… at the end of one of {LONG:,} turns", turn["stored_long"], None),
        ("memory of the process that understands, MB", ours["memory"], theirs.get("memory")),
        ("memory of the conversation process, MB", turn["memory"], None),
        ("start until ready, CPU s", turn["start"], None),
        ("conversations a second, one core", turn["conversations"], None),
    ]
    lines = ["| measure | Mesoguide | stock Rasa | ratio |", "|---|---|---|---|"]
    for name, own, stocks in rows:
        beside = f"{stocks:.1f} | {own / stocks:.2f}" if stocks else "not measured |"
        lines.append(f"| {name} | {own:.1f} | {beside} |")
    return "\n".join(lines)


def _table_of_website(measured: Mapping[str, float]) -> str:
    lines = [
        "| on the website, ms | one visitor | twenty | ratio | twenty at one moment |",
        "|---|---|---|---|---|",
    ]
    for name, part in (("a turn, 95th percentile", ""), ("the script meanwhile, median", "_script")):
        one, twenty, burst = (measured[f"{visitors}{part}"] for visitors in ("one", "twenty", "burst"))
        lines.append(f"| {name} | {one:.1f} | {twenty:.1f} | {twenty / one:.2f} | {burst:.1f} |")
    return "\n".join(lines)


def _table_of_several(folder: Path, say: Callable[[str], None], *, stock: bool) -> str:
    if not stock:
        return measure_scale(None, say)
    bot = folder / "bot.tar.gz"
    say("stock Rasa with rules …")
    (folder / "bot.yml").write_text(yaml.safe_dump({**STOCK, "policies": POLICIES}), "utf-8")
    _worker("bot", folder / "bot.yml", folder / "sample.yml", bot)
    return measure_scale(bot, say)


def _sample() -> str:
    written = yaml.safe_load((ROOT / "data" / "nlu.yml").read_text("utf-8"))
    for block in written["nlu"]:
        lines = block["examples"].splitlines(keepends=True)
        block["examples"] = "".join(lines[:: max(1, len(lines) // SAMPLE)][:SAMPLE])
    return yaml.safe_dump(written, width=10_000)


def _worker(*arguments: object) -> dict[str, float]:
    command = [sys.executable, "-m", __name__, *map(str, arguments)]
    with tempfile.TemporaryDirectory() as cache:  # Rasa would take parts of an earlier training
        environment = {**os.environ, "RASA_CACHE_DIRECTORY": cache}
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _train(config: Path, nlu: Path, model: Path) -> dict[str, float]:
    import rasa.model_training  # noqa: F401 - imports are no training

    from mesoguide.rasa_host.training import train

    begun = time.process_time()
    train(model, config=config, nlu=nlu)
    return {"train": time.process_time() - begun}


def _bot(config: Path, nlu: Path, model: Path) -> dict[str, float]:
    """Train a whole bot of stock Rasa, with our domain and rules."""
    import shutil

    import rasa.model_training

    files = [str(nlu), str(ROOT / "data" / "rules.yml")]
    result = rasa.model_training.train(
        str(ROOT / "domain.yml"), str(config), files, output=str(model.parent / "bot"), fixed_model_name="bot"
    )
    shutil.move(str(result.model), model)
    return {}


def _parse(model: Path) -> dict[str, float]:
    from rasa.core.agent import Agent

    agent = Agent.load(str(model))
    texts = [row["text"] for row in questions()][:MESSAGES]

    async def all_parsed() -> None:
        for text in texts:
            await agent.parse_message(text)

    asyncio.run(all_parsed())
    begun = time.process_time()
    asyncio.run(all_parsed())
    milliseconds = 1000 * (time.process_time() - begun) / len(texts)
    return {"parse": milliseconds, "memory": _memory()}


def _turn() -> dict[str, float]:
    from mesoguide.rasa_host.assistant import Assistant
    from mesoguide.rasa_host.training import MODEL
    from mesoguide.settings import load_settings

    assistant = Assistant.load(MODEL, load_settings())
    texts = [row["text"] for row in questions()][:MESSAGES]

    async def all_answered() -> None:
        for text in texts:
            await assistant.conversation([text])

    asyncio.run(assistant.conversation(["hello"]))
    start = time.process_time()
    asyncio.run(all_answered())
    begun = time.process_time()
    asyncio.run(all_answered())
    seconds = (time.process_time() - begun) / len(texts)
    understand = _understood(assistant, texts)
    return {
        "understand": 1000 * understand,
        "turn": 1000 * seconds,
        "conversations": 1 / seconds,
        "start": start,
        "memory": _memory(),
    }


def _understood(assistant: Any, texts: list[str]) -> float:
    """CPU seconds of understanding alone, a message."""

    async def all_watched() -> None:
        for text in texts:
            await assistant.watch(text)

    begun = time.process_time()
    asyncio.run(all_watched())
    return (time.process_time() - begun) / len(texts)


def _long() -> dict[str, float]:
    """A turn in the store of ``make web``: in new conversations, and at the end of one of 1,000 turns."""
    from mesoguide.rasa_host.assistant import Assistant, loaded
    from mesoguide.rasa_host.conversations import ConversationStore
    from mesoguide.rasa_host.locks import ConversationLocks
    from mesoguide.rasa_host.training import MODEL
    from mesoguide.settings import load_settings

    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(environment={**os.environ, "MESOGUIDE_DATABASE": "", "MESOGUIDE_LOCKS": ""})
        store = ConversationStore(db=f"{folder}/conversations.db")
        assistant = Assistant(
            loaded(MODEL, settings, tracker_store=store, lock_store=ConversationLocks()), settings
        )
        texts = [row["text"] for row in questions()][:LONG_CYCLE]

        async def turns(count: int, name: str) -> float:
            begun = time.process_time()
            for number in range(count):
                await assistant.reply(texts[number % LONG_CYCLE], name.format(number))
            return 1000 * (time.process_time() - begun) / count

        async def measured() -> dict[str, float]:
            await turns(50, "warm {}")
            new = await turns(100, "new {}")
            await turns(LONG - 100, "long")
            return {"stored_new": new, "stored_long": await turns(100, "long")}

        return asyncio.run(measured())


def _website() -> dict[str, float]:
    from mesoguide.rasa_host.bench_website import measure

    return measure()


def _memory() -> float:
    """The most memory that this process has had, in MB; not what the one that started it had before."""
    status = Path("/proc/self/status")
    if status.is_file():
        (peak,) = re.findall(r"^VmHWM:\s+(\d+) kB", status.read_text("ascii"), re.MULTILINE)
        return int(peak) / 2**10
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)


def _work(kind: str, *arguments: str) -> dict[str, float]:
    from mesoguide.rasa_host import lean, quiet
    from mesoguide.rasa_host.training import ENDPOINTS, MODEL

    quiet.start()
    if kind in SERVING:
        lean.start(MODEL, ENDPOINTS)
    work: dict[str, Callable[..., dict[str, float]]] = {
        "train": _train,
        "bot": _bot,
        "parse": _parse,
        "turn": _turn,
        "long": _long,
        "website": _website,
    }
    return work[kind](*map(Path, arguments))


def main(arguments: list[str]) -> Any:
    """Measure one thing and print it as JSON (the worker's side)."""
    print(json.dumps(_work(*arguments)))


if __name__ == "__main__":
    main(sys.argv[1:])
