"""``python -m mesoguide.rasa_host.readme``: renew what the README shows of the product.

A conversation and the evaluation's table stand between markers in README.md. The test
tests/product/test_readme.py fails when they are not what the product says and measures now.
"""

from __future__ import annotations

import asyncio
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mesoguide.settings import ROOT, Settings

if TYPE_CHECKING:
    from mesoguide.rasa_host.assistant import Assistant

README = ROOT / "README.md"
ASKED = (
    "does it hurt?",
    "and how many times do I have to go?",
    "can I dye my hair the next day",
)
"""The messages of the conversation that the README shows."""
WIDTH = 100
"""Characters of a line: a reply's long lines are wrapped, its words stay as they are."""


def transcript(assistant: Assistant) -> str:
    """Hold the README's conversation; return it as a fenced block."""
    replies = asyncio.run(assistant.conversation(list(ASKED)))
    return _block(ASKED, replies)


def between(text: str, name: str) -> str:
    """Return what stands between the markers ``name`` in ``text``.

    Raises
    ------
    ValueError
        The markers are not there, or not once each.
    """
    found = _marked(name).findall(text)
    if len(found) != 1:
        raise ValueError(f"README.md needs the markers '{name}: begin' and '{name}: end' once each")
    return str(found[0]).strip()


def renewed(text: str, parts: Mapping[str, str]) -> str:
    """Return ``text`` with each of ``parts`` (marker → content) between its markers."""
    for name, content in parts.items():
        between(text, name)
        before, _, after = _marked(name).split(text)
        text = f"{before}<!-- {name}: begin -->\n{content}\n<!-- {name}: end -->{after}"
    return text


def renew(readme: Path = README) -> None:
    """Rewrite ``readme`` with what the product says and measures now."""
    from mesoguide.rasa_host import quiet

    quiet.start()
    from mesoguide.rasa_host.assistant import Assistant
    from mesoguide.rasa_host.evaluation import evaluate
    from mesoguide.rasa_host.training import prepare

    model = prepare(lambda line: print(line, file=sys.stderr))
    parts = {"transcript": transcript(Assistant.load(model, Settings())), "eval": evaluate(model)}
    readme.write_text(renewed(readme.read_text("utf-8"), parts), "utf-8")


def _block(asked: Sequence[str], replies: Sequence[Mapping[str, Any]]) -> str:
    turns = [
        f"you> {message}\n\n{_wrapped(reply['text'])}" for message, reply in zip(asked, replies, strict=True)
    ]
    return "\n".join(["```text", "\n\n".join(turns), "```"])


def _wrapped(text: str) -> str:
    return "\n".join(
        textwrap.fill(line, WIDTH, subsequent_indent="  " if line.startswith("•") else "")
        for line in text.splitlines()
    )


def _marked(name: str) -> re.Pattern[str]:
    mark = re.escape(name)
    return re.compile(rf"<!-- {mark}: begin -->(.*?)<!-- {mark}: end -->", re.DOTALL)


if __name__ == "__main__":
    renew()
