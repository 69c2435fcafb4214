from __future__ import annotations

import pytest

from mesoguide.benchmarks.metrics import best_threshold, share, share_by_label, turning_away
from mesoguide.benchmarks.types import Guess


def _guesses(*pairs: tuple[str, float]) -> list[Guess]:
    return [Guess(label, trust, rejected=False) for label, trust in pairs]


def test_a_share_of_nothing_is_nothing() -> None:
    """No message gives no figure above zero and no division by zero."""
    assert (0, 0) == (share([]), share_by_label([], []))


@pytest.mark.parametrize(
    ("expected", "guesses", "labels"),
    [
        # Nothing is out of scope, or rejecting loses as much as it gains: nothing is rejected.
        (0.0, _guesses(("a", 0.2), ("b", 0.9)), ["a", "b"]),
        (0.0, _guesses(("a", 0.1), ("a", 0.2), ("b", 0.3)), ["a", "out", "b"]),
        # The out-of-scope message is the least trusted one.
        (0.5, _guesses(("b", 0.9), ("a", 0.2), ("a", 0.5)), ["b", "out", "a"]),
        # Equal trust can't be divided: rejecting the pair loses one and gains one.
        (0.0, _guesses(("a", 0.2), ("a", 0.2), ("b", 0.9)), ["out", "a", "b"]),
        # A wrong guess in scope costs nothing when it is rejected with the others.
        (0.9, _guesses(("a", 0.2), ("a", 0.3), ("b", 0.9)), ["b", "out", "b"]),
        # All are out of scope: all are rejected.
        (float("inf"), _guesses(("a", 0.2), ("a", 0.9)), ["out", "out"]),
    ],
)
def test_the_threshold_is_the_lowest_with_the_most_right_answers(expected, guesses, labels) -> None:
    """It counts rejected messages as out of scope, and keeps equal trusts together."""
    assert expected == best_threshold(guesses, labels, "out")


@pytest.mark.parametrize(("wanted", "away"), [(0.5, 2), (0.51, 3), (0.84, 4), (1.0, 4), (0.0, 0)])
def test_as_many_are_turned_away_as_are_wanted_and_no_more(wanted: float, away: int) -> None:
    """At least the share wanted lies below the threshold, and one message fewer would be too few."""
    trusts = [0.4, 0.1, 0.3, 0.2]

    assert away == sum(trust < turning_away(trusts, wanted) for trust in trusts)


def test_nothing_is_turned_away_of_nothing() -> None:
    """Without messages that are out of scope there is no threshold."""
    assert 0.0 == turning_away([], 0.84)
