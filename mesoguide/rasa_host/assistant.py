"""The whole product in one process: a message in, the one reply out."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from pathlib import Path
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import OutputChannel, UserMessage

from mesoguide.cleaning import door_text
from mesoguide.failure import failure_reply
from mesoguide.knowledge import filled, shared_knowledge
from mesoguide.languages import identifier
from mesoguide.messaging.commands import DELETE, meaning
from mesoguide.rasa_host import metrics
from mesoguide.rasa_host.action_endpoints import action_endpoint
from mesoguide.rasa_host.conversations import conversation_store, erase
from mesoguide.rasa_host.speed import InOrder, do_once
from mesoguide.reply import fixed, stop
from mesoguide.safety import RED_FLAGS
from mesoguide.settings import Settings
from mesoguide.types import Memory, whole_reply

logger = logging.getLogger("mesoguide.assistant")


CHANNEL = "mesoguide"
"""Name in the tracker where no channel of Rasa's is in between."""


class ReplyCollector(OutputChannel):
    """Keeps the reply objects that a turn sends."""

    def __init__(self) -> None:
        self.replies: list[dict[str, Any]] = []

    @classmethod
    def name(cls) -> str:
        """Return the channel's name in the tracker."""
        return CHANNEL

    async def send_response(self, recipient_id: str, message: dict[str, Any]) -> None:
        """Take one bot message (Rasa's hook)."""
        reply = whole_reply(message.get("reply"))
        if reply is not None:
            self.replies.append(reply)


def loaded(model: Path, settings: Settings, **stores: Any) -> Agent:
    """Return Rasa's agent with ``model``, our actions, and the ``stores`` given."""
    do_once()
    identifier()  # first: the memory that it needs while it loads is then free for the model
    agent = Agent.load(model_path=str(model), action_endpoint=action_endpoint(settings), **stores)
    agent.processor.graph_runner = InOrder(agent.processor.graph_runner)
    ours = conversation_store(agent.tracker_store)
    if ours is not None:
        # Rasa's wrapper takes a failed read for a new conversation, and drops what it can't write.
        agent.tracker_store = agent.processor.tracker_store = ours
    return agent


class Assistant:
    """Answers messages; each conversation has a name of its own.

    Parameters
    ----------
    agent
        From :func:`loaded`, or the one that Rasa's server has.
    settings
        Of the clinic.
    """

    def __init__(self, agent: Agent, settings: Settings) -> None:
        self._agent, self._settings = agent, settings

    @classmethod
    def load(cls, model: Path, settings: Settings) -> Assistant:
        """Make one with an agent of its own, which keeps conversations in memory."""
        return cls(loaded(model, settings), settings)

    async def reply(
        self,
        text: object,
        conversation: str,
        *,
        message_id: str | None = None,
        channel: str = CHANNEL,
    ) -> dict[str, Any]:
        """Return the reply to ``text`` as the contract's object; never fails, never empty."""
        begun = time.monotonic()
        reply = await self._replied(text, conversation, message_id, channel)
        seconds = time.monotonic() - begun
        metrics.count(channel, reply, seconds)
        about = {"channel": channel, "kind": reply.get("kind"), "tier": reply.get("tier")}
        logger.info(
            "turn", extra={**about, "conversation": conversation, "milliseconds": round(1000 * seconds)}
        )
        return reply

    async def _replied(
        self, text: object, conversation: str, message_id: str | None, channel: str
    ) -> dict[str, Any]:
        collector = ReplyCollector()
        message = UserMessage(
            door_text(text),
            collector,
            sender_id=conversation,
            input_channel=channel,
            message_id=message_id,
        )
        try:
            if meaning(message.text) == DELETE:
                await self.delete(conversation)
                return fixed("deleted", filled(shared_knowledge(), self._settings)).to_dict()
            await self._agent.handle_message(message)
        except Exception as cause:
            logger.error("a turn failed: %s", type(cause).__name__)
        if collector.replies:
            return collector.replies[-1]
        # Where only the store failed, the model still tells a red flag; where it failed too, words and n-grams do.
        return await self.watch(message.text) or failure_reply(message.text, self._settings).to_dict()

    async def conversation(self, messages: list[object]) -> list[dict[str, Any]]:
        """Return the replies to ``messages`` in a fresh session, which is then forgotten."""
        name = uuid.uuid4().hex
        replies = [await self.reply(text, name) for text in messages]
        self.forget(name)
        return replies

    async def understood(self, conversation: str) -> dict[str, Any]:
        """Return what the pipeline made of the last message of ``conversation``; empty without one."""
        tracker = await self._agent.tracker_store.retrieve(conversation)
        message = tracker.latest_message if tracker else None
        return dict(message.parse_data or {}) if message else {}

    async def watch(self, text: object) -> dict[str, Any] | None:
        """Return the card of a red flag in ``text``, None where there is none; nothing is kept of it."""
        said = door_text(text)
        try:
            found = (await self._agent.parse_message(said))["safety"]
        except Exception as cause:
            logger.error("a message could not be read: %s", type(cause).__name__)
            failure = failure_reply(said, self._settings)
            return failure.to_dict() if failure.tier in RED_FLAGS else None
        if found["tier"] not in RED_FLAGS:
            return None
        reply, _ = stop(found["tier"], found["language"], Memory(), shared_knowledge(), self._settings)
        return reply.to_dict()

    async def delete(self, conversation: str) -> int:
        """Delete all that is kept of ``conversation``; return how many rows that were."""
        # A turn that is under way would write its rows back.
        async with self._agent.lock_store.lock(conversation):
            return await asyncio.to_thread(erase, self._agent.tracker_store, conversation)

    def forget(self, conversation: str) -> None:
        """Drop all that is kept of ``conversation``."""
        erase(self._agent.tracker_store, conversation)
