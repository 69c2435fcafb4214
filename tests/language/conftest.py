"""The built pipeline, once for all tests; without spaCy these tests are not collected."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from spacy.language import Language

collect_ignore_glob = [] if find_spec("spacy") else ["test_*.py"]


@pytest.fixture(scope="session")
def pipeline() -> Language:
    """The language package as Rasa loads it."""
    import en_mesoguide

    return en_mesoguide.load()
