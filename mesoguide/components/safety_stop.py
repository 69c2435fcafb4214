"""Last component: red flags and personal questions beat whatever else was understood.

It reads the raw text (:mod:`mesoguide.safety`) with the encoder's tuned layers and with n-grams
(``en_mesoguide.tiers``), which come with the language package; what it learns at each training, from the calibration messages,
are a second head (:mod:`mesoguide.second_head`) and the thresholds. A message that is not English is read by short
phrase lists instead (:mod:`mesoguide.languages`).
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.utils.spacy_utils import SpacyModel
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from en_mesoguide import ngrams, tiers, tuned
from en_mesoguide.vectors import COMPONENT
from mesoguide import languages, safety, second_head
from mesoguide.cleaning import MOST_READ, readable
from mesoguide.components.message_cleaner import RAW
from mesoguide.disguises import undisguised
from mesoguide.second_head import Floats, SecondHead

STOPPED = "safety_stop"
"""Intent of a message that gets a fixed text of the safety stop."""
THRESHOLDS, HEAD = "thresholds.json", "second_head.npz"
"""Files of what was learnt."""


@DefaultV1Recipe.register(
    DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True, model_from="SpacyNLP"
)
class SafetyStop(GraphComponent):
    """Adds ``safety`` (the tier, and the language) and sets the intent to ``safety_stop``."""

    def __init__(
        self,
        storage: ModelStorage,
        resource: Resource,
        thresholds: safety.Thresholds | None = None,
        head: SecondHead | None = None,
    ) -> None:
        self._storage, self._resource = storage, resource
        self._thresholds, self._head = thresholds, head

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SafetyStop:
        """Make the untrained component (Rasa's hook)."""
        return cls(model_storage, resource)

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """Return a hash of what the stop depends on, which Rasa does not know of."""
        files = sorted(path for path in safety.SAFETY.rglob("*") if path.is_file())
        code = (inspect.getfile(module) for module in (tiers, safety, second_head))
        files += [tuned.FILE, ngrams.FILE, *map(Path, code)]
        return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()

    def train(self, training_data: TrainingData, model: SpacyModel) -> Resource:
        """Learn the second head, and the thresholds from what such heads say of messages that they have not met."""
        rows = safety.calibration()
        clues = _clues([_readings(row.text, model) for row in rows], model, calibration=True)
        known = list(zip(rows, clues, strict=True))
        self._head = _learnt(known)
        self._thresholds = safety.learn(rows, _scores_apart(known), safety.costs())
        with self._storage.write_to(self._resource) as folder:
            (folder / THRESHOLDS).write_text(json.dumps(asdict(self._thresholds)), "utf-8")
            np.savez(folder / HEAD, weights=self._head.weights, bias=self._head.bias)
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> SafetyStop:
        """Load what was learnt (Rasa's hook)."""
        with model_storage.read_from(resource) as folder:
            thresholds = safety.Thresholds(**json.loads((folder / THRESHOLDS).read_text("utf-8")))
            with np.load(folder / HEAD, allow_pickle=False) as learnt:
                head = SecondHead(learnt["weights"], learnt["bias"])
        return cls(model_storage, resource, thresholds, head)

    def process(self, messages: list[Message], model: SpacyModel) -> list[Message]:
        """Stop each message that holds a red flag, a personal question or another language."""
        for message in messages:
            tier, language = self.tier(message.get(RAW) or message.get(TEXT) or "", model)
            message.set("safety", {"tier": tier, "language": language}, add_to_output=True)
            if tier is not None:
                message.set(INTENT, {"name": STOPPED, "confidence": 1.0}, add_to_output=True)
        return messages

    def tier(self, text: str, model: SpacyModel) -> tuple[str | None, str]:
        """Return the tier of ``text`` (None: not stopped) and its language's code."""
        tokenizer = model.model.tokenizer
        plain = undisguised(readable(text, MOST_READ), tokenizer.speller)
        language = languages.language_of(plain, tokenizer.speller.knows)
        if language != languages.ENGLISH:
            if foreign := languages.red_flag(plain):
                return foreign, language
            repaired = tokenizer.repaired(plain)
            known = (*safety.patterns(), *safety.certain())
            if not set(safety.RED_FLAGS) & set(safety.matched(repaired, known)):
                return "language", language
            # More slips than English: "i wanna kill myslef".
            plain, language = repaired, languages.ENGLISH
        foreign = languages.red_flag(plain, sure=False)
        if foreign is not None:
            return foreign, language
        if not any(character.isalnum() for character in plain) or safety.plain(plain):
            return None, language
        if self._thresholds is None or self._head is None:
            raise ValueError("the safety stop was not trained: run `make train`")
        read = _readings(plain, model)
        (clues,) = _clues([read], model)
        scores = _scores(clues, self._head)
        certain = {tier for said in (plain, *read) for tier in safety.matched(said, safety.certain())}
        in_order = [tier for tier in safety.RED_FLAGS if tier in certain]
        return safety.decide(scores, self._thresholds, safety.matched(plain), in_order), language


def _readings(text: str, model: SpacyModel) -> list[str]:
    """The readings of ``text``, their spelling repaired."""
    repaired = model.model.tokenizer.repaired
    return [repaired(reading.lower()) or " " for reading in safety.readings(text)]


def _clues(read: list[list[str]], model: SpacyModel, *, calibration: bool = False) -> list[Floats]:
    """What is known of the readings of each text: for each text an array of a row a reading."""
    ends = list(accumulate(map(len, read)))
    together = list(chain.from_iterable(read))
    rows = model.model.get_pipe(COMPONENT).clues(together, calibration=calibration)
    return np.split(rows, ends[:-1])


def _scores(clues: Floats, head: SecondHead) -> list[dict[str, float]]:
    """The scores of each reading."""
    return tiers.probabilities(head.beside(tiers.logits(clues), clues))


def _learnt(known: Iterable[tuple[safety.Labelled, Floats]]) -> SecondHead:
    """The head that whole messages teach; from what is right in several tiers nothing is learnt."""
    whole = [(readings[0], row.tier) for row, readings in known if not row.accepted]
    return second_head.learn(
        np.stack([row for row, _ in whole]), [tier for _, tier in whole], tuned.load().tiers
    )


def _scores_apart(known: Sequence[tuple[safety.Labelled, Floats]]) -> list[list[dict[str, float]]]:
    """The scores of each message's readings by a head that has not learnt from it."""
    fold = second_head.folds([row.tier for row, _ in known])
    heads = [
        _learnt(each for each, of in zip(known, fold, strict=True) if of != number)
        for number in range(second_head.FOLDS)
    ]
    return [_scores(readings, heads[of]) for (_, readings), of in zip(known, fold, strict=True)]
