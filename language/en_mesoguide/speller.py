"""Spelling repair, inside the tokenizer, so that every later step reads the repaired text.

Which word is meant is weighed as in a noisy channel: how often people use it here and in English, how
well it goes with the words beside it, and how likely a slip of the fingers makes of it what is
written (:mod:`.slips`). A word that nobody knows becomes the likeliest one; a known word stays, unless
it goes with neither neighbour and another one is far likelier ("dose it hurt").
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from math import inf, log
from pathlib import Path
from typing import Any

from rapidfuzz import process
from rapidfuzz.distance import OSA
from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.tokens import Doc
from spacy.util import registry

from en_mesoguide.slips import SPACE, slip

__all__ = [
    "RepairingTokenizer",
    "Speller",
    "beside",
    "by_ends",
    "own_words",
    "tokenizer_factory",
    "within",
]

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
SHORTEST = 3
"""Letters below which a word is left alone: too many real words are one edit away."""
SHORT = 3
"""Letters up to which a word that is frequent, or the bot's own, is taken as meant."""
LONGEST = 20
TWO_EDITS_FROM = 6
"""Letters from which two edits are allowed, and only towards the bot's own words."""
FREQUENT = 2_000
"""English words up to this rank are frequent."""
ENGLISH = 20_000
"""Rank up to which a word tells that a text is English, or can be meant; beyond it foreign words are many."""
CONTRACTED = re.compile(r"'(?:s|d|ll|ve|re|m)$")
"""The end of what is two words ("he'll"), or somebody's ("nan's")."""
REPEATED = re.compile(r"(.)\1{2,}")
SLIPS = log(0.02)
"""Share of words that are mistyped."""
SURE, RARE = 4.0, -3.0
"""How much likelier (as a logarithm) another word must be than a known one that is written, to take its place;
a rare one that is not the bot's own gives way to less: here it is hardly meant ("pillow" where all say "pillows")."""
ENGLISH_SHARE = 0.25
"""Share of the words of a message that are rather English ones than those that patients use here."""
SMOOTHING = 30.0
"""Weight of a word's own share beside the pairs in which it stands."""
LEAST = 1e-7
"""Share of all words that any word has at least."""
LONG_ENOUGH = 5
"""Letters from which one edit, or a swap of two, leaves the first two letters or the last two as they are."""
EDGE = ""
"""What stands before the first word and after the last."""


