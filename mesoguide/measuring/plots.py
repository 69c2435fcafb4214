"""The report's plots, as pictures that stand in the page itself."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from mesoguide.measuring.curves import Bin, Outcome

STYLE = {
    "svg.fonttype": "none",  # letters stay letters: small, and sharp at any size
    "svg.hashsalt": "mesoguide",  # the same figures give the same bytes
    "font.size": 11,
}
BLUE, ORANGE, GREY, PURPLE = "#0b5394", "#b45309", "#6b7280", "#7e22ce"
"""Readable on white, and told apart by line style too."""


def rejection(outcomes: Sequence[Outcome], learnt: float | None) -> str:
    """Draw right, wrong and silent against the threshold."""
    figure, axes = _axes(7.5, 4.2)
    lines = (
        ("right", "right", BLUE, "-"),
        ("wrong", "wrong", ORANGE, "--"),
        ("silent", "silent", GREY, ":"),
        ("not in the documents, answered", "answered_all_the_same", PURPLE, "-."),
    )
    for label, name, colour, style in lines:
        shares = [100 * getattr(outcome, name).value for outcome in outcomes]
        axes.plot([o.threshold for o in outcomes], shares, style, color=colour, label=label, linewidth=2)
    if learnt is not None:
        axes.axvline(learnt, color="black", linewidth=1)
        axes.annotate("learnt threshold", (learnt, 20), (4, 0), textcoords="offset points", fontsize=10)
    axes.set(xlabel="threshold of the score", ylabel="% of messages", xlim=(0, 1), ylim=(0, 100))
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(0.3, 0.64), fontsize=10)
    return _picture(figure)


def reliability(bins: Sequence[Bin]) -> str:
    """Draw how often a topic is right against the probability that it was given."""
    figure, axes = _axes(5.2, 4.6)
    axes.plot([0, 100], [0, 100], ":", color=GREY, label="perfect")
    at = [100 * held.probability for held in bins]
    right = [100 * held.right.value for held in bins]
    below = [max(0.0, r - 100 * held.right.interval[0]) for r, held in zip(right, bins, strict=True)]
    above = [max(0.0, 100 * held.right.interval[1] - r) for r, held in zip(right, bins, strict=True)]
    axes.errorbar(at, right, yerr=[below, above], fmt="o-", color=BLUE, capsize=3, label="measured")
    axes.set(xlabel="probability of the topic, %", ylabel="right, %", xlim=(0, 101), ylim=(0, 101))
    axes.legend(frameon=False, loc="upper left", fontsize=10)
    return _picture(figure)


def matrix(counts: Mapping[tuple[str, str], int], asked: Sequence[str], got: Sequence[str]) -> str:
    """Draw how many messages about each topic (rows) got what (columns)."""
    figure, axes = _axes(11, 9)
    totals = [max(1, sum(counts.get((row, column), 0) for column in got)) for row in asked]
    shares = [
        [100 * counts.get((row, column), 0) / total for column in got]
        for row, total in zip(asked, totals, strict=True)
    ]
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    axes.set_xticks(range(len(got)), labels=got, rotation=60, ha="right", rotation_mode="anchor", fontsize=9)
    axes.set_yticks(range(len(asked)), labels=asked, fontsize=9)
    axes.set(xlabel="got", ylabel="asked")
    for y, row in enumerate(asked):
        for x, column in enumerate(got):
            count = counts.get((row, column), 0)
            if count:
                colour = "white" if shares[y][x] > 50 else "black"
                axes.text(x, y, str(count), ha="center", va="center", color=colour, fontsize=8)
    return _picture(figure)


def _axes(width: float, height: float) -> tuple[Figure, Any]:
    import matplotlib as mpl

    mpl.rcParams.update(STYLE)
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(b=False)
    return figure, axes


def _picture(figure: Figure) -> str:
    """Return ``figure`` as an address that holds the picture itself."""
    file = io.BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    # A generic family in quotes is none to a browser.
    drawn = file.getvalue().replace(b"'sans-serif'", b"sans-serif")
    return f"data:image/svg+xml;base64,{base64.b64encode(drawn).decode('ascii')}"
