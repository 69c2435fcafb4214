"""What a user gets when anything failed: a red flag's card all the same, or the error text.

This needs no model, no action server and no database: plain-word patterns and fixed texts.
"""

from __future__ import annotations

from mesoguide.cleaning import MOST_READ, readable
from mesoguide.knowledge import filled, shared_knowledge
from mesoguide.languages import ENGLISH, red_flag
from mesoguide.reply import error_reply, stop
from mesoguide.safety import RED_FLAGS, matched
from mesoguide.settings import Settings
from mesoguide.types import Memory, Reply


def failure_reply(text: object, settings: Settings) -> Reply:
    """Return the reply to ``text`` when the product could not answer it."""
    knowledge = shared_knowledge()
    said = readable(text, MOST_READ) if isinstance(text, str) else ""
    tiers = matched(said)
    tier = tiers[0] if tiers and tiers[0] in RED_FLAGS else red_flag(said, sure=False)
    if tier is not None:
        reply, _ = stop(tier, ENGLISH, Memory(), knowledge, settings)
        return reply
    return error_reply(filled(knowledge, settings))
