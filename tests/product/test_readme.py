"""What the README shows is what the product does; see mesoguide/rasa_host/readme.py."""

from __future__ import annotations

from typing import Any

from mesoguide.measuring.figures import table
from mesoguide.rasa_host.readme import README, between, transcript

RENEW = "run `.venv/bin/python -m mesoguide.rasa_host.readme`"


def test_readme_shows_the_replies_of_now(assistant: Any) -> None:
    """The conversation in the README has today's replies, word for word."""
    shown = between(README.read_text("utf-8"), "transcript")

    assert transcript(assistant) == shown, RENEW


def test_readme_shows_the_figures_of_now(measured: Any) -> None:
    """The evaluation's table in the README is the one that `make eval` prints."""
    shown = between(README.read_text("utf-8"), "eval")

    assert table(measured.runs) == shown, RENEW
