"""Which evaluation questions come so near to a training line that they prove little."""

from __future__ import annotations

from collections.abc import Iterable

from mesoguide.checks import words

Words = tuple[str, ...]
GAP = ""
"""Stands for any one word."""


def near_copies(texts: Iterable[str], lines: Iterable[str]) -> set[str]:
    """Return those of ``texts`` that are one of ``lines``, or one word away from it.

    One word may be another, be left out or be added; the case of letters and marks do not count.
    Two single words are never near to each other.
    """
    known = {tuple(words(line)) for line in lines}
    shortened = {short for line in known for short in _shortened(line)}
    gapped = {gap for line in known for gap in _gapped(line)}

    def near(said: Words) -> bool:
        return (
            said in known
            or said in shortened
            or not known.isdisjoint(_shortened(said))
            or not gapped.isdisjoint(_gapped(said))
        )

    return {text for text in texts if near(tuple(words(text)))}


def _shortened(said: Words) -> list[Words]:
    """Return ``said`` without each of its words in turn, but never nothing."""
    return [(*said[:at], *said[at + 1 :]) for at in range(len(said)) if len(said) > 1]


def _gapped(said: Words) -> list[Words]:
    """Return ``said`` with a gap for each of its words in turn, but never a gap alone."""
    return [(*said[:at], GAP, *said[at + 1 :]) for at in range(len(said)) if len(said) > 1]
