from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

pytestmark = pytest.mark.slow

FIGURES = (
    "train",
    "parse",
    "memory",
    "turn",
    "understand",
    "stored_new",
    "stored_long",
    "start",
    "conversations",
)
VISITORS = [f"{visitors}{part}" for visitors in ("one", "twenty", "burst") for part in ("", "_script")]
Bench = Callable[..., Iterator[str]]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Stand in for the measuring processes; the one named ``failing`` fails."""
    from mesoguide.rasa_host import bench as module  # it needs what the core does without

    def started(failing: str = "", **options: bool) -> Iterator[str]:
        def worker(kind: str, *_: object) -> dict[str, float]:
            if kind == failing:
                raise RuntimeError(f"{kind} failed")
            return dict.fromkeys((*FIGURES, *VISITORS), 2.0)

        monkeypatch.setattr(module, "_worker", worker)
        return module.bench(lambda _: None, **options)

    return started


def test_tables_before_a_failure_are_given(bench: Bench) -> None:
    """Where the last part fails, what was measured in many minutes before it is not lost."""
    tables = bench("bot")

    assert "| training on all messages, CPU s | 2.0 |" in next(tables)
    assert "| a turn, 95th percentile | 2.0 | 2.0 | 1.00 |" in next(tables)
    with pytest.raises(RuntimeError, match="bot failed"):
        next(tables)


def test_stock_rasa_stands_beside_ours_as_a_ratio(bench: Bench) -> None:
    """Each figure that both have comes with its ratio; without stock Rasa the table says so."""
    assert "| training on the sample, CPU s | 2.0 | 2.0 | 1.00 |" in next(bench())
    assert "| training on the sample, CPU s | 2.0 | not measured |" in next(bench(stock=False))
