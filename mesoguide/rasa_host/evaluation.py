"""``make eval``: the product's own questions (evals/) through the whole product, each once."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesoguide import evaluation_data
from mesoguide.measuring.figures import table
from mesoguide.measuring.runs import FILES, Measured, Run, messages_of
from mesoguide.measuring.typos import with_typos
from mesoguide.rasa_host.training import ENDPOINTS
from mesoguide.safety import RED_FLAGS
from mesoguide.settings import load_settings

if TYPE_CHECKING:
    from mesoguide.rasa_host.assistant import Assistant

TYPOS = {1: 1, 2: 2}
"""How many typos are put into a message → into every how manieth: two into every second, so that the whole stays short."""
PROCESSES = 2
"""That share the conversations: the smallest machine this is for has two cores."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A line of an evaluation file, and how many typos each of its messages gets."""

    file: str
    row: Mapping[str, Any]
    typos: int = 0


def measure(model: Path, *, typos: bool = True, processes: int = PROCESSES) -> Measured:
    """Send every evaluation message through the product; with ``typos``, single ones with typos too.

    Each of the ``processes`` loads the product and holds its share of the conversations.
    """
    begun = time.monotonic()
    asked = [Asked(file, row) for file in FILES for row in evaluation_data.read(file)]
    taking = [each for each in asked if _takes_typos(each)]
    for count, step in TYPOS.items() if typos else ():
        asked += [replace(each, typos=count) for each in taking[::step]]
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        # every n-th: each process gets its part of the long and of the short ones
        shares = list(pool.map(partial(_share, model), [asked[at::processes] for at in range(processes)]))
    runs: list[Run] = [shares[at % processes].runs[at // processes] for at in range(len(asked))]
    typed = {
        count: tuple(run for each, run in zip(asked, runs, strict=True) if each.typos == count)
        for count in (TYPOS if typos else ())
    }
    plain = tuple(run for each, run in zip(asked, runs, strict=True) if not each.typos)
    worked = sum(share.processor_seconds for share in shares)
    return Measured(plain, typed, shares[0].threshold, time.monotonic() - begun, worked)


def evaluate(model: Path) -> str:
    """Return the figures as a Markdown table."""
    return table(measure(model, typos=False).runs)


def _share(model: Path, asked: Sequence[Asked]) -> Measured:
    """Load the product in this process and hold these conversations."""
    from mesoguide.rasa_host import lean, quiet

    begun = time.process_time()
    quiet.start()
    lean.start(model, ENDPOINTS)
    from mesoguide.rasa_host.assistant import Assistant

    assistant = Assistant.load(model, load_settings())
    runs, threshold = asyncio.run(_runs(assistant, asked))
    return Measured(tuple(runs), {}, threshold, processor_seconds=time.process_time() - begun)


async def _runs(assistant: Assistant, asked: Iterable[Asked]) -> tuple[list[Run], float | None]:
    runs: list[Run] = []
    threshold = None
    for each in asked:
        messages = tuple(with_typos(text, each.typos) for text in messages_of(each.row))
        run, trust = await _run(assistant, each.file, each.row, messages)
        runs.append(run)
        threshold = trust.get("threshold", threshold)
    return runs, threshold


def _takes_typos(asked: Asked) -> bool:
    """Whether it gets typos: the questions and the red flags do."""
    return asked.file == "questions" or (asked.file == "safety" and asked.row["tier"] in RED_FLAGS)


async def _run(
    assistant: Assistant, file: str, row: Mapping[str, Any], messages: tuple[str, ...]
) -> tuple[Run, Mapping[str, float]]:
    """Hold one conversation; return what its last message got, with score and threshold."""
    name = uuid.uuid4().hex
    reply: Mapping[str, Any] = {}
    for text in messages:
        reply = await assistant.reply(text, name)
    understood = await assistant.understood(name)
    assistant.forget(name)
    trust = understood.get("trust") or {}
    ranking = tuple((found["name"], found["confidence"]) for found in understood.get("intent_ranking", ()))
    return Run(file, row, reply, ranking, trust.get("score")), trust
