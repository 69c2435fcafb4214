"""Very first component: the text as the rest of the pipeline reads it."""

from __future__ import annotations

from typing import Any

from rasa.engine.graph import GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from mesoguide.cleaning import readable

RAW = "mesoguide_raw_text"
"""Key of the text as it came in."""


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class MessageCleaner(GraphComponent):
    """Sets the readable text (:func:`mesoguide.cleaning.readable`), keeps the raw one."""

    def __init__(self, longest: int) -> None:
        self.longest = longest

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the defaults: the sentence encoder reads about 1,000 characters."""
        return {"longest": 1000}

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: Any, resource: Any, execution_context: Any
    ) -> MessageCleaner:
        """Make the component (Rasa's hook)."""
        return cls(config["longest"])

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Leave the training data as it is: it was written to be read."""
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Clean each message's text."""
        for message in messages:
            raw = message.get(TEXT) or ""
            message.set(RAW, raw)
            message.set(TEXT, readable(raw, self.longest))
        return messages
