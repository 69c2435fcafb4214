from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mesoguide.whitening import Floats, mapped, whitening

INTENTS = np.repeat(np.array(["cost", "pain", "needle"]), 20)


def examples(noisy: int = 0) -> Floats:
    """Three intents that differ along axes 1 to 3, and examples that differ along the axis ``noisy``."""
    chance = np.random.default_rng(1)
    rows = np.zeros((60, 5))
    rows[np.arange(60), 1 + np.repeat(np.arange(3), 20)] = 1.0
    rows[:, noisy] += chance.normal(0, 1.0, 60)
    return rows + chance.normal(0, 0.05, rows.shape)


def cosine(one: Floats, other: Floats) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_ways_of_asking_the_same_come_nearer() -> None:
    """Where two examples of one intent differ is shortened against where the intents differ."""
    rows = examples()
    matrix = whitening(rows, INTENTS)

    def inside(found: Floats) -> float:
        pairs = ((20 * group + a, 20 * group + b) for group in range(3) for a in range(20) for b in range(a))
        return float(np.mean([cosine(found[a], found[b]) for a, b in pairs]))

    assert inside(mapped(rows, matrix)) > inside(rows) + 0.02
    assert np.linalg.norm(matrix[0]) < np.linalg.norm(matrix[1])


@given(st.integers(1, 6), st.integers(2, 5))
def test_without_two_examples_of_an_intent_nothing_changes(count: int, width: int) -> None:
    """One example of each intent says nothing about ways of asking: the map is the identity."""
    rows = np.random.default_rng(count).normal(size=(count, width))

    assert np.array_equal(np.eye(width), whitening(rows, np.arange(count).astype(str)))


def test_equal_examples_change_nothing() -> None:
    """Examples that are all the same leave nothing to divide by, and the map is the identity."""
    for rows in (np.ones((4, 3)), np.full((4, 3), 0.1), np.zeros((4, 3))):
        assert np.array_equal(np.eye(3), whitening(rows, np.array(["a", "a", "b", "b"])))


@given(st.lists(st.floats(-5, 5), min_size=5, max_size=5))
def test_every_vector_keeps_its_length(numbers: list[float]) -> None:
    """The map turns a vector; its length, which stands for the block's weight, stays. Zero stays zero."""
    vector = np.array([numbers])
    found = mapped(vector, whitening(examples(), INTENTS))

    assert np.isfinite(found).all()
    assert abs(np.linalg.norm(found) - np.linalg.norm(vector)) < 1e-6


def test_the_order_of_the_examples_does_not_matter() -> None:
    """The same examples give the same map whatever their order, so that a training can be repeated."""
    rows, order = examples(), np.random.default_rng(2).permutation(60)

    assert np.allclose(whitening(rows, INTENTS), whitening(rows[order], INTENTS[order]))
