"""``make eval``: the product's own questions (evals/) through the whole product, each once."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mesoguide import evaluation_data
from mesoguide.measuring.figures import table
from mesoguide.measuring.runs import FILES, Measured, Run, messages_of
from mesoguide.measuring.typos import with_typos
from mesoguide.rasa_host.assistant import Assistant
from mesoguide.safety import RED_FLAGS
from mesoguide.settings import load_settings

TYPOS = (1, 2)
"""How many typos are put into a message."""


def measure(model: Path, *, typos: bool = True) -> Measured:
    """Send every evaluation message through the product; with ``typos``, single ones with typos too."""
    return asyncio.run(_measured(Assistant.load(model, load_settings()), typos=typos))


def evaluate(model: Path) -> str:
    """Return the figures as a Markdown table."""
    return table(measure(model, typos=False).runs)


async def _measured(assistant: Assistant, *, typos: bool) -> Measured:
    begun, worked = time.monotonic(), time.process_time()
    runs: list[Run] = []
    threshold = None
    for file in FILES:
        for row in evaluation_data.read(file):
            run, trust = await _run(assistant, file, row, messages_of(row))
            runs.append(run)
            threshold = trust.get("threshold", threshold)
    typed: dict[int, tuple[Run, ...]] = {}
    for count in TYPOS if typos else ():
        typed[count] = tuple([await _typed(assistant, run, count) for run in _to_type(runs)])
    return Measured(tuple(runs), typed, threshold, time.monotonic() - begun, time.process_time() - worked)


def _to_type(runs: Iterable[Run]) -> list[Run]:
    """Return those that get typos: the questions and the red flags."""
    return [
        run
        for run in runs
        if run.file == "questions" or (run.file == "safety" and run.row["tier"] in RED_FLAGS)
    ]


async def _typed(assistant: Assistant, run: Run, count: int) -> Run:
    (text,) = run.messages
    typed = with_typos(text, count)
    if typed == text:
        return run
    return (await _run(assistant, run.file, run.row, (typed,)))[0]


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
