"""``mesoguide ask``: the whole product for one message, or for many conversations."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from mesoguide.ask_lines import read_conversation
from mesoguide.rasa_host.assistant import Assistant
from mesoguide.settings import load_settings


def shown(reply: dict[str, Any]) -> str:
    """Return ``reply`` as a terminal shows it: the bubble, then the questions offered next."""
    offered = "".join(f"\n  → {text}" for text in reply["buttons"])
    return f"{reply['text']}{offered}"


def one(model: Path, message: str) -> int:
    """Print the reply to ``message``."""
    assistant = Assistant.load(model, load_settings())
    (reply,) = asyncio.run(assistant.conversation([message]))
    print(shown(reply))
    return 0


def lines(model: Path, source: Iterable[bytes], target: TextIO) -> int:
    """Answer a conversation for each line of ``source``; return 1 if a line could not be read.

    Every line of ``source`` that is not blank gives one line in ``target``.
    """
    assistant = Assistant.load(model, load_settings())
    return asyncio.run(_lines(assistant, source, target))


async def _lines(assistant: Assistant, source: Iterable[bytes], target: TextIO) -> int:
    code = 0
    for number, line in enumerate(source, 1):
        if not line.strip():
            continue
        result = await _answered(assistant, line, number)
        code = 1 if "error" in result else code
        target.write(json.dumps(result) + "\n")
        target.flush()
    return code


async def _answered(assistant: Assistant, line: bytes, number: int) -> dict[str, Any]:
    try:
        name, messages = read_conversation(line)
    except ValueError as refusal:
        why, name = refusal.args
        return {"id": name, "error": f"line {number}: {why}"}
    return {"id": name, "replies": await assistant.conversation(list(messages))}