class Speller:
    """Repairs words, each read with the ones beside it.

    Parameters
    ----------
    own
        The bot's own words with how often each occurs.
    common
        English words with their frequency rank, 0 the most frequent.
    shorthand
        Phone spellings and what they stand for ("u": "you").
    pairs
        Two words that follow each other, with a space between, and how often they do so.
    """

    def __init__(
        self,
        own: Mapping[str, int],
        common: Mapping[str, int],
        shorthand: Mapping[str, str],
        pairs: Mapping[str, float] | None = None,
    ) -> None:
        self.own, self.common, self.shorthand = dict(own), dict(common), dict(shorthand)
        self.pairs = dict(pairs or {})
        self._total = max(1, sum(self.own.values()))
        self._followed: dict[str, float] = defaultdict(float)
        for pair, count in self.pairs.items():
            self._followed[pair.split(" ")[0]] += count
        self._own_by_length = _by_length(self.own)
        self._by_ends = by_ends({*self.own, *(word for word, rank in self.common.items() if rank < ENGLISH)})
        self._kept = lru_cache(maxsize=20_000)(self._one_edit_away)

    def __call__(self, text: str) -> str:
        """Return ``text`` with what is no word, or the wrong one, repaired; all else stays as it was."""
        found = list(WORD.finditer(text))
        plain = [EDGE, *(_plain(match.group()) for match in found), EDGE]
        pieces, at = [], 0
        for match, before, word, after in zip(found, plain, plain[1:], plain[2:], strict=False):
            if self._meant_so(before, word, after):
                continue
            pieces += [text[at : match.start()], self._repaired(match.group(), before, after)]
            at = match.end()
        return "".join([*pieces, text[at:]])

    def _meant_so(self, before: str, word: str, after: str) -> bool:
        """Whether ``word`` is one of the bot's own that goes with a neighbour: most words are, and need no more thought."""
        if word not in self.own or word in self.shorthand or not word.isascii() or len(word) > LONGEST:
            return False
        return len(word) <= SHORT or f"{before} {word}" in self.pairs or f"{word} {after}" in self.pairs

    def knows(self, word: str) -> bool:
        """Whether ``word`` is English, one of the bot's own, or a phone spelling."""
        plain = _plain(word)
        forms = (plain, plain.replace("'", ""), plain.removesuffix("s"))
        return plain in self.shorthand or any(
            form in self.own or self.common.get(form, ENGLISH) < ENGLISH for form in forms
        )

    def parted(self, word: str) -> str:
        """Return the known words that ``word`` is made of, the likeliest ones, or "" if it is one word or holds another."""
        if self.knows(word):
            return ""
        best: list[tuple[float, list[str]] | None] = [(0.0, [])]
        for end in range(1, len(word) + 1):
            reached: list[tuple[float, list[str]]] = []
            for start in range(max(0, end - LONGEST), end):
                before, piece = best[start], word[start:end]
                if before is not None and self._stands_alone(piece):
                    reached.append((before[0] + log(self._share(piece)), [*before[1], piece]))
            best.append(max(reached, default=None))
        return " ".join(best[-1][1]) if best[-1] else ""

    def _stands_alone(self, word: str) -> bool:
        known = word in self.own or self.common.get(word, ENGLISH) < ENGLISH
        return word in {"i", "a"} if len(word) == 1 else known

    def _known(self, word: str) -> bool:
        singular = word.removesuffix("s") if len(word) > SHORT + 1 else word
        return any(form in words for form in (word, singular) for words in (self.own, self.common))

    def _repaired(self, written: str, before: str, after: str) -> str:
        word = _plain(written)
        if word in self.shorthand:
            return self.shorthand[word]
        plain = word.replace("'", "")
        if not SHORTEST <= len(plain) <= LONGEST or not plain.isascii():
            return self._squeezed(plain) or written
        if CONTRACTED.search(word) and self._known(CONTRACTED.sub("", word)):
            return written
        if word in self.own or self._known(plain) or self._known(word):
            return self._instead(word, before, after) or written
        return self._squeezed(plain) or self._slipped(plain, before, after) or self._far(plain) or written

    def _slipped(self, plain: str, before: str, after: str) -> str:
        """Return what an unknown word is a slip for; "" if nothing is near.

        A word found so is read as if it had been written: "trali" is "trail", where all others say "trial".
        """
        found, _ = self._meant(plain, before, after)
        return (found in self.common and self._instead(found, before, after)) or found

    def _instead(self, word: str, before: str, after: str) -> str | None:
        """Return what is meant by a known ``word`` that is a slip, or None where it is none."""
        frequent = word in self.own or self.common.get(word, FREQUENT) < FREQUENT
        fits = f"{before} {word}" in self.pairs or f"{word} {after}" in self.pairs
        if frequent and (fits or len(word) <= SHORT):
            return None
        best, likely = self._meant(word.replace("'", ""), before, after)
        enough = self._likely([before, word, after]) + (SURE if frequent else RARE)
        return best if likely > enough else None

    def _meant(self, written: str, before: str, after: str) -> tuple[str, float]:
        """Return the likeliest word, or two, that ``written`` is a slip for, and how likely; "" if there is none."""
        known = self._known(written)
        # What nobody knows may be a name: nothing of it is kept in memory.
        near = self._kept(written) if known else self._one_edit_away(written)
        likely = {word: self._likely([before, word, after]) + slip(word, written) + SLIPS for word in near}
        if not known:
            for at in range(1, len(written)):
                if f"{written[:at]} {written[at:]}" in self.pairs:
                    two = [written[:at], written[at:]]
                    omitted = SPACE - log(len(written)) + SLIPS
                    likely[" ".join(two)] = self._likely([before, *two, after]) + omitted
        best = max(likely, key=lambda words: (likely[words], words), default="")
        return best, likely.get(best, -inf)

    def _one_edit_away(self, written: str) -> list[str]:
        """The words that ``written`` may be a slip for; a short one only lacks a letter, or has two swapped."""
        near = [word for word in beside(written, self._by_ends) if word != written]
        if len(written) > SHORT:
            return near
        return [word for word in near if len(word) > SHORT or sorted(word) == sorted(written)]

    def _likely(self, words: Sequence[str]) -> float:
        """Return the logarithm of how likely all but the first of ``words`` follow it."""
        return sum(log(self._follows(*pair)) for pair in pairwise(words))

    def _follows(self, first: str, second: str) -> float:
        together = self.pairs.get(f"{first} {second}", 0.0) + SMOOTHING * self._share(second)
        return together / (self._followed.get(first, 0.0) + SMOOTHING)

    def _share(self, word: str) -> float:
        """The share of ``word`` among all words; after a word the message often ends."""
        if word == EDGE:
            return 0.1
        here = self.own.get(word, 0) / self._total
        english = 0.1 / (self.common[word] + 10) if word in self.common else 0.0  # Zipf's law
        return max((1 - ENGLISH_SHARE) * here + ENGLISH_SHARE * english, LEAST)

    def _squeezed(self, word: str) -> str | None:
        """What is left of a ``word`` with a letter held down, if it is a word."""
        forms = (REPEATED.sub(r"\1\1", word), REPEATED.sub(r"\1", word))
        return next((form for form in forms if form != word and self._known(form)), None)

    def _far(self, word: str) -> str | None:
        """The bot's own word that is two edits from a long ``word``."""
        if len(word) < TWO_EDITS_FROM:
            return None
        near = [w for w in within(word, self._own_by_length, 2) if len(w) >= TWO_EDITS_FROM - 1]
        return max(near, key=lambda w: (w[0] == word[0], self.own[w], w), default=None)


