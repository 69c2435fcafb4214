"""Last component: puts the parts of a message together again and says what was asked.

Adds ``questions`` to the parse result, the list that the action answers from
(:class:`mesoguide.types.Question` as JSON), and sets the message's intent to that of the
first question, which the rules go by.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
from rasa.engine.graph import GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.utils.spacy_utils import SpacyModel
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message

from en_mesoguide.vectors import COMPONENT
from mesoguide.components.nearest_example_rejection import REJECTED, TRUST, UNTUNED
from mesoguide.components.question_splitter import DOCUMENT, PARENT, PIECE_OF, UNREADABLE
from mesoguide.knowledge import shared_knowledge
from mesoguide.named_document import asked_document, named_document
from mesoguide.rejection import unit
from mesoguide.types import Knowledge, Memory, Question
from mesoguide.understanding import focus, questions


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False, model_from="SpacyNLP"
)
class QuestionReader(GraphComponent):
    """Reads the questions of each message (see :mod:`mesoguide.understanding`)."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self._names: list[str] = []
        self._vectors: Any = None
        self._asked: Any = None
        self._asked_for: Any = None

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: Any, resource: Any, execution_context: Any
    ) -> QuestionReader:
        """Make the component (Rasa's hook)."""
        return cls(shared_knowledge())

    def process(self, messages: list[Message], model: SpacyModel) -> list[Message]:
        """Return the messages that the parts came from, with their questions."""
        parents: dict[int, tuple[Message, list[Message]]] = {}
        for part in messages:
            parent = part.get(PARENT)
            parents.setdefault(id(parent), (parent, []))[1].append(part)
        return [self._read(parent, parts, model) for parent, parts in parents.values()]

    def _read(self, parent: Message, parts: list[Message], model: SpacyModel) -> Message:
        whole, *rest = [_question(part) for part in parts if part.get(PIECE_OF) is None]
        pieces: dict[str, list[Question]] = {}
        for part in parts:
            if part.get(PIECE_OF) is not None:
                pieces.setdefault(part.get(PIECE_OF), []).append(_question(part))
        found = questions(whole, rest, self.knowledge.topics, pieces)
        documents = {part.get(TEXT): part.get(DOCUMENT) for part in parts}
        found = [self._focused(each, documents[each.text], model, alone=len(found) == 1) for each in found]
        found = self._put_to_documents(found, parent.get(TEXT) or "")
        confidence = dict(found[0].ranking).get(found[0].intent, 0.0)
        intent = found[0].intent if found[0].intent in dict(found[0].ranking) else REJECTED
        ranking = [{"name": name, "confidence": value} for name, value in whole.ranking[:10]]
        parent.set(INTENT, {"name": intent, "confidence": confidence}, add_to_output=True)
        parent.set("intent_ranking", ranking, add_to_output=True)
        parent.set("trust", parts[0].get(TRUST), add_to_output=True)
        shown = [asdict(replace(question, ranking=question.ranking[:5])) for question in found]
        parent.set("questions", shown, add_to_output=True)
        return parent

    def _put_to_documents(self, found: list[Question], message: str) -> list[Question]:
        """Say of each question which document it is put to: the one that it names, or else the whole message.

        "And what does the guide say about it?" is no question of its own beside one about a topic.
        """
        of_all = named_document(message, self.knowledge)
        topics = [each for each in found if each.intent in self.knowledge.topics]
        if len(topics) == 1:
            bare = [each for each in found if asked_document(each.text, Memory(), self.knowledge)]
            return [replace(each, document=of_all) for each in found if each in topics or each not in bare]
        return [replace(each, document=named_document(each.text, self.knowledge) or of_all) for each in found]

    def _focused(self, question: Question, document: Any, model: SpacyModel, *, alone: bool) -> Question:
        """Give ``question`` the statements nearest to it in meaning."""
        if not self._names:
            self._read_statements(model)
        vector = unit(document._.sentence_vector[:UNTUNED])
        cosines = self._vectors @ vector
        asked = np.full(len(self._names), -1.0)
        np.maximum.at(asked, self._asked_for, self._asked @ vector)
        says, nearest = (dict(zip(self._names, each.tolist(), strict=True)) for each in (cosines, asked))
        return focus(question, says, self.knowledge.topics, nearest, alone=alone)

    def _read_statements(self, model: SpacyModel) -> None:
        """Take the vectors of the statements, and of the questions that are asked for them."""
        nlp, statements = model.model, self.knowledge.statements
        vectors = nlp.get_pipe(COMPONENT)
        self._names = list(statements)
        self._vectors = unit(vectors.vectors([statements[name].says for name in self._names])[:, :UNTUNED])
        pairs = [(place, text) for place, name in enumerate(self._names) for text in statements[name].asked]
        texts = [nlp.tokenizer.repaired(text.lower()) for _, text in pairs]
        self._asked = unit(vectors.vectors(texts, known=True)[:, :UNTUNED])
        self._asked_for = np.array([place for place, _ in pairs], int)


def _question(part: Message) -> Question:
    ranking = part.get("intent_ranking", [])
    name = part.get(INTENT, {}).get("name")
    empty = part.get(TEXT) == UNREADABLE and part.get(PARENT).get(TEXT) != UNREADABLE
    return Question(
        text=part.get(TEXT),
        intent=UNREADABLE if empty else name or REJECTED,
        sure=empty or name not in (None, REJECTED),
        ranking=tuple((str(i["name"]), float(i["confidence"])) for i in ranking if i["name"] != REJECTED),
        names=tuple(dict.fromkeys(e.ent_id_ for e in part.get(DOCUMENT).ents if e.ent_id_)),
    )
