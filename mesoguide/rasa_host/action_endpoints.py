"""Where custom actions run: inside this process, or on an action server.

Both are Rasa endpoints that never fail a turn: whatever goes wrong, the user gets a fixed
text, and the log gets the kind of error without a word of the user's. The safety stop's
action runs in this process in any case: its text does not depend on an action server.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from rasa.utils.endpoints import EndpointConfig
from rasa_sdk.executor import ActionExecutor

from mesoguide.failure import failure_reply
from mesoguide.knowledge import shared_knowledge
from mesoguide.rasa_host import metrics
from mesoguide.rasa_host.speed import Checked
from mesoguide.reply import stop
from mesoguide.settings import EMBEDDED, Settings
from mesoguide.types import Memory, Reply

logger = logging.getLogger("mesoguide.actions")

ACTION_SECONDS = 5.0
"""An action that takes longer is given up; it must be shorter than a turn's lock."""
PACKAGE = "actions"
SAFETY_ACTION = "action_safety"


class SafeEndpoint(EndpointConfig):
    """An action server at ``url`` whose failures become a fixed text."""

    def __init__(
        self, url: str, settings: Settings | None = None, *, seconds: float = ACTION_SECONDS
    ) -> None:
        # The actions read nothing of the domain, so it is not sent along with each call.
        super().__init__(url, enable_selective_domain=True)
        self._settings, self._seconds = settings or Settings(), seconds
        self._knowledge = shared_knowledge()

    async def request(self, method: str = "post", **kwargs: Any) -> Any:
        """Run the action that Rasa asks for; return its events and responses."""
        call = kwargs.get("json") or {}
        tracker = call.get("tracker") or {}
        message = tracker.get("latest_message") or {}
        try:
            if call.get("next_action") == SAFETY_ACTION:
                return self._stopped(message["safety"], tracker)
            with metrics.stage("action"):
                return await asyncio.wait_for(self._run(method, kwargs), self._seconds)
        except Exception as cause:  # promise 3: a failure is a fixed sentence
            logger.error("%s failed: %s", call.get("next_action"), type(cause).__name__)
            return _result(failure_reply(message.get("text"), self._settings), None)

    def _stopped(self, found: dict[str, str], tracker: dict[str, Any]) -> dict[str, Any]:
        memory = Memory.from_dict((tracker.get("slots") or {}).get("memory"))
        reply, kept = stop(found["tier"], found["language"], memory, self._knowledge, self._settings)
        return _result(reply, kept)

    async def _run(self, method: str, kwargs: dict[str, Any]) -> Any:
        return await super().request(method, **kwargs)


class EmbeddedActions(SafeEndpoint):
    """Runs the custom actions in this process, through the action server's own executor."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("embedded://actions", settings)
        self._executor = ActionExecutor()
        self._executor.register_package(PACKAGE)

    async def _run(self, method: str, kwargs: dict[str, Any]) -> Any:
        return Checked(await self._executor.run(kwargs["json"]))


def _result(reply: Reply, memory: Memory | None) -> dict[str, Any]:
    """What an action server would answer: one message, and the new memory."""
    events = [] if memory is None else [{"event": "slot", "name": "memory", "value": memory.to_dict()}]
    return Checked(events=events, responses=[{"text": reply.text, "reply": reply.to_dict()}])


def action_endpoint(settings: Settings) -> SafeEndpoint:
    """Return the endpoint that ``settings.action_server`` names."""
    if settings.action_server == EMBEDDED:
        return EmbeddedActions(settings)
    return SafeEndpoint(settings.action_server, settings)
