"""Time grows with the length of what comes in, and not with its square."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from mesoguide import languages, safety
from mesoguide.cleaning import MOST_READ, door_text, readable
from mesoguide.disguises import undisguised
from mesoguide.messaging.commands import meaning
from tests.fuzz.targets import (
    FORM,
    MESSENGER,
    SLACK,
    TELEGRAM,
    TWILIO,
    _messenger,
    _slack,
    _telegram,
    taken_in,
)

SHAPES = {
    "letters": "a", "spaces": " ", "brackets": "([{<", "lone surrogates": "\ud800", "hidden marks": "\u200b",
    "right to left": "\u202eب ", "combining marks": "\u0316\u0301", "long words": "x" * 300 + " ",
    "sentences": "It hurts. ", "emoji": "👩\u200d🔬", "letters that become many": "ﷺ", "slashes": "/ ", "digits": "1.",
    "words of a fever": "i have had a ", "the same word": "have ", "words of a denial": "not no ", "a word": "is it good ",
    "signs": "!", "letters apart": "a ",
    "names": "@a <", "escapes": "&lt;", "breaks": "\n ", "marks": "*_`",
}  # fmt: skip
READERS: dict[str, Callable[[str], object]] = {
    "door": door_text,
    "readable": lambda text: readable(text, MOST_READ),
    "plain": lambda text: languages.plain(readable(text, MOST_READ)),
    "patterns": lambda text: safety.matched(readable(text, MOST_READ)),
    "certain": lambda text: safety.matched(readable(text, MOST_READ), safety.certain()),
    "disguises": lambda text: undisguised(readable(text, MOST_READ)),
    "windows": safety.readings,
    "commands": meaning,
    "telegram": lambda text: taken_in(TELEGRAM, json.dumps(_telegram(text=text)).encode()),
    "slack": lambda text: taken_in(SLACK, json.dumps(_slack(text=text)).encode()),
    "messenger": lambda text: taken_in(MESSENGER, json.dumps(_messenger(message={"mid": text})).encode()),
    "twilio": lambda text: taken_in(TWILIO, text.encode("utf-8", "replace"), FORM),
}
SHORT, LONG = 2_000, 16_000
MOST_TIMES = 8
"""So many times the length may take so many times the time, and as much again for a busy machine."""
TRIES = 4
"""A busy machine is slow for a moment, the square of the length each time."""


def seconds(read: Callable[[str], object], text: str) -> float:
    """The least CPU time of three."""
    found = []
    for _ in range(3):
        begun = time.process_time()
        read(text)
        found.append(time.process_time() - begun)
    return min(found)


@pytest.mark.parametrize("reader", READERS)
def test_time_grows_with_the_length(reader: str) -> None:
    """Eight times the text takes at most sixteen times the time, whatever it is made of; the square takes 64."""
    slow = [shape for shape, unit in SHAPES.items() if all(_slow(reader, unit) for _ in range(TRIES))]

    assert slow == []


def _slow(reader: str, unit: str) -> bool:
    short, long = (seconds(READERS[reader], (unit * size)[:size]) for size in (SHORT, LONG))
    return long > 2 * MOST_TIMES * max(short, 0.0005)
