from __future__ import annotations

from pathlib import Path

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


def test_doubles_are_left_out_as_rasa_leaves_them_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of training messages with the same text, intent and entities the first is kept, and no other is lost."""
    from rasa.shared.nlu.training_data.message import Message
    from rasa.shared.nlu.training_data.training_data import TrainingData

    from mesoguide.rasa_host import training

    sore = [{"start": 6, "end": 10, "entity": "feeling", "value": "sore"}]
    told = [
        ("does it hurt", " pain ", None), ("does it hurt", "pain", None), ("does it hurt", "cost", None),
        ("is it sore", "pain", sore), ("is it sore", "pain", sore), ("is it sore", "pain", None),
    ]  # fmt: skip

    def built() -> list[Message]:
        return [Message.build(text, intent, entities and [*entities]) for text, intent, entities in told]

    rasas = TrainingData.sanitize_examples
    monkeypatch.setattr(TrainingData, "merge", TrainingData.merge)  # put back afterwards
    monkeypatch.setattr(TrainingData, "sanitize_examples", staticmethod(rasas))
    expected = [example.data for example in TrainingData(built()).training_examples]
    training._without_copies()

    found = [example.data for example in TrainingData(built()).training_examples]

    assert TrainingData.sanitize_examples is not rasas
    assert found == expected
    assert len(found) == 4


def test_examples_with_features_are_no_doubles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two examples that say the same but have features of their own are both kept, as Rasa keeps them."""
    import numpy as np
    from rasa.shared.nlu.training_data.features import Features
    from rasa.shared.nlu.training_data.message import Message
    from rasa.shared.nlu.training_data.training_data import TrainingData

    from mesoguide.rasa_host import training

    monkeypatch.setattr(TrainingData, "merge", TrainingData.merge)  # put back afterwards
    monkeypatch.setattr(TrainingData, "sanitize_examples", staticmethod(TrainingData.sanitize_examples))
    training._without_copies()
    both = [
        Message(
            {"text": "x", "intent": "pain"}, features=[Features(np.eye(2)[[at]], "sentence", "text", "x")]
        )
        for at in (0, 1)
    ]

    assert TrainingData(both).training_examples == both


def test_training_messages_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rasa asks for the training messages for themselves and for the domain; the file is read once for both."""
    from rasa.shared.importers.importer import TrainingDataImporter
    from rasa.shared.importers.rasa import RasaFileImporter
    from rasa.shared.nlu.training_data import loading

    from mesoguide.rasa_host import training

    (tmp_path / "config.yml").write_text("recipe: default.v1\nlanguage: en\npipeline: []\n", "utf-8")
    (tmp_path / "domain.yml").write_text('version: "3.1"\nintents: [pain]\n', "utf-8")
    (tmp_path / "nlu.yml").write_text(FIRST, "utf-8")
    rasas_reader = RasaFileImporter.get_nlu_data
    monkeypatch.setattr(RasaFileImporter, "get_nlu_data", rasas_reader)  # put back afterwards
    read = []
    rasas = loading._load
    monkeypatch.setattr(loading, "_load", lambda *given: read.append(given) or rasas(*given))
    training._read_once()
    training._read_once()

    files = [str(tmp_path / name) for name in ("config.yml", "domain.yml", "nlu.yml")]
    importer = TrainingDataImporter.load_from_config(files[0], files[1], [files[2]])

    assert len(importer.get_nlu_data().intent_examples) == 2
    assert importer.get_domain().intents
    assert len(read) == 1
