"""The one custom action: questions in, one whole reply out."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import SlotSet
from rasa_sdk.executor import CollectingDispatcher

from mesoguide.knowledge import shared_knowledge
from mesoguide.reply import respond
from mesoguide.settings import Settings, load_settings
from mesoguide.types import Knowledge, Memory, Question

MEMORY = "memory"
"""The slot that holds what the bot told last."""


@lru_cache(maxsize=1)
def content() -> tuple[Knowledge, Settings]:
    """Load knowledge and settings once a process, at the first call."""
    return shared_knowledge(), load_settings()


class ActionReply(Action):
    """Answers what the NLU pipeline read in the last message."""

    def name(self) -> str:
        """Return the name that rules and stories use."""
        return "action_reply"

    async def run(
        self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Send one message: the bubble, its buttons, and the reply contract's object."""
        knowledge, settings = content()
        questions = [Question.from_dict(q) for q in tracker.latest_message.get("questions", ())]
        memory = Memory.from_dict(tracker.get_slot(MEMORY))
        reply, kept = respond(questions, memory, knowledge, settings)
        dispatcher.utter_message(
            text=reply.text,
            buttons=[{"title": text, "payload": text} for text in reply.buttons],
            reply=reply.to_dict(),
        )
        return [SlotSet(MEMORY, kept.to_dict())]
