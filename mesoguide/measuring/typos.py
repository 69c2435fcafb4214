"""Slips of the fingers, put into a message in the same way each time."""

from __future__ import annotations

import random
import re

SEED = 13
WORD = re.compile(r"([A-Za-z]{4,})")
"""Words that get a typo; shorter ones can become any other word."""
KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
NEIGHBOURS = {
    key: row[max(0, at - 1) : at] + row[at + 1 : at + 2] for row in KEYBOARD for at, key in enumerate(row)
}
"""Letter → those beside it."""


def with_typos(text: str, count: int) -> str:
    """Return ``text`` with ``count`` typos, each in another word while there are any.

    A typo swaps two letters, leaves one out, doubles one or hits the key beside it. The same text
    always gets the same ones, whatever other texts there are, and the first typo does not depend
    on ``count``. A text without a word of four letters stays as it is.
    """
    pieces = WORD.split(text)
    words = list(range(1, len(pieces), 2))
    chance = random.Random(f"{SEED} {text}")  # noqa: S311 - repeatable, not secret
    untouched = list(words)
    for _ in range(count if words else 0):
        at = chance.choice(untouched or words)
        untouched = [word for word in untouched if word != at]
        pieces[at] = _typed(pieces[at], chance)
    return "".join(pieces)


def _typed(word: str, chance: random.Random) -> str:
    kind = chance.choice(("swap", "omit", "double", "beside"))
    at = chance.randrange(len(word) - 1)
    before, letter, following, after = word[:at], word[at], word[at + 1], word[at + 2 :]
    if kind == "swap" and letter.lower() != following.lower():
        return f"{before}{following}{letter}{after}"
    if kind == "double":
        return f"{before}{letter}{letter}{following}{after}"
    if kind == "beside":
        return f"{before}{chance.choice(NEIGHBOURS[letter.lower()])}{following}{after}"
    return f"{before}{following}{after}"
