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


def test_a_near_copy_is_an_error_of_the_check() -> None:
    """`make check` names each evaluation message that is a training line, or near to one and not short."""
    from mesoguide.checks import copy_problems

    asked = [
        {"text": "How long does one session take?", "line": 3},
        {"text": "does it ache", "line": 4},
        {"question": "DOES IT HURT!", "line": 5},
        {"text": "what do other people say about it", "line": 6},
    ]
    found = list(copy_problems("evals/x.jsonl", asked, ["how long does a session take", "does it hurt"]))

    assert [str(problem.place) for problem in found] == ["evals/x.jsonl:3", "evals/x.jsonl:5"]
