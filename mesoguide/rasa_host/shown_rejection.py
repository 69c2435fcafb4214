"""Our rejection as the benchmarks need it: it says what it thinks and changes no intent."""

from __future__ import annotations

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.nlu.constants import INTENT
from rasa.shared.nlu.training_data.message import Message

from mesoguide.components.nearest_example_rejection import NearestExampleRejection


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class ShownRejection(NearestExampleRejection):
    """Adds ``trust`` and ``threshold`` to what is read of a message, and rejects nothing."""

    def process(self, messages: list[Message]) -> list[Message]:
        """Read each message's trust (Rasa's hook)."""
        learnt, self.threshold = self.threshold, float("inf")
        for message in messages:
            intent, ranking = message.get(INTENT), message.get("intent_ranking")
            super().process([message])  # rejects each, and says 1 - trust
            rejected = message.get(INTENT) or {}
            message.set("trust", 1 - rejected.get("confidence", 1.0), add_to_output=True)
            message.set("threshold", learnt, add_to_output=True)
            message.set(INTENT, intent, add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        self.threshold = learnt
        return messages
