from __future__ import annotations

from collections.abc import Callable

import pytest

from mesoguide.rasa_host import bench as benches
from mesoguide.rasa_host.bench import bench

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


@pytest.fixture
def measuring(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Stand in for the measuring processes; the one named "kind" fails."""

    def start(failing: str) -> None:
        def worker(kind: str, *_: object) -> dict[str, float]:
            if kind == failing:
                raise RuntimeError(f"{kind} failed")
            return dict.fromkeys((*FIGURES, *VISITORS), 2.0)

        monkeypatch.setattr(benches, "_worker", worker)

    return start


def test_tables_before_a_failure_are_given(measuring: Callable[[str], None]) -> None:
    """Where the last part fails, what was measured in many minutes before it is not lost."""
    measuring("bot")
    tables = bench(lambda _: None)

    assert "| training on all messages, CPU s | 2.0 |" in next(tables)
    assert "| a turn, 95th percentile | 2.0 | 2.0 | 1.00 |" in next(tables)
    with pytest.raises(RuntimeError, match="bot failed"):
        next(tables)


def test_stock_rasa_stands_beside_ours_as_a_ratio(measuring: Callable[[str], None]) -> None:
    """Each figure that both have comes with its ratio; without stock Rasa the table says so."""
    measuring("")

    assert "| training on the sample, CPU s | 2.0 | 2.0 | 1.00 |" in next(bench(lambda _: None))
    assert "| training on the sample, CPU s | 2.0 | not measured |" in next(
        bench(lambda _: None, stock=False)
    )
