"""First component after spaCy: one message becomes its possible questions.

Rasa's components work on lists of messages, so the whole message and each part that spaCy
proposed go through featurizer and classifier side by side; ``QuestionReader`` puts them
together again.
"""

from __future__ import annotations

from typing import Any

from rasa.engine.graph import GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.constants import SPACY_DOCS
from rasa.nlu.utils.spacy_utils import SpacyModel
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from en_mesoguide import build, questions, vectors
from mesoguide.knowledge import shared_knowledge
from mesoguide.named_document import put_to

PARENT = "mesoguide_message"
"""Key under which each part carries the message that it comes from."""
PIECE_OF = "mesoguide_piece_of"
"""Key of a piece: the text of the question that it is a piece of; the message's, where that is one question."""
DOCUMENT = "mesoguide_document"
"""Key of a part's spaCy document with all its tokens."""
UNREADABLE = "empty"
"""What is read in place of a message without a single letter or digit."""


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False, model_from="SpacyNLP"
)
class QuestionSplitter(GraphComponent):
    """Replaces each message by a copy and one message for each question proposed in it.

    It also adds one for each piece that "and" and the like join in a question. A question that is put to
    one of the documents is read without the words that say so.
    """

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: Any, resource: Any, execution_context: Any
    ) -> QuestionSplitter:
        """Make the component (Rasa's hook)."""
        return cls()

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """Return what else a training depends on: Rasa knows the language package by name only."""
        return build.digest()

    def process_training_data(self, training_data: TrainingData, model: SpacyModel) -> TrainingData:
        """Each example is one question; only its document is made one token."""
        for example in training_data.training_examples:
            document = example.get(SPACY_DOCS[TEXT])
            if document is not None:
                example.set(SPACY_DOCS[TEXT], vectors.as_one_token(document))
        return training_data

    def process(self, messages: list[Message], model: SpacyModel) -> list[Message]:
        """Return the whole message and its parts, each with its spaCy document."""
        return [part for message in messages for part in _parts(message, model)]


def _parts(message: Message, model: SpacyModel) -> list[Message]:
    text = message.get(TEXT) or ""
    document = message.get(SPACY_DOCS[TEXT])
    if document is None or not any(character.isalnum() for character in text):
        return [_part(UNREADABLE, model.model(UNREADABLE), message)]
    _, asked = put_to(text, shared_knowledge())
    if asked != text:
        text, document = asked, model.model(asked)
    parts = [_part(text, document, message)]
    several = len(document._.questions) > 1
    if several:
        parts += [_part(part, model.model(part), message) for part in questions.question_spans(document)]
    for part, pieces in questions.joined(document).items():
        of = part if several else text
        parts += [_part(piece, model.model(piece), message, of) for piece in pieces]
    return parts


def _part(text: str, document: Any, parent: Message, piece_of: str | None = None) -> Message:
    one = vectors.as_one_token(document)
    told = {TEXT: text, SPACY_DOCS[TEXT]: one, DOCUMENT: document, PARENT: parent, PIECE_OF: piece_of}
    return Message(data=told)
