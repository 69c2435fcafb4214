"""How likely a slip of the fingers makes one word of another.

The shares are rough figures for typing on a phone: a letter left out is the commonest slip, a key
beside the right one is hit far more often than one across the keyboard. Which word is meant
depends on them and on the words beside it (:mod:`.speller`).
"""

from __future__ import annotations

from math import log

__all__ = ["SPACE", "slip"]

OMITTED, SWAPPED, DOUBLED, BESIDE, ELSEWHERE, ADDED = map(log, (0.33, 0.12, 0.1, 0.05, 0.005, 0.004))
"""Shares of slips: for one letter that is left out, one pair swapped, one letter doubled, one key hit for
another that is beside it, or elsewhere, one more letter."""
ADDED_BESIDE = log(0.03)
"""One more letter, whose key is beside that of a neighbour."""
SPACE = OMITTED
"""The space between two words left out."""
AT_FIRST = log(0.5)
"""First letters are mistyped less than others."""
ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
OFFSETS = (0.0, 0.25, 0.75)
"""How far each row of keys begins to the right of the first, in keys."""
KEYS = {
    key: (at + offset, row)
    for row, (keys, offset) in enumerate(zip(ROWS, OFFSETS, strict=True))
    for at, key in enumerate(keys)
}
REACH = 1.3
"""Keys from one to another that is still beside it."""


def slip(meant: str, written: str) -> float:
    """Return the logarithm of the share of slips in ``meant`` that give ``written``, one edit away."""
    at = next((i for i, (a, b) in enumerate(zip(meant, written, strict=False)) if a != b), len(meant))
    place = -log(len(meant)) + (0.0 if at else AT_FIRST)
    if len(written) < len(meant):
        return OMITTED + place
    if len(written) == len(meant):
        if meant[at : at + 2] == written[at : at + 2][::-1]:
            return SWAPPED + place
        return (BESIDE if _beside(meant[at : at + 1], written[at : at + 1]) else ELSEWHERE) + place
    added, around = written[at : at + 1], (written[at - 1 : at], written[at + 1 : at + 2])
    if added in around:
        return DOUBLED + place
    return (ADDED_BESIDE if any(_beside(added, key) for key in around) else ADDED) + place


def _beside(one: str, other: str) -> bool:
    if one == other or one not in KEYS or other not in KEYS:
        return False
    (x, row), (other_x, other_row) = KEYS[one], KEYS[other]
    return abs(x - other_x) <= REACH and abs(row - other_row) <= 1
