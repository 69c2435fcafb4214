"""The spaCy pipeline of Mesoguide, in the order in which a text goes through it.

``tokenizer``  repairs spelling, then splits into tokens (:mod:`.speller`)
``entity_ruler``  marks treatments, conditions, people and body parts (``terms.yml``)
``mesoguide_vectors``  puts the sentence vector on the tokens (:mod:`.vectors`)

``doc._.questions`` are then the spans that may each be a question (:mod:`.questions`).

The data (weights, word list) is built by :mod:`.build`; it is not in the repository.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spacy.language import Language

__all__ = ["DATA", "load"]

DATA = Path(__file__).with_name("data")


def load(**overrides: Any) -> Language:
    """Load the built pipeline; spaCy calls this for ``spacy.load("en_mesoguide")``.

    Raises
    ------
    OSError
        The data was not built yet (run ``make setup``).
    """
    # Only here: who wants the n-grams alone (mesoguide.failure) need not wait for spaCy. Ours register their parts.
    from spacy.util import load_model_from_path

    from en_mesoguide import questions, speller, vectors

    if not (DATA / "config.cfg").is_file():
        raise OSError("the language package has no data yet: run `make setup`")
    return load_model_from_path(DATA, **overrides)
