"""The whole product, loaded once for all tests of this folder; each is marked slow, and not collected without Rasa."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

collect_ignore_glob = [] if find_spec("rasa") else ["test_*.py"]

HERE = Path(__file__).parent
Ask = Callable[..., list[dict[str, Any]]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands in this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def model() -> Path:
    """The trained model's file; trained here if it is not there yet."""
    from mesoguide.rasa_host import quiet

    quiet.start()
    from mesoguide.rasa_host.training import prepare

    return prepare(print)


@pytest.fixture(scope="session")
def assistant(model: Path) -> Any:
    """The product in this process."""
    from mesoguide.rasa_host.assistant import Assistant
    from mesoguide.settings import Settings

    return Assistant.load(model, Settings())


@pytest.fixture(scope="session")
def measured(model: Path) -> Any:
    """Every evaluation message with what it got, also with typos; sent once for all tests."""
    from mesoguide.rasa_host.evaluation import measure

    return measure(model)


@pytest.fixture(scope="session")
def ask(assistant: Any) -> Ask:
    """Hold one conversation; return its replies."""

    def conversation(*messages: object) -> list[dict[str, Any]]:
        return asyncio.run(assistant.conversation(list(messages)))

    return conversation
