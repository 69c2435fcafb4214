"""Spelling repair, inside the tokenizer, so that every later step reads the repaired text.

Only words that nobody knows are touched: neither the bot's own words (those of its
training data and terms), nor English ones, nor whole words of the encoder's vocabulary.
The nearest known word wins; at equal distance the bot's own words come first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from rapidfuzz import process
from rapidfuzz.distance import OSA
from spacy.language import Language
from spacy.tokenizer import Tokenizer
from spacy.tokens import Doc
from spacy.util import registry

__all__ = ["RepairingTokenizer", "Speller", "own_words", "tokenizer_factory", "within"]

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
SHORTEST = 4
"""Letters below which a word is left alone: too many real words are one edit away."""
LONGEST = 20
TWO_EDITS_FROM = 6
"""Letters from which two edits are allowed, and only towards the bot's own words."""
FREQUENT = 2_000
"""English words up to this rank are taken as meant; a rarer one gives way to an own word."""
ENGLISH = 20_000
"""Rank up to which a word tells that a text is English; beyond it foreign words are many."""
RARE_FROM = 4
"""Letters from which a rare English word gives way to one of the bot's own beside it."""
REPEATED = re.compile(r"(.)\1{2,}")


class Speller:
    """Repairs single words.

    Parameters
    ----------
    own
        The bot's own words with how often each occurs.
    common
        English words with their frequency rank, 0 the most frequent.
    shorthand
        Phone spellings and what they stand for ("u": "you").
    """

    def __init__(
        self, own: Mapping[str, int], common: Mapping[str, int], shorthand: Mapping[str, str]
    ) -> None:
        self.own, self.common, self.shorthand = dict(own), dict(common), dict(shorthand)
        self._own_by_length = _by_length(self.own)
        self._common_by_length = _by_length(self.common)
        self._word = lru_cache(maxsize=20_000)(self._repaired)

    def __call__(self, text: str) -> str:
        """Return ``text`` with unknown words repaired; all else stays as it was."""
        return WORD.sub(lambda match: self._word(match.group()), text)

    def knows(self, word: str) -> bool:
        """Whether ``word`` is English, one of the bot's own, or a phone spelling."""
        plain = word.lower().replace("’", "'")
        forms = (plain, plain.replace("'", ""), plain.removesuffix("s"))
        return plain in self.shorthand or any(
            form in self.own or self.common.get(form, ENGLISH) < ENGLISH for form in forms
        )

    def _known(self, word: str) -> bool:
        singular = word.removesuffix("s") if len(word) > SHORTEST else word
        return any(form in words for form in (word, singular) for words in (self.own, self.common))

    def _frequent(self, word: str) -> bool:
        """Whether ``word`` is so common that it is meant, even beside one of the bot's own."""
        return word in self.own or self.common.get(word, FREQUENT) < FREQUENT

    def _repaired(self, written: str) -> str:
        word = written.lower().replace("’", "'")
        if word in self.shorthand:
            return self.shorthand[word]
        plain = word.replace("'", "")
        if self._known(plain) or self._known(word):
            rare = len(plain) >= RARE_FROM and not self._frequent(plain) and not self._frequent(word)
            return (rare and plain.isascii() and self._own_beside(plain)) or written
        for squeezed in (REPEATED.sub(r"\1\1", plain), REPEATED.sub(r"\1", plain)):
            if squeezed != plain and self._known(squeezed):
                return squeezed
        if not SHORTEST <= len(plain) <= LONGEST or not plain.isascii():
            return written
        return self._nearest(plain) or written

    def _own_beside(self, word: str) -> str | None:
        """The bot's own word that is one edit from ``word``."""
        near = within(word, self._own_by_length, 1)
        return max(near, key=lambda w: (w[0] == word[0], self.own[w], w), default=None)

    def _nearest(self, word: str) -> str | None:
        if own := self._own_beside(word):
            return own
        near = within(word, self._common_by_length, 1)
        if near:
            return min(near, key=lambda w: (w[0] != word[0], self.common[w], w))
        if len(word) >= TWO_EDITS_FROM:
            near = [w for w in within(word, self._own_by_length, 2) if len(w) >= TWO_EDITS_FROM - 1]
            if near:
                return max(near, key=lambda w: (w[0] == word[0], self.own[w], w))
        return None


def within(word: str, by_length: Mapping[int, list[str]], edits: int) -> list[str]:
    """Return the words at most ``edits`` edits (a swap of neighbours is one) from ``word``."""
    lengths = range(max(3, len(word) - edits), len(word) + edits + 1)
    among = [candidate for length in lengths for candidate in by_length.get(length, ())]
    found = process.extract(word, among, scorer=OSA.distance, score_cutoff=edits, limit=None)
    return [candidate for candidate, _, _ in found]


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
        lists = {name: getattr(self.speller, name) for name in ("own", "common", "shorthand")}
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
