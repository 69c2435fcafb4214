"""Last component: puts the parts of a message together again and says what was asked.

Adds ``questions`` to the parse result, the list that the action answers from
(:class:`mesoguide.types.Question` as JSON), and sets the message's intent to that of the
first question, which the rules go by.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from en_mesoguide.encoder import Vectors
from rasa.engine.graph import GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.utils.spacy_utils import SpacyModel
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message

from mesoguide.components.nearest_example_rejection import ENCODED, REJECTED
from mesoguide.components.question_splitter import DOCUMENT, PARENT, UNREADABLE
from mesoguide.knowledge import load_knowledge
from mesoguide.rejection import unit
from mesoguide.types import Knowledge, Question
from mesoguide.understanding import questions

FOCUS = 8
"""Statements named as nearest to a question."""


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False, model_from="SpacyNLP"
)
class QuestionReader(GraphComponent):
    """Reads the questions of each message (see :mod:`mesoguide.understanding`)."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self._names = list(knowledge.statements)
        self._vectors: Vectors | None = None

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: Any, resource: Any, execution_context: Any
    ) -> QuestionReader:
        """Make the component (Rasa's hook)."""
        return cls(load_knowledge())

    def process(self, messages: list[Message], model: SpacyModel) -> list[Message]:
        """Return the messages that the parts came from, with their questions."""
        parents: dict[int, tuple[Message, list[Message]]] = {}
        for part in messages:
            parent = part.get(PARENT)
            parents.setdefault(id(parent), (parent, []))[1].append(part)
        return [self._read(parent, parts, model) for parent, parts in parents.values()]

    def _read(self, parent: Message, parts: list[Message], model: SpacyModel) -> Message:
        whole, *rest = (self._question(part, model) for part in parts)
        found = questions(whole, rest, self.knowledge.topics)
        confidence = dict(found[0].ranking).get(found[0].intent, 0.0)
        intent = found[0].intent if found[0].intent in dict(found[0].ranking) else REJECTED
        ranking = [{"name": name, "confidence": value} for name, value in whole.ranking[:10]]
        parent.set(INTENT, {"name": intent, "confidence": confidence}, add_to_output=True)
        parent.set("intent_ranking", ranking, add_to_output=True)
        parent.set(ENTITIES, _entities(parts[0]), add_to_output=True)
        shown = [asdict(question) | {"ranking": question.ranking[:5]} for question in found]
        parent.set("questions", shown, add_to_output=True)
        return parent

    def _question(self, part: Message, model: SpacyModel) -> Question:
        ranking = part.get("intent_ranking", [])
        document = part.get(DOCUMENT)
        empty = part.get(TEXT) == UNREADABLE and part.get(PARENT).get(TEXT) != UNREADABLE
        return Question(
            text=part.get(TEXT),
            intent=UNREADABLE if empty else part.get(INTENT, {}).get("name") or REJECTED,
            sure=empty or part.get(INTENT, {}).get("name") not in (None, REJECTED),
            ranking=tuple((i["name"], i["confidence"]) for i in ranking if i["name"] != REJECTED),
            focus=self._focus(document, model),
            names=tuple(dict.fromkeys(e.ent_id_ for e in document.ents if e.ent_id_)),
        )

    def _focus(self, document: Any, model: SpacyModel) -> tuple[tuple[str, float], ...]:
        """The statements nearest in meaning to ``document`` with their cosine."""
        if self._vectors is None:
            texts = [self.knowledge.statements[name].says for name in self._names]
            encoder = model.model.get_pipe("mesoguide_vectors").encoder
            self._vectors = encoder.encode(texts)
        cosines = self._vectors @ unit(document._.sentence_vector[:ENCODED])
        best = np.argsort(-cosines, kind="stable")[:FOCUS]
        return tuple((self._names[i], round(float(cosines[i]), 4)) for i in best)


def _entities(part: Message) -> list[dict[str, Any]]:
    """The terms of the repaired text as Rasa's entities; ``value`` is the term's id."""
    return [
        {"entity": e.label_, "value": e.ent_id_, "start": e.start_char, "end": e.end_char}
        for e in part.get(DOCUMENT).ents
        if e.ent_id_
    ]
