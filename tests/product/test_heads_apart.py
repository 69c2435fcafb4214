from __future__ import annotations

import numpy as np

from mesoguide.safety import TIERS, Labelled

EACH = 12


def test_thresholds_are_learnt_on_messages_that_the_head_has_not_met() -> None:
    """Clues of nothing but noise are told apart by the head that learnt from them, and by chance where thresholds are learnt."""
    from en_mesoguide import tuned
    from mesoguide.components.safety_stop import _learnt, _scores, _scores_apart

    rows = [Labelled(f"message {number}", tier) for number in range(EACH) for tier in TIERS]
    noise = np.random.default_rng(3).normal(size=(len(rows), 1, 2 * len(TIERS) + 384)).astype(np.float32)
    noise[:, :, : 2 * len(TIERS)] = 0.0
    known = list(zip(rows, noise, strict=True))
    head = _learnt(known)
    met = [_scores(clues, head)[0] for _, clues in known]
    apart = [readings[0] for readings in _scores_apart(known)]

    def right(scores: list[dict[str, float]]) -> float:
        return float(
            np.mean(
                [max(each, key=each.__getitem__) == row.tier for row, each in zip(rows, scores, strict=True)]
            )
        )

    assert set(tuned.load().tiers) == set(TIERS)
    assert right(met) > 0.9
    assert right(apart) < 0.3


def test_what_is_right_in_several_tiers_teaches_nothing() -> None:
    """A calibration message that accepts other tiers is scored, but no head learns from it."""
    from mesoguide.components.safety_stop import _learnt

    rows = [Labelled(f"message {number}", tier) for number in range(EACH) for tier in TIERS]
    clues = np.random.default_rng(5).normal(size=(len(rows), 1, 2 * len(TIERS) + 384)).astype(np.float32)
    known = list(zip(rows, clues, strict=True))
    doubtful = (Labelled("is that bad?", "urgent", frozenset({"mention"})), 100 * clues[0])

    assert (_learnt([*known, doubtful]).weights == _learnt(known).weights).all()
