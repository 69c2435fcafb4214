"""The component that carries the map of mesoguide/whitening.py through Rasa."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

WIDTH = 384 + 5
"""The sentence encoder's columns, and a few behind them."""


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Rasa's own store of what components learn, on disk."""
    from mesoguide.rasa_host import quiet

    quiet.start()
    from rasa.engine.storage.local_model_storage import LocalModelStorage

    return LocalModelStorage(tmp_path_factory.mktemp("whitening"))


def message(row: Any, intent: str | None = None) -> Any:
    """A message that SpacyFeaturizer has been at."""
    from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, FEATURE_TYPE_SEQUENCE, INTENT, TEXT
    from rasa.shared.nlu.training_data.features import Features
    from rasa.shared.nlu.training_data.message import Message

    features = [
        Features(np.array([row]), kind, TEXT, "SpacyFeaturizer")
        for kind in (FEATURE_TYPE_SEQUENCE, FEATURE_TYPE_SENTENCE)
    ]
    return Message(data={TEXT: "x", INTENT: intent}, features=features)


def vector(made: Any) -> Any:
    """The features of the whole sentence."""
    return made.get_dense_features("text")[1].features[0]


def component(storage: Any) -> Any:
    """An untrained component."""
    from rasa.engine.storage.resource import Resource

    from mesoguide.components.intent_whitening import IntentWhitening

    return IntentWhitening.create({}, storage, Resource("whitening"), None)


def trained(storage: Any) -> tuple[Any, Any]:
    """A component trained on 40 examples of two intents, and the rows it was given."""
    from rasa.shared.nlu.training_data.training_data import TrainingData

    rows = np.random.default_rng(3).normal(size=(40, WIDTH)).astype(np.float32)
    examples = [message(row, "pain" if at < 20 else "cost") for at, row in enumerate(rows)]
    made = component(storage)
    data = TrainingData(examples)
    made.train(data)
    return made, (rows, made.process_training_data(data))


def test_only_the_encoders_columns_are_mapped(storage: Any) -> None:
    """Training messages and new ones are mapped alike; n-grams and tuned layers stay, and so do lengths."""
    made, (rows, data) = trained(storage)
    [new] = made.process([message(rows[0])])

    assert np.allclose(vector(new), vector(data.training_examples[0]))
    assert np.array_equal(rows[0][384:], vector(new)[384:])
    assert not np.allclose(rows[0][:384], vector(new)[:384], atol=1e-3)
    assert np.isclose(np.linalg.norm(rows[0][:384]), np.linalg.norm(vector(new)[:384]), rtol=1e-4)


def test_what_was_learnt_is_loaded(storage: Any) -> None:
    """A process that serves maps as the one that trained did."""
    from rasa.engine.storage.resource import Resource

    from mesoguide.components.intent_whitening import IntentWhitening

    made, (rows, _) = trained(storage)
    loaded = IntentWhitening.load({}, storage, Resource("whitening"), None)

    assert np.array_equal(made.matrix, loaded.matrix)
    assert np.array_equal(
        vector(made.process([message(rows[1])])[0]), vector(loaded.process([message(rows[1])])[0])
    )


def test_a_message_without_vectors_passes(storage: Any) -> None:
    """What has no features, such as a message that is empty, is left as it is."""
    from rasa.shared.nlu.training_data.message import Message

    made, _ = trained(storage)

    assert [] == made.process([Message(data={"text": ""})])[0].features


def test_training_without_vectors_says_what_is_missing(storage: Any) -> None:
    """A pipeline in the wrong order is refused with the file and the mend."""
    from rasa.shared.nlu.training_data.message import Message
    from rasa.shared.nlu.training_data.training_data import TrainingData

    with pytest.raises(ValueError, match=r"config\.yml.*Put it after SpacyFeaturizer"):
        component(storage).train(TrainingData([Message(data={"text": "a", "intent": "pain"})]))


def test_the_served_model_has_a_map(model: Path) -> None:
    """The trained model holds a map that is not the identity: it is learnt, and it is in use."""
    import io
    import tarfile

    with tarfile.open(model) as archive:
        [name] = [each for each in archive.getnames() if each.endswith("map.npy")]
        content = archive.extractfile(name)
        assert content is not None
        matrix = np.load(io.BytesIO(content.read()), allow_pickle=False)

    assert matrix.shape == (384, 384)
    assert not np.allclose(matrix, np.eye(384), atol=0.05)
