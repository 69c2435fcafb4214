"""Make any text that comes in safe to handle, without hiding a word of it."""

from __future__ import annotations

import re
import unicodedata

MOST_CHARACTERS = 20_000
"""Longest text taken in at any door; more is not a message."""
MOST_READ = 2 * MOST_CHARACTERS
"""Longest text read for red flags. Made readable a text grows: "…" becomes three dots, so this leaves room."""
MOST_MARKS = 30
"""Combining marks kept on one letter, as many as Unicode's own safe form (UAX #15): putting them in
their order takes time with the square of their number."""
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufe00-\ufe0f]"
)
"""Zero-width and direction marks: they can split a word for a reader that is a program."""
COMMAND = re.compile(rf"^(?:\s|{INVISIBLE.pattern})*[/／⁄∕](?:[\s/／⁄∕]|{INVISIBLE.pattern})*")
"""Slashes at the start, whatever hides them."""
ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|[nrt])")
"""A character as JSON writes it: a payload can hide words behind these."""
GAP = " … "
BREAKS = re.compile(r"\s*\n\s*")


def door_text(text: object) -> str:
    """Return what a user typed as text that every later step can take.

    No lone surrogates, no NUL and no other control characters; no slash in front, which
    Rasa would take for a command. Characters that a payload holds as JSON's escapes are read as
    what they stand for. Anything that is no text becomes the empty one.
    """
    if not isinstance(text, str):
        return ""
    said = ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else "\n", text[:MOST_CHARACTERS])
    whole = said.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    kept = "".join(c if c in "\n\t" or unicodedata.category(c) != "Cc" else " " for c in whole)
    return COMMAND.sub("", kept).strip()


def readable(text: str, longest: int) -> str:
    """Return ``text`` as the NLU pipeline reads it: ordinary letters, ``longest`` characters.

    Full-width and styled letters become plain ones, invisible marks go, a text that is too
    long keeps its beginning and its end (people ask last).
    """
    normal = unicodedata.normalize("NFKC", _few_marks(text))
    plain = COMMAND.sub("", INVISIBLE.sub("", normal)).strip()
    plain = BREAKS.sub("\n", plain)
    if len(plain) <= longest:
        return plain
    half = (longest - len(GAP)) // 2
    return f"{plain[:half]}{GAP}{plain[-half:]}"


def _few_marks(text: str) -> str:
    if text.isascii():
        return text
    kept: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= MOST_MARKS:
            kept.append(character)
    return "".join(kept)
