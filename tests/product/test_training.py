from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow

FIRST = """
version: "3.1"
nlu:
  - intent: pain
    examples: |
      - does it hurt
      - is it [sore](feeling)
  - synonym: prp
    examples: |
      - plasma
"""
SECOND = """
version: "3.1"
nlu:
  - intent: cost
    examples: |
      - what does it cost
  - regex: number
    examples: |
      - [0-9]+
  - lookup: city
    examples: |
      - York
responses:
  utter_faq/cost:
    - text: Ask the clinic.
"""


@pytest.mark.parametrize(("left", "right"), [(FIRST, SECOND), (SECOND, FIRST), (FIRST, ""), ("", FIRST)])
def test_sources_merged_without_copies_hold_the_same(
    left: str, right: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training that copies no message has the messages, synonyms, expressions and texts that Rasa's has."""
    from rasa.shared.nlu.training_data.formats import RasaYAMLReader
    from rasa.shared.nlu.training_data.training_data import TrainingData

    from mesoguide.rasa_host import training

    a, b = (RasaYAMLReader().reads(text) if text else TrainingData() for text in (left, right))
    rasas = TrainingData.merge
    monkeypatch.setattr(TrainingData, "merge", rasas)  # put back afterwards
    expected = TrainingData().merge(a).merge(b)
    training._without_copies()

    found = TrainingData().merge(a).merge(b)

    assert TrainingData.merge is not rasas
    assert expected.fingerprint() == found.fingerprint()
    assert expected.responses == found.responses
