"""A data set's Markdown table: our systems first, the published ones below them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mesoguide.benchmarks.types import DataSet, Row

TIMES = ("training, CPU s", "a message, CPU ms")


def head(data_set: DataSet) -> list[str]:
    """Return the two lines above the rows."""
    names = ("task", "system", *data_set.columns, *TIMES)
    return [_line(names), _line(["---"] * len(names))]


def measured(data_set: DataSet, task: str, system: str, rows: Sequence[Row]) -> list[str]:
    """Return a line for each way in which one system was measured on one task."""
    lines: list[str] = []
    for row in rows:
        name = f"{system}, {row.way}" if row.way else system
        times = f"{row.run.training:.1f}", f"{row.run.message:.2f}"
        lines.append(_line((task, name, *_figures(data_set, row.figures), *times)))
    return lines


def peers(data_set: DataSet, task: str, figures: Mapping[str, Sequence[float | None]]) -> list[str]:
    """Return a line for each system that is published on one task."""
    return [_line((task, name, *_figures(data_set, row), "", "")) for name, row in figures.items()]


def _figures(data_set: DataSet, figures: Sequence[float | None]) -> list[str]:
    decimals = data_set.columns.values()
    return ["" if f is None else f"{f:.{d}f}" for f, d in zip(figures, decimals, strict=True)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
