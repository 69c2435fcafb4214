"""Which language a message is in, and whether it holds a red flag if it is not English.

Short English must not be mistaken, so a text counts as foreign only when its script is, or
when most of its words are unknown and the identifier is sure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mesoguide.errors import DataError, Problem
from mesoguide.safety import RED_FLAGS, SAFETY
from mesoguide.yaml_lines import Lines, load

ENGLISH = "en"
OTHER = "other"
"""A language that is neither English nor one of those in safety/languages.yml."""
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
KNOWN_SHARE = 0.6
"""Share of known English words from which a text is taken as English."""
MARKS = re.compile("[¿¡à-öø-ÿĀ-ſ]", re.IGNORECASE)
"""Letters and marks that English hardly uses."""
MARKED_SHARE = 0.85
"""The share that is needed where the text holds such a mark."""
FEWEST_WORDS = 2
"""Words below which a text in Latin letters is taken as English."""
SURE = 0.5
SCRIPTS = ("ARABIC", "DEVANAGARI", "BENGALI", "CJK")
"""How the names of the letters begin that the languages of safety/languages.yml without Latin letters are written in."""


@dataclass(frozen=True, slots=True)
class Language:
    """A language that is not English: its line, and the phrases of each tier."""

    code: str
    name: str
    line: str
    phrases: Mapping[str, tuple[str, ...]]


@lru_cache(maxsize=1)
def languages(folder: Path = SAFETY) -> dict[str, Language]:
    """Load safety/languages.yml: code → language.

    Raises
    ------
    DataError
        A language has no name, no line, or a tier that is no list of phrases.
    """
    written = load(folder / "languages.yml", f"{folder.name}/languages.yml")
    wrong = [problem for code in written for problem in _problems(written, code)]
    if wrong:
        raise DataError(wrong)
    return {
        code: Language(
            code,
            entry["name"],
            entry["line"],
            {tier: tuple(map(plain, entry.get(tier, ()))) for tier in RED_FLAGS},
        )
        for code, entry in written.items()
    }


def _problems(written: Lines, code: str) -> Iterator[Problem]:
    entry = written[code]
    if not isinstance(entry, Lines):
        yield Problem(written.place(code), f"'{code}' is no language", "Write its name and line below it")
        return
    for key in ("name", "line"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            yield Problem(entry.place(key), f"'{key}' is missing or is no text", f"Write {key}: …")
    for tier in RED_FLAGS:
        phrases = entry.get(tier, [])
        if not isinstance(phrases, list) or not all(isinstance(p, str) and plain(p) for p in phrases):
            yield Problem(entry.place(tier), f"'{tier}' is no list of phrases", f"Write {tier}: [a, b]")


def plain(text: str) -> str:
    """Return ``text`` without capitals and accents, as phrases are compared."""
    folded = unicodedata.normalize("NFKD", text.casefold().replace("ı", "i").replace("ł", "l"))
    kept = "".join(c for c in folded if not (unicodedata.combining(c) and ord(c) < 0x0370))
    return " ".join(kept.replace("’", "'").split())


def language_of(text: str, known: Callable[[str], bool]) -> str:
    """Return the code of the language of ``text``; ``known`` tells English words."""
    words = WORD.findall(text)
    letters = [c for word in words for c in word]
    if not letters:
        return ENGLISH
    latin = sum("LATIN" in unicodedata.name(c, "") for c in letters) / len(letters)
    if latin > 0.5:
        words = [word for word in words if len(word) > 1]  # "18s" leaves an "s"
        share = sum(known(word) for word in words) / max(1, len(words))
        needed = MARKED_SHARE if MARKS.search(text) else KNOWN_SHARE
        if share >= needed or len(words) < FEWEST_WORDS:
            return ENGLISH
        code, certainty = identifier().classify(text)
        return str(code) if code == ENGLISH or certainty >= SURE else ENGLISH
    if sum(unicodedata.name(c, "").startswith(SCRIPTS) for c in letters) <= 0.5 * len(letters):
        return OTHER
    code, _ = identifier().classify(text)
    return str(code) if code != ENGLISH else OTHER


def red_flag(text: str, *, sure: bool = True) -> str | None:
    """Return the tier of a red flag in any of the languages, or None.

    Every list is searched: languages that share letters are easily taken for one another.

    Parameters
    ----------
    sure
        Whether ``text`` is known not to be English. If it is not, single words do not count:
        many of them are, or stand in, English words.
    """
    said = plain(text)
    for tier in RED_FLAGS:
        for phrase in _phrases(tier, sure=sure):
            if phrase in said and _begins_a_word(phrase, said):
                return tier
    return None


def _begins_a_word(phrase: str, said: str) -> bool:
    """Whether ``phrase`` stands at the start of a word of ``said``, where the script has words."""
    return not phrase.isascii() or re.search(rf"\b{re.escape(phrase)}", said) is not None


@lru_cache(maxsize=8)
def _phrases(tier: str, *, sure: bool) -> tuple[str, ...]:
    every = [phrase for language in languages().values() for phrase in language.phrases[tier]]
    return tuple(phrase for phrase in every if sure or " " in phrase or not phrase.isascii())


@lru_cache(maxsize=1)
def identifier() -> Any:
    """Load what tells languages apart; it needs a lot of memory while it loads, and little after."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    every = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    every.set_languages([ENGLISH, *languages()])
    # A new one with these languages alone: the first keeps the table of all the others.
    return LanguageIdentifier(
        every.nb_ptc, every.nb_pc, every.nb_classes, every.tk_nextmove, every.tk_output,
        norm_probs=True, tk_row=every.tk_row,
    )  # fmt: skip
