"""What the n-grams add to the tuned layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from en_mesoguide import ngrams, tiers, tuned

TEXTS = ("my throat is closing", "my throat is tight", "what does it cost", "is it dear", "scared of needles")
TIERS = ("emergency", "emergency", "none", "none", "mention")
ORDER = ("emergency", "mention", "none")
PLAIN = np.zeros((1, 1), np.float32)
"""What the published encoder makes of a text."""


def test_ngrams_learn_tiers_in_the_order_that_is_asked_for(tmp_path: Path) -> None:
    """Each column is the tier at its place, probabilities add up to one, and a file holds them unchanged."""
    made = ngrams.fit(TEXTS, TIERS, ORDER)
    made.save(tmp_path / "n.safetensors", "digest")
    read = ngrams.load(tmp_path / "n.safetensors")
    rows = made.logits(TEXTS)

    assert [ORDER[column] for column in rows.argmax(axis=1)] == list(TIERS)
    assert np.allclose(np.exp(rows).sum(axis=1), 1.0, atol=1e-5)
    assert read.tiers == ORDER
    assert np.allclose(read.logits(["my throat"]), made.logits(["my throat"]), atol=1e-2)


def test_a_tier_without_a_message_is_refused() -> None:
    """Nothing is learnt where a tier has no message: its column would be missing."""
    with pytest.raises(ValueError, match="urgent"):
        ngrams.fit(TEXTS, TIERS, (*ORDER, "urgent"))


def test_ngrams_weigh_less_than_the_tuned_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logits are the members' mean plus a share of what the n-grams say."""
    head = np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]], np.float32)
    monkeypatch.setattr(tuned, "load", lambda: tuned.Tuned(({},), (head,), ORDER))
    words = ngrams.fit(TEXTS, TIERS, ORDER)
    monkeypatch.setattr(ngrams, "load", lambda: words)
    (row,) = tiers.logits(tiers.clues(TEXTS[2:3], PLAIN, [np.ones((1, 1), np.float32)]))

    assert np.allclose(row, [1.0, 0.0, 0.0] + tiers.NGRAMS * words.logits(TEXTS[2:3])[0])
    assert tiers.probabilities(row[None])[0].keys() == set(ORDER)


def test_the_clues_of_a_text_hold_what_each_part_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """First what the members say, then what the n-grams say, then the mean of the members' vectors and the plain one."""
    heads = tuple(np.array([[weight, 0.0], [0.0, 0.0], [0.0, 1.0]], np.float32) for weight in (1.0, 3.0))
    monkeypatch.setattr(tuned, "load", lambda: tuned.Tuned(({}, {}), heads, ORDER))
    words = ngrams.fit(TEXTS, TIERS, ORDER)
    monkeypatch.setattr(ngrams, "load", lambda: words)
    plain = np.array([[5.0], [6.0]], np.float32)
    rows = tiers.clues(TEXTS[:2], plain, [np.full((2, 1), value, np.float32) for value in (2.0, 4.0)])

    assert np.allclose(rows[:, :3], [[7.0, 0.0, 1.0]] * 2)
    assert np.allclose(rows[:, 3:6], words.logits(TEXTS[:2]))
    assert rows[:, 6:].tolist() == [[3.0, 5.0], [3.0, 6.0]]


def test_ngrams_are_no_proof_of_the_contrary(monkeypatch: pytest.MonkeyPatch) -> None:
    """However sure the n-grams are that a tier is not meant, they take away no more than their floor does."""
    monkeypatch.setattr(tuned, "load", lambda: tuned.Tuned(({},), (np.zeros((3, 2), np.float32),), ORDER))
    certain = ngrams.Ngrams(np.zeros((2 * ngrams.COLUMNS, 3), np.float32), np.array([-50, -50, 50.0]), ORDER)
    monkeypatch.setattr(ngrams, "load", lambda: certain)
    (row,) = tiers.logits(tiers.clues(["my throat is closing"], PLAIN, [np.ones((1, 1), np.float32)]))

    assert np.allclose(row, [tiers.NGRAMS * np.log(tiers.FLOOR)] * 2 + [0.0], atol=1e-5)


def test_files_of_different_tunings_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that know other tiers, or the same in another order, are not added up."""
    words = ngrams.fit(TEXTS, TIERS, ORDER)
    monkeypatch.setattr(ngrams, "load", lambda: words)

    with pytest.raises(ValueError, match="make tune"):
        tiers.clues(["x"], PLAIN, [np.ones((1, 1), np.float32)] * 4)