def _plain(word: str) -> str:
    return word.lower().replace("’", "'")


def within(word: str, by_length: Mapping[int, list[str]], edits: int) -> list[str]:
    """Return the words at most ``edits`` edits (a swap of neighbours is one) from ``word``."""
    lengths = range(max(3, len(word) - edits), len(word) + edits + 1)
    among = [candidate for length in lengths for candidate in by_length.get(length, ())]
    found = process.extract(word, among, scorer=OSA.distance, score_cutoff=edits, limit=None)
    return [candidate for candidate, _, _ in found]


def by_ends(words: Iterable[str]) -> dict[tuple[int, str, str], list[str]]:
    """Return ``words`` by their length and how they begin, and by their length and how they end."""
    lists: dict[tuple[int, str, str], list[str]] = {}
    for word in sorted(words):
        for key in {*_ends(word, len(word), 1), *_ends(word, len(word), 2)}:
            lists.setdefault(key, []).append(word)
    return lists


def beside(word: str, words: Mapping[tuple[int, str, str], list[str]]) -> list[str]:
    """Return the words of three letters or more at most one edit from ``word``, in order.

    They share its first letter or its last one, and if it is long enough its first two or its last two: one edit
    can't change both. That spares the comparison with nearly all others.
    """
    letters = 2 if len(word) >= LONG_ENOUGH else 1
    lengths = range(max(3, len(word) - 1), len(word) + 2)
    among = {
        candidate
        for length in lengths
        for key in _ends(word, length, letters)
        for candidate in words.get(key, ())
    }
    found = process.extract(word, among, scorer=OSA.distance, score_cutoff=1, limit=None)
    return sorted(candidate for candidate, _, _ in found)


