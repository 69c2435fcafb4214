"""The channels of the messaging platforms: verify, keep, acknowledge; the postman does the rest.

Each is switched on by its lines in credentials.yml: docs/channels.md.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ClassVar

from rasa.core.channels.channel import InputChannel, UserMessage
from rasa.core.tracker_store import TrackerStore
from rasa.core.utils import AvailableEndpoints
from sanic import Blueprint, Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, json

from mesoguide.errors import DataError, Problem
from mesoguide.messaging import channels
from mesoguide.messaging.credentials import as_lines, problems
from mesoguide.messaging.messages import Platform, Received
from mesoguide.messaging.messenger import Messenger
from mesoguide.messaging.slack import Slack
from mesoguide.messaging.telegram import Telegram
from mesoguide.messaging.twilio import Twilio
from mesoguide.rasa_host.conversations import ConversationStore, conversation_store
from mesoguide.rasa_host.inbox import Inbox
from mesoguide.rasa_host.postman import Postman
from mesoguide.rasa_host.turns import shared_turns
from mesoguide.settings import ROOT, load_settings
from mesoguide.types import Place
from mesoguide.website.sessions import Sessions, load_secret

logger = logging.getLogger("mesoguide.messaging")

ENDPOINTS = ROOT / "endpoints.yml"
PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
Handler = Callable[[Request], Coroutine[Any, Any, HTTPResponse]]


class MessagingInput(InputChannel):
    """What the four channels share; Rasa's input channel for one platform."""

    platform_class: ClassVar[Any]

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    @classmethod
    def name(cls) -> str:
        """Return the channel's name in the tracker and in its address."""
        return str(cls.platform_class.name)

    @classmethod
    def from_credentials(cls, lines: dict[str, Any] | None) -> MessagingInput:
        """Make the channel from its lines (Rasa's hook); Rasa has put the environment into them.

        Raises
        ------
        DataError
            A line is missing or can't be right.
        """
        file = load_settings().credentials
        door = f"{channels.MODULE}.{cls.__name__}"
        written = as_lines({door: as_lines(lines, file) if isinstance(lines, dict) else lines}, file)
        wrong = [p for p in problems(written, door, cls.platform_class.rules) if not p.warning]
        if wrong:
            raise DataError(wrong)
        return cls(channels.made(cls.platform_class, lines or {}))

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Return the routes (Rasa's hook): the webhook, and the health report."""
        routes = Blueprint(self.name(), __name__)

        async def webhook(request: Request) -> HTTPResponse:
            return await self._webhook(request)

        async def health(request: Request) -> HTTPResponse:
            return await self._health(request)

        routes.add_route(webhook, "/webhook", methods=["GET", "POST"])
        routes.add_route(health, "/", methods=["GET"])

        async def start(app: Sanic, _: Any) -> None:
            post = postman(app)
            post.serve(self.platform)
            await post.start()

        async def stop(app: Sanic, _: Any) -> None:
            await postman(app).stop()

        routes.listener("after_server_start")(start)
        routes.listener("before_server_stop")(stop)
        return routes

    async def _webhook(self, request: Request) -> HTTPResponse:
        received = Received(
            url=request.url, headers={**{k.lower(): v for k, v in request.headers.items()}}, body=request.body
        )
        if not self.platform.verified(received):
            return json({"error": "this request is not signed as it must be"}, status=403, headers=PRIVATE)
        try:
            answer, messages = self.platform.acknowledge(received), self.platform.read(received)
        except ValueError:
            return json({"error": "this request can't be read"}, status=400, headers=PRIVATE)
        # A client that hangs up must not stop what was begun.
        try:
            await asyncio.shield(postman(request.app).take_in(self.name(), messages))
        except OverflowError:
            return json({"error": "too much at once"}, status=503, headers={**PRIVATE, "Retry-After": "5"})
        return HTTPResponse(answer.body, answer.status, PRIVATE, answer.content_type)

    async def _health(self, request: Request) -> HTTPResponse:
        report = postman(request.app).health[self.name()].to_dict()
        return json(report, status=200 if report["status"] == "ok" else 503, headers=PRIVATE)


class TelegramInput(MessagingInput):
    """Telegram."""

    platform_class = Telegram


class SlackInput(MessagingInput):
    """Slack."""

    platform_class = Slack


class TwilioInput(MessagingInput):
    """WhatsApp and SMS through Twilio."""

    platform_class = Twilio


class MessengerInput(MessagingInput):
    """Facebook's Messenger."""

    platform_class = Messenger


def postman(app: Sanic) -> Postman:
    """Return the one postman of ``app``, made at the first call."""
    found: Postman | None = getattr(app.ctx, "postman", None)
    if found is None:
        settings = load_settings()
        secret = load_secret(ROOT / settings.data_folder / "website-secret")
        found = Postman(
            settings, shared_turns(), Sessions(secret), _inbox, lambda: getattr(app.ctx, "agent", None)
        )
        app.ctx.postman = found
    return found


def _inbox() -> Inbox:
    """Open the inbox in the database of the conversations."""
    store = TrackerStore.create(AvailableEndpoints.read_endpoints(str(ENDPOINTS)).tracker_store)
    found: ConversationStore | None = conversation_store(store)
    if found is None:
        place = Place(ENDPOINTS.name, 1)
        mend = "Write the ConversationStore there, as it is shipped"
        raise DataError([Problem(place, "messaging channels need a store that keeps their messages", mend)])
    return Inbox(found)
