"""Doors that need Rasa: odd headers and keys."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def test_a_token_of_odd_bytes_opens_no_figures() -> None:
    """A header that is no UTF-8 is a wrong token like any other, and no fault of the server."""
    from sanic.exceptions import NotFound

    from mesoguide.rasa_host import metrics

    request: Any = SimpleNamespace(token="\udcff")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(metrics.TOKEN, "a token of this test")
        with pytest.raises(NotFound):
            asyncio.run(metrics.exposed(request))


@pytest.mark.parametrize(
    ("typed", "question"), [("1", "Why?"), (" 1 ", "Why?"), ("²", None), ("9" * 5000, None), ("0", None)]
)
def test_what_is_no_number_picks_nothing(typed: str, question: str | None) -> None:
    """In the terminal a digit that is no number, and a number without end, are messages."""
    from mesoguide.rasa_host.terminal import picked

    assert picked(typed, ["Why?"]) == question
