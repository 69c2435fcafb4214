from __future__ import annotations

import numpy as np
import pytest

from mesoguide.second_head import FOLDS, SecondHead, folds, learn

ORDER = ("urgent", "mention", "none")
TIERS = [ORDER[number % 3] for number in range(90)]


def clues(signal: float) -> np.ndarray:
    """Rows of noise, of which the column of a row's tier is higher by ``signal``."""
    rows = np.random.default_rng(1).normal(size=(len(TIERS), 40))
    rows[np.arange(len(TIERS)), [ORDER.index(tier) for tier in TIERS]] += signal
    return (3 * rows + 5).astype(np.float32)


def test_the_head_learns_what_a_column_is_worth() -> None:
    """Learnt on two thirds of the messages, of whatever scale, it tells the tier of the others."""
    rows, seen = clues(4.0), np.arange(len(TIERS)) < 60
    head = learn(rows[seen], TIERS[:60], ORDER)
    said = head.beside(np.zeros((30, 3)), rows[~seen]).argmax(axis=1)

    assert np.mean([ORDER[column] == tier for column, tier in zip(said, TIERS[60:], strict=True)]) > 0.9


def test_both_heads_have_half_of_the_say() -> None:
    """The stop believes the geometric mean of two probabilities, whatever the size of the logits."""
    head = SecondHead(np.array([[0.0, np.log(9.0)]]), np.array([100.0, 100.0]))
    (row,) = head.beside(np.array([[50 + np.log(4.0), 50.0]]), np.array([[1.0]]))
    shares = np.exp(row) / np.exp(row).sum()

    assert shares == pytest.approx([0.4, 0.6])  # from 0.8 and 0.2, 0.1 and 0.9: √0.08 to √0.18
    assert np.exp(row[0]) == pytest.approx(np.sqrt(0.8 * 0.1))


@pytest.mark.parametrize("signal", [4.0, 0.0])
def test_a_head_apart_has_not_met_the_message(signal: float) -> None:
    """Of rows that hold nothing but noise, heads of the other folds know no more than chance."""
    rows, fold = clues(signal), folds(TIERS)
    right = 0
    for number in range(FOLDS):
        held = fold == number
        head = learn(rows[~held], [tier for tier, out in zip(TIERS, held, strict=True) if not out], ORDER)
        said = head.beside(np.zeros((held.sum(), 3)), rows[held]).argmax(axis=1)
        right += sum(
            ORDER[column] == TIERS[row] for column, row in zip(said, np.flatnonzero(held), strict=True)
        )

    assert right / len(TIERS) > 0.9 if signal else right / len(TIERS) < 0.5


def test_every_fold_has_its_share_of_each_tier() -> None:
    """The folds are the same each time, and none lacks a tier."""
    fold = folds(TIERS)

    assert (fold == folds(TIERS)).all()
    assert all(
        {TIERS[row] for row in np.flatnonzero(fold == number)} == set(ORDER) for number in range(FOLDS)
    )


def test_a_tier_without_a_message_is_refused() -> None:
    """Where no message has a tier, the error says which, in which file, and how many are needed."""
    with pytest.raises(ValueError, match=f"calibration.jsonl .* 'urgent' .*at least {2 * FOLDS}"):
        learn(clues(1.0)[:60], ["none", "mention"] * 30, ORDER)
