"""Tells a machine that sends our own reply back from a person."""

from __future__ import annotations

MARK_LETTERS = 60
"""Of a reply, by which it is known again; what surrounds it ("Auto reply: …") does not matter."""
FEWEST_LETTERS = 20


def mark(text: str) -> str:
    """Return the first letters of ``text``: what is left of it on every platform."""
    return _letters(text)[:MARK_LETTERS]


def is_echo(text: str, last: str) -> bool:
    """Return whether ``text`` holds the reply whose :func:`mark` is ``last``."""
    return len(last) >= FEWEST_LETTERS and last in _letters(text)


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
