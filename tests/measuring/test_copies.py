from __future__ import annotations

import pytest

from mesoguide.measuring.copies import near_copies

LINES = ["Does it hurt much?", "how long is a session", "pain"]


@pytest.mark.parametrize(
    "text",
    [
        "does it hurt much",
        "DOES IT HURT",
        "does it really hurt much",
        "does it sting much",
        "any pain?",
        "Pain!",
    ],
)
def test_a_text_one_word_away_is_a_near_copy(text: str) -> None:
    """The same words, one left out, one added or one replaced: it stands all but in the training data."""
    assert {text} == near_copies([text], LINES)


@pytest.mark.parametrize(
    "text", ["does it really sting much", "hurt does it much", "cost", "", "much hurt it does"]
)
def test_a_text_further_away_is_none(text: str) -> None:
    """Two other words, another order, or a single other word: it is a question of its own."""
    assert set() == near_copies([text], LINES)
