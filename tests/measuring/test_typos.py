from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesoguide.measuring.typos import WORD, with_typos

TEXTS = ["does it hurt?", "How many SESSIONS are needed", "Is mesotherapy safe for women over sixty"]
words = st.lists(st.from_regex(r"[A-Za-z]{1,9}", fullmatch=True), max_size=6).map(" ".join)


@given(words, st.integers(0, 3))
def test_the_same_text_gets_the_same_typos(text: str, count: int) -> None:
    """No clock and no other text decides: two readings of a message are the same."""
    assert with_typos(text, count) == with_typos(text, count)


@given(words)
def test_one_typo_changes_one_long_word(text: str) -> None:
    """One word of four letters or more changes, by one letter at most in length; short ones stay."""
    before, after = text.split(), with_typos(text, 1).split()
    changed = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]

    assert (1 if WORD.search(text) else 0) == len(changed)
    assert all(len(old) >= 4 and abs(len(old) - len(new)) <= 1 for old, new in changed)


@given(words)
def test_two_typos_stand_in_two_words_and_hold_the_first(text: str) -> None:
    """The second typo goes into another word, and the first one is the same with and without it."""
    before, one, two = text.split(), with_typos(text, 1).split(), with_typos(text, 2).split()
    changed = [at for at, word in enumerate(before) if two[at] != word]
    first = [at for at, word in enumerate(before) if one[at] != word]

    if len(WORD.findall(text)) >= 2:
        assert 2 == len(changed)
        assert all(one[at] == two[at] for at in first)


@pytest.mark.parametrize("text", ["", "it is 20:30", "ow!", "疼吗"])
def test_a_text_without_a_long_word_stays(text: str) -> None:
    """A word of three letters or fewer could become any other word: it is left alone."""
    assert text == with_typos(text, 2)


def test_no_typo_changes_nothing() -> None:
    """Without typos a message is what it was."""
    assert TEXTS == [with_typos(text, 0) for text in TEXTS]
