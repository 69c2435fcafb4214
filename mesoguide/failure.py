"""What a user gets when anything failed: a red flag's card all the same, or the error text.

This needs no model, no action server and no database: plain-word patterns, what words and letters alone tell
(:mod:`en_mesoguide.ngrams`, if the language package can be read), and fixed texts.
"""

from __future__ import annotations

import logging

from mesoguide import safety
from mesoguide.cleaning import MOST_READ, readable
from mesoguide.disguises import undisguised
from mesoguide.knowledge import filled, shared_knowledge
from mesoguide.languages import ENGLISH, red_flag
from mesoguide.reply import error_reply, stop
from mesoguide.safety import NEVER, RED_FLAGS, Thresholds, certain, matched, patterns
from mesoguide.settings import Settings
from mesoguide.types import Memory, Reply

logger = logging.getLogger("mesoguide.failure")

GUESSED = Thresholds(red_flag=0.4, deferral=NEVER, anything=NEVER, mention=NEVER, self_harm=NEVER)
"""When n-grams alone tell of a red flag; the other reply would be the error text, so that a needless card costs little."""
MOST_GUESSED = 100
"""Readings of a message that are guessed of; each takes a fifth of a millisecond."""


def failure_reply(text: object, settings: Settings, *, guess: bool = True) -> Reply:
    """Return the reply to ``text`` when the product could not answer it.

    Parameters
    ----------
    guess
        Whether n-grams are asked too; not where the model will still be asked, because they are often wrong.
    """
    knowledge = shared_knowledge()
    said = undisguised(readable(text, MOST_READ)) if isinstance(text, str) else ""
    tiers = matched(said, (*patterns(), *certain()))
    tier = tiers[0] if tiers and tiers[0] in RED_FLAGS else red_flag(said, sure=False)
    if tier is None and guess:
        tier = _guessed(said)
    if tier is not None:
        reply, _ = stop(tier, ENGLISH, Memory(), knowledge, settings)
        return reply
    return error_reply(filled(knowledge, settings))


def _guessed(said: str) -> str | None:
    """What words and letters alone make of ``said``: the tier of a red flag, or None."""
    try:
        from en_mesoguide import ngrams

        said = safety.without_denied(said)  # n-grams don't know what "no" is about
        if not any(character.isalnum() for character in said) or safety.plain(said):
            return None
        # They are easily drowned by what stands around, so that every part is read.
        whole, *rest = [*safety.readings(said), *safety.parts_of(said)]
        texts = [whole.lower(), *dict.fromkeys(text.lower() for text in rest)]
        return safety.decide(ngrams.load().probabilities(texts[:MOST_GUESSED]), GUESSED)
    except Exception as cause:  # plain words have been looked for, and the error text is still to be sent
        logger.error("the n-grams could not be read: %s", type(cause).__name__)
        return None
