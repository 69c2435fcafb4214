"""Where custom actions run: inside this process, or on an action server.

Both are Rasa endpoints that never fail a turn: whatever goes wrong, the user gets the
fixed error text, and the log gets the kind of error without a word of the user's.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from rasa.utils.endpoints import EndpointConfig
from rasa_sdk.executor import ActionExecutor

from mesoguide.knowledge import load_knowledge
from mesoguide.reply import error_reply
from mesoguide.settings import EMBEDDED, Settings

logger = logging.getLogger("mesoguide.actions")

ACTION_SECONDS = 5.0
"""An action that takes longer is given up; it must be shorter than a turn's lock."""
PACKAGE = "actions"


class SafeEndpoint(EndpointConfig):
    """An endpoint whose failures become the error text."""

    def __init__(self, url: str, *, seconds: float = ACTION_SECONDS) -> None:
        # The actions read nothing of the domain, so it is not sent along with each call.
        super().__init__(url, enable_selective_domain=True)
        self._seconds = seconds
        reply = error_reply(load_knowledge())
        self._failed = {"text": reply.text, "reply": reply.to_dict()}

    async def request(self, method: str = "post", **kwargs: Any) -> Any:
        """Run the action that Rasa asks for; return its events and responses."""
        call = kwargs.get("json") or {}
        try:
            return await asyncio.wait_for(self._run(method, kwargs), self._seconds)
        except Exception as cause:
            logger.error("%s failed: %s", call.get("next_action"), type(cause).__name__)
            return {"events": [], "responses": [dict(self._failed)]}

    async def _run(self, method: str, kwargs: dict[str, Any]) -> Any:
        return await super().request(method, **kwargs)


class EmbeddedActions(SafeEndpoint):
    """Runs the custom actions in this process, through the action server's own executor."""

    def __init__(self) -> None:
        super().__init__("embedded://actions")
        self._executor = ActionExecutor()
        self._executor.register_package(PACKAGE)

    async def _run(self, method: str, kwargs: dict[str, Any]) -> Any:
        return await self._executor.run(kwargs["json"])


def action_endpoint(settings: Settings) -> SafeEndpoint:
    """Return the endpoint that ``settings.action_server`` names."""
    if settings.action_server == EMBEDDED:
        return EmbeddedActions()
    return SafeEndpoint(settings.action_server)
