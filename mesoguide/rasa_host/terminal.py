"""The terminal door: Rasa's agent in this process, with no port open at all.

Rasa's own shell is not used for the conversation: it opens an HTTP port that anyone on the
machine can talk to, splits a reply at blank lines, and lets "/intent" through. It is there
for developers as ``mesoguide rasa shell``.
"""

from __future__ import annotations

import asyncio
import sys
import textwrap
import uuid
from pathlib import Path
from shutil import get_terminal_size

from mesoguide.knowledge import filled, shared_knowledge
from mesoguide.rasa_host.assistant import Assistant
from mesoguide.settings import load_settings

LEAVE = frozenset({"/stop", "/quit", "/exit", "quit", "exit"})
PROMPT = "you> "
WIDEST = 100


def talk(model: Path) -> int:
    """Hold one conversation on standard input and output until it ends."""
    settings = load_settings()
    assistant = Assistant.load(model, settings)
    knowledge = filled(shared_knowledge(), settings)
    print(_wrapped(knowledge.notices["greeting"]))
    print(_wrapped(knowledge.notices["disclaimer_short"]))
    print('Type your question and press Enter. A number picks a suggestion; "/stop" ends.\n')
    return asyncio.run(_talk(assistant))


async def _talk(assistant: Assistant) -> int:
    conversation = uuid.uuid4().hex
    offered: list[str] = []
    while (text := _typed()) is not None and text.strip().lower() not in LEAVE:
        question = picked(text, offered)
        if question is not None:
            text = question
            print(f"     {text}")
        reply = await assistant.reply(text, conversation)
        offered = reply["buttons"]
        print()
        print(_wrapped(reply["text"]))
        for number, button in enumerate(offered, 1):
            print(f"  [{number}] {button}")
        print(flush=True)
    assistant.forget(conversation)
    return 0


def picked(text: str, offered: list[str]) -> str | None:
    """Return the question whose number was typed, None where it was something else."""
    numbers = {str(number): question for number, question in enumerate(offered, 1)}
    return numbers.get(text.strip())


def _typed() -> str | None:
    """The next line, or None at the end of input."""
    try:
        if sys.stdin.isatty():
            import readline  # noqa: F401 - arrow keys and history of this conversation
        text = input(PROMPT)
    except (EOFError, KeyboardInterrupt):
        print()
        return None
    except UnicodeDecodeError:
        return ""
    if not sys.stdin.isatty():
        print(text)
    return text


def _wrapped(text: str) -> str:
    width = min(WIDEST, get_terminal_size((WIDEST, 24)).columns)
    return "\n".join(
        textwrap.fill(line, width, subsequent_indent="  " if line.startswith("•") else "")
        for line in text.splitlines()
    )
