"""Words for a red flag that are written so that a program reads over them: "s u i c i d e", "k!ll", "su*cide".

Reading every sign as a letter would spoil ordinary messages ("A B C", "2 to 4 x"), so a disguise is taken off only where
plain words for a red flag come out. Which signs stand for what is in safety/disguises.yml.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mesoguide.errors import DataError, Problem
from mesoguide.safety import RED_FLAGS, SAFETY, matched, patterns
from mesoguide.types import Place
from mesoguide.yaml_lines import load

VOWELS = "aeiou"


@dataclass(frozen=True, slots=True)
class Disguises:
    """What hides a word: signs for letters, what stands between letters, what stands for a vowel."""

    letters: Mapping[int, str]
    sign: re.Pattern[str]
    spelled: re.Pattern[str]
    between: re.Pattern[str]
    masked: re.Pattern[str]


@lru_cache(maxsize=1)
def disguises(folder: Path = SAFETY) -> Disguises:
    """Load safety/disguises.yml.

    Raises
    ------
    DataError
        A list is missing, or is no text.
    """
    name = f"{folder.name}/disguises.yml"
    written = load(folder / "disguises.yml", name)
    looks: dict[str, str] = written.get("look_alikes") or {}
    wrong = [key for key in ("between", "for_a_vowel") if not _text(written.get(key))]
    if not _stand_for_one_letter(looks):
        wrong.append("look_alikes")
    if wrong:
        mend = "Write the signs in double quotes, below look_alikes behind the letter that they stand for"
        place = Place(name, written.lines.get(wrong[0], 1))
        raise DataError([Problem(place, f"'{wrong[0]}' is no list of signs", mend)])
    letters = {ord(sign): letter for letter, signs in looks.items() for sign in signs}
    signs = re.escape("".join(map(chr, letters)))
    between, vowel = re.escape(written["between"]), re.escape(written["for_a_vowel"])
    inside = between.replace(r"\ ", "")
    return Disguises(
        letters=letters,
        # inside a word, or at one of its ends but for what ends a sentence there ("kill!")
        sign=re.compile(
            rf"(?<=[a-z])[{signs}]{{1,2}}(?=[a-z\d])|(?<![^\W\d])[{signs}]{{1,2}}(?=[a-z])"
            r"|(?<=[a-z])[^\W_](?!\w)",
            re.IGNORECASE,
        ),
        spelled=re.compile(rf"(?<![^\W_])[a-z]([{between}])[a-z](?:\1[a-z])+(?![^\W_])", re.IGNORECASE),
        between=re.compile(rf"(?<=[a-z])[{inside}]{{1,3}}(?=[a-z])", re.IGNORECASE),
        masked=re.compile(rf"(?<=[a-z])[{vowel}]{{1,3}}(?=[a-z])", re.IGNORECASE),
    )


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _stand_for_one_letter(looks: object) -> bool:
    if not looks or not isinstance(looks, dict):
        return False
    if not all(len(str(letter)) == 1 and _text(signs) for letter, signs in looks.items()):
        return False
    signs = "".join(looks.values())
    return len(signs) == len(set(signs))


def undisguised(text: str) -> str:
    """Return ``text`` with disguised words in plain letters, if these are plain words for a red flag; else as it is."""
    alarming = [pattern for pattern in patterns() if pattern.tier in RED_FLAGS]
    seen = set(matched(text, alarming))
    return next((form for form in _forms(text) if set(matched(form, alarming)) - seen), text)


def _forms(text: str) -> Iterator[str]:
    """The ways in which ``text`` can be read that differ from how it is written."""
    known = disguises()
    marked = unicodedata.normalize("NFKD", text)
    bare = "".join(letter for letter in marked if not unicodedata.combining(letter))
    spelled = known.spelled.sub(lambda found: found[0].replace(found[1], ""), bare)
    plain = known.sign.sub(lambda found: found[0].translate(known.letters), spelled)
    forms = [
        plain,
        known.between.sub("", plain),
        known.between.sub(" ", plain),
        known.sign.sub(lambda found: found[0].translate(known.letters), known.between.sub("", spelled)),
        *(known.masked.sub(vowel, spelled) for vowel in VOWELS),
        *(known.masked.sub(vowel, plain) for vowel in VOWELS),
    ]
    yield from dict.fromkeys(form for form in forms if form != text)