def _ends(word: str, length: int, letters: int) -> tuple[tuple[int, str, str], tuple[int, str, str]]:
    """The keys of what is as long as ``length`` and begins, or ends, as ``word`` does."""
    return (length, word[:letters], ""), (length, "", word[-letters:])


def _by_length(words: Iterable[str]) -> dict[int, list[str]]:
    lists: dict[int, list[str]] = {}
    for word in sorted(words):
        lists.setdefault(len(word), []).append(word)
    return lists


def own_words(counts: Mapping[str, int], common: Mapping[str, int]) -> dict[str, int]:
    """Return the words of a training set that are words and not typos.

    A word that English does not know is a typo if another word of the training set, at
    most one edit away, occurs more often.
    """
    by_length = _by_length(counts)
    return {
        word: n
        for word, n in counts.items()
        if word in common or all(counts[near] <= n for near in within(word, by_length, 1) if near != word)
    }


class RepairingTokenizer:
    """spaCy's English tokenizer over the repaired text, in which names are one word.

    Parameters
    ----------
    inner
        spaCy's tokenizer.
    speller
        Repairs the words.
    names
        What a name is read as ("it") and the ways of writing it.
    """

    def __init__(
        self,
        inner: Tokenizer,
        speller: Speller | None = None,
        names: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.inner, self.vocab = inner, inner.vocab
        self.speller = speller or Speller({}, {}, {})
        self.names = names or {}

    @property
    def names(self) -> Mapping[str, Sequence[str]]:
        """What a name is read as, and the ways of writing it."""
        return self._names

    @names.setter
    def names(self, names: Mapping[str, Sequence[str]]) -> None:
        self._names = names
        self._patterns = [
            (
                re.compile(
                    rf"\b(?:{'|'.join(map(re.escape, sorted(forms, key=len, reverse=True)))})\b",
                    re.IGNORECASE,
                ),
                read_as,
            )
            for read_as, forms in names.items()
        ]

    def repaired(self, text: str) -> str:
        """Return ``text`` as it is read: words repaired, names as one word."""
        repaired = self.speller(text)
        for pattern, read_as in self._patterns:
            repaired = pattern.sub(read_as, repaired)
        return repaired

    def __call__(self, text: str) -> Doc:
        """Tokenize the repaired ``text``."""
        return self.inner(self.repaired(text))

    def to_disk(self, path: str | Path, *, exclude: Any = ()) -> None:
        """Write the word lists to ``path`` (spaCy's hook)."""
        lists = {name: getattr(self.speller, name) for name in ("own", "common", "shorthand", "pairs")}
        content = json.dumps({"speller": lists, "names": dict(self.names)}, ensure_ascii=False)
        Path(path).write_text(content, encoding="utf-8")

    def from_disk(self, path: str | Path, *, exclude: Any = ()) -> RepairingTokenizer:
        """Read the word lists from ``path`` (spaCy's hook)."""
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        self.speller, self.names = Speller(**content["speller"]), content["names"]
        return self

    def to_bytes(self, *, exclude: Any = ()) -> bytes:
        """Word lists as bytes (spaCy's hook for copies)."""
        raise NotImplementedError("the language package is copied as files, not as bytes")


@registry.tokenizers("mesoguide.repairing_tokenizer.v1")
def tokenizer_factory() -> Callable[[Language], RepairingTokenizer]:
    """Make the tokenizer from spaCy's own English rules."""

    def create(nlp: Language) -> RepairingTokenizer:
        from spacy.util import compile_infix_regex, compile_prefix_regex, compile_suffix_regex

        rules = nlp.Defaults
        inner = Tokenizer(
            nlp.vocab,
            rules=rules.tokenizer_exceptions,
            prefix_search=compile_prefix_regex(rules.prefixes).search,
            suffix_search=compile_suffix_regex(rules.suffixes).search,
            infix_finditer=compile_infix_regex(rules.infixes).finditer,
            token_match=rules.token_match,
            url_match=rules.url_match,
        )
        return RepairingTokenizer(inner)

    return create
