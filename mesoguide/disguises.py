"""Words for a red flag that are written so that a program reads over them: "s u i c i d e", "k!ll", "su*cide".

Reading every sign as a letter would spoil ordinary messages ("A B C", "2 to 4 x"), so most disguises are taken off only where
plain words for a red flag come out. Which signs stand for what is in safety/disguises.yml.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

from mesoguide.errors import DataError, Problem
from mesoguide.safety import RED_FLAGS, SAFETY, certain, matched, patterns
from mesoguide.types import Place
from mesoguide.yaml_lines import load

VOWELS = "aeiou"
LETTERS = re.compile(r"[^\W\d_]+")
FOREIGN = re.compile("[\u0370-\u058f]")
"""Letters of the Greek, Cyrillic and Armenian alphabets."""
SPELLED_WORD, SPELLED_WORDS = 5, 6
"""Single letters from which a word, or several, are always read ("is A B C D in it" stays)."""
LONGEST_PARTED = 60
PIECE, LETTER = re.compile(r"\S+"), re.compile("[a-z]", re.IGNORECASE)
ENDS = "!|?."
"""What is no letter at the end of a word."""
TOGETHER = re.compile(rf"(?<!\w)[a-z]{{5,{LONGEST_PARTED}}}(?!\w)", re.IGNORECASE)
"""What may be words run together ("iwanttodie")."""


class Words(Protocol):
    """What knows English words (the language package's speller)."""

    def knows(self, word: str) -> bool:
        """Whether ``word`` is one."""

    def parted(self, word: str) -> str:
        """Return the words that ``word`` is made of, run together; "" if it is not."""


@dataclass(frozen=True, slots=True)
class Disguises:
    """What hides a word: signs for letters (those that are no ASCII also alone), what stands between letters, or for a vowel."""

    letters: Mapping[int, str]
    letters_of_others: Mapping[int, str]
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
    between, vowel = re.escape(written["between"]), re.escape(written["for_a_vowel"])
    inside = between.replace(r"\ ", "")
    return Disguises(
        letters=letters,
        letters_of_others={sign: letter for sign, letter in letters.items() if not chr(sign).isascii()},
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


def undisguised(text: str, words: Words | None = None) -> str:
    """Return ``text`` as it is meant, where words in it are disguised.

    Letters of two alphabets in one word, and a long word letter by letter, are always read; any other disguise
    only where plain words for a red flag come out.

    Parameters
    ----------
    words
        What knows English words; without it a word letter by letter counts for red flags alone.
    """
    alarming = [pattern for pattern in (*patterns(), *certain()) if pattern.tier in RED_FLAGS]
    seen = set(matched(text, alarming))
    text = _one_alphabet(text)
    if words is not None:
        text = disguises().spelled.sub(partial(_word, words=words), text)
    for form in _forms(text, words):
        shown = set(matched(form, alarming))
        if shown - seen:
            return form if seen <= shown else f"{form}\n{text}"
    return text


def _one_alphabet(text: str) -> str:
    """Return ``text`` with letters that look like ours in our alphabet, if a word of it mixes two."""
    if text.isascii():
        return text
    known = disguises()
    mixed = any(
        any(letter.isascii() for letter in word) and any(FOREIGN.match(letter) for letter in word)
        for word in LETTERS.findall(text)
    )
    return text.translate(known.letters_of_others) if mixed else text


def _word(found: re.Match[str], words: Words) -> str:
    """Return the word, or the words, of single letters, or these letters where they make none."""
    joined = found[0].replace(found[1], "")
    if len(joined) >= SPELLED_WORD and words.knows(joined):
        return joined
    return (SPELLED_WORDS <= len(joined) <= LONGEST_PARTED and words.parted(joined)) or found[0]


def _in_letters(text: str) -> str:
    """Return ``text`` with the signs in its words as the letters that they stand for; "1" alone is "i"."""

    def read(found: re.Match[str]) -> str:
        word = found[0].rstrip(ENDS)
        if word != "1" and not LETTER.search(word):
            return found[0]
        return word.translate(disguises().letters) + found[0][len(word) :]

    return PIECE.sub(read, text)


def _forms(text: str, words: Words | None) -> Iterator[str]:
    """The ways in which ``text`` can be read that differ from how it is written."""
    known = disguises()
    marked = unicodedata.normalize("NFKD", unquote(text.replace("\t", " ")))
    bare = "".join(letter for letter in marked if not unicodedata.combining(letter))
    bare = bare.translate(known.letters_of_others)
    spelled = known.spelled.sub(lambda found: found[0].replace(found[1], ""), bare)
    plain = _in_letters(spelled)
    forms = [
        plain,
        known.between.sub("", plain),
        known.between.sub(" ", plain),
        _in_letters(known.between.sub("", spelled)),
        *(known.masked.sub(vowel, spelled) for vowel in VOWELS),
        *(known.masked.sub(vowel, plain) for vowel in VOWELS),
    ]
    if words is not None:
        forms.append(TOGETHER.sub(lambda found: words.parted(found[0].lower()) or found[0], plain))
    yield from dict.fromkeys(form for form in forms if form != text)
