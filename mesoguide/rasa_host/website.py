"""The website channel: sessions, messages, history, delete, thumbs, health, and the widget itself.

All routes answer with JSON and a status that is true; a request that is refused still carries a
reply, so that a red flag in it gets its card. Turns run in a thread of their own
(:mod:`mesoguide.rasa_host.turns`). What each route takes and gives: docs/website.md.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import ipaddress
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any

from rasa.core.agent import Agent
from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, json, raw

from mesoguide.blocks import blocks
from mesoguide.calls import calls
from mesoguide.failure import failure_reply
from mesoguide.knowledge import filled, shared_knowledge
from mesoguide.rasa_host.assistant import Assistant
from mesoguide.rasa_host.conversations import conversation_store, everything_of, reply_to, turns_of
from mesoguide.rasa_host.locks import ConversationLocks
from mesoguide.rasa_host.turns import shared_turns
from mesoguide.reply import STARTERS
from mesoguide.settings import ROOT, Settings, load_settings
from mesoguide.website.limits import Limit
from mesoguide.website.requests import LONGEST_TEXT, Refused, Sent, may_call, read_message, read_thumb, words
from mesoguide.website.sessions import Sessions, load_secret

logger = logging.getLogger("mesoguide.website")

PREFIX = "/chat"
WIDGET = ROOT / "widget"
TURN_SECONDS = 15.0
"""After which a visitor gets the error text; the turn goes on, and a retry gets its reply."""
MOST_WAITING = 100
"""Turns that may wait at once; more are refused at once, because they would come too late."""
MOST_OF_ONE = 25
"""Of them, those of one network address."""
NETWORK = 64
"""Bits of a long address that one household has."""
SESSIONS_A_MINUTE, CALLS_A_MINUTE = 60, 600
"""Of one network address: a clinic's waiting room may share one."""
VISITORS = 10
"""At one address whose messages count in full."""
HISTORIES_A_MINUTE = 30
"""Of one visitor: a long conversation is more work to read than a message to answer."""
LETTERS_A_CALL = 250
"""A longer message counts as several: understanding it is as much work as several short ones."""
CANARY, CANARY_SECONDS = "does it hurt?", 30.0
"""What the health route asks the model, and how long the result holds."""
FILES = {
    "widget.js": "text/javascript; charset=utf-8",
    "demo.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
PAGES = {"/": "demo.html", "/frame": "frame.html"}
ALWAYS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
PRIVATE = {
    **ALWAYS,
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
Handler = Callable[[Request], Coroutine[Any, Any, HTTPResponse]]


class WebsiteInput(InputChannel):
    """Rasa's input channel for the widget; stands in credentials.yml."""

    def __init__(self, settings: Settings, sessions: Sessions) -> None:
        self.settings, self.sessions, self.turns = settings, sessions, shared_turns()
        self.knowledge = filled(shared_knowledge(), settings)
        self.origins = frozenset(settings.website_origins.replace(",", " ").split())
        self.messages = Limit(settings.website_messages_a_minute, 60)
        self.work = Limit(VISITORS * settings.website_messages_a_minute, 60)
        self.histories = Limit(HISTORIES_A_MINUTE, 60)
        self.new_sessions, self.calls = Limit(SESSIONS_A_MINUTE, 60), Limit(CALLS_A_MINUTE, 60)
        self.running: dict[tuple[str, str], asyncio.Task[dict[str, Any]]] = {}
        self.places: Counter[str] = Counter()
        self.healthy = (0.0, False)

    @classmethod
    def name(cls) -> str:
        """Return the channel's name in the tracker."""
        return "website"

    @classmethod
    def from_credentials(cls, credentials: dict[str, Any] | None) -> WebsiteInput:
        """Make the channel (Rasa's hook); what can be set stands in settings.yml."""
        settings = load_settings()
        return cls(settings, Sessions(load_secret(ROOT / settings.data_folder / "website-secret")))

    def url_prefix(self) -> str:
        """Return the path under which the routes are; absolute, so not below /webhooks."""
        return PREFIX

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """Return the routes (Rasa's hook)."""
        routes = Blueprint("website", __name__)
        for path, methods, handler in (
            ("/session", ["POST"], self.session),
            ("/messages", ["POST"], self.message),
            ("/history", ["GET"], self.history),
            ("/export", ["GET"], self.export),
            ("/conversation", ["DELETE"], self.delete),
            ("/feedback", ["POST"], self.feedback),
            ("/health", ["GET"], self.health),
            ("/ready", ["GET"], self.ready),
            ("/config", ["GET"], self.config),
        ):
            served = self._served(handler)
            routes.add_route(served, path, methods=[*methods, "OPTIONS"], name=handler.__name__)
        for name, kind in FILES.items():
            routes.add_route(_file(WIDGET / name, kind), f"/{name}", methods=["GET"], name=name.split(".")[0])
        for path, name in PAGES.items():
            page = _page(WIDGET / name, self.origins)
            routes.add_route(page, path, methods=["GET"], name=f"page_{name.split('.')[0]}")
        return routes

    # -- what every route does

    def _served(self, handler: Handler) -> Handler:
        """Wrap a route: who may call, how often, and an answer whatever happens."""

        @wraps(handler)
        async def served(request: Request) -> HTTPResponse:
            origin = request.headers.get("origin", "")
            try:
                if origin and not self._may_call(origin, request):
                    raise Refused(403, "this website is not in website_origins (settings.yml)")  # noqa: TRY301
                if request.method == "OPTIONS":
                    response = HTTPResponse(status=204, headers=PRIVATE)
                else:
                    wait = self.calls.wait(_address(request))
                    if wait:
                        raise Refused(429, "too many requests", wait=wait)  # noqa: TRY301
                    response = await handler(request)
            except Refused as refusal:
                refusal.text = refusal.text or words(request.body)
                response = self._refused(refusal)
            except Exception as cause:
                logger.error("a request failed: %s", type(cause).__name__)
                response = self._refused(Refused(503, "something failed", words(request.body)))
            if origin:
                response.headers.update(self._shared_with(origin, request))
            return response

        return served

    def _may_call(self, origin: str, request: Request) -> bool:
        return may_call(origin, request.headers.get("host"), self.origins)

    def _shared_with(self, origin: str, request: Request) -> dict[str, str]:
        if not self._may_call(origin, request):
            return {"Vary": "Origin"}
        return {
            "Vary": "Origin",
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "GET, POST, DELETE",
            "Access-Control-Allow-Headers": "authorization, content-type",
            "Access-Control-Max-Age": "600",
        }

    def _refused(self, refusal: Refused) -> HTTPResponse:
        reply = failure_reply(refusal.text, self.settings).to_dict()
        headers = {**PRIVATE, **({"Retry-After": str(refusal.wait)} if refusal.wait else {})}
        body = {"error": refusal.why, "message": self._shown("", reply)}
        return json(body, status=refusal.status, headers=headers)

    def _shown(self, name: str, reply: dict[str, Any]) -> dict[str, Any]:
        """A reply as the widget gets it: the contract's object, its lines, numbers to call."""
        return {
            "id": name,
            "from": "bot",
            "reply": reply,
            "blocks": blocks(reply, self.knowledge),
            "calls": calls(reply["notices"], self.settings),
        }

    def _sender(self, request: Request, text: str = "") -> str:
        sender = self.sessions.sender(request.token)
        if sender is None:
            raise Refused(401, "no session: call POST session first", text)
        return sender

    def _agent(self, request: Request, text: str = "") -> Agent:
        agent = getattr(request.app.ctx, "agent", None)
        if agent is None or not agent.is_ready():
            raise Refused(503, "the model is not loaded", text, wait=5)
        return agent

    # -- the routes

    async def session(self, request: Request) -> HTTPResponse:
        """Issue a token."""
        wait = self.new_sessions.wait(_address(request))
        if wait:
            raise Refused(429, "too many sessions", wait=wait)
        return json({"token": self.sessions.issue()}, headers=PRIVATE)

    async def message(self, request: Request) -> HTTPResponse:
        """Answer a message; the same id and text again gets the same reply without a second turn."""
        sent = read_message(request.body)
        sender = self._sender(request, sent.text)
        agent = self._agent(request, sent.text)
        key = (sender, sent.name)
        task = self.running.get(key)
        if task is None:
            task = self._begun(agent, sender, sent, _address(request))
        try:
            reply = await asyncio.wait_for(asyncio.shield(task), TURN_SECONDS)
        except asyncio.TimeoutError as cause:
            raise Refused(503, "the turn takes too long", sent.text, wait=5) from cause
        except Exception as cause:  # the store or a lock failed: a red flag still gets its card
            raise Refused(503, "something failed", sent.text, wait=5) from cause
        return json(self._shown(sent.id, reply), headers=PRIVATE)

    def _begun(self, agent: Agent, sender: str, sent: Sent, address: str) -> asyncio.Task[dict[str, Any]]:
        """Begin a turn, if the visitor and the address have not begun too many."""
        cost = 1 + len(sent.text) // LETTERS_A_CALL
        wait = self.messages.wait(sender, cost) or self.work.wait(address, cost)
        if wait:
            raise Refused(429, "too many messages", sent.text, wait=wait)
        if len(self.running) >= MOST_WAITING or self.places[address] >= MOST_OF_ONE:
            raise Refused(503, "too many visitors at once", sent.text, wait=5)
        key = (sender, sent.name)
        task = asyncio.ensure_future(self.turns.run(self._turn(agent, sender, sent)))
        self.running[key] = task
        self.places[address] += 1

        def ended(done: asyncio.Task[dict[str, Any]]) -> None:
            self.running.pop(key, None)
            self.places[address] -= 1
            self.places += Counter()  # keeps those that have any
            # Nobody may wait for it any more; what it raised must not be printed with a user's words.
            if not done.cancelled() and done.exception() is not None:
                logger.error("a turn failed: %s", type(done.exception()).__name__)

        task.add_done_callback(ended)
        return task

    async def _turn(self, agent: Agent, sender: str, sent: Sent) -> dict[str, Any]:
        assistant = Assistant(agent, self.settings)
        try:
            # The message's own lock: a retry may come to another process while the first one answers.
            async with agent.lock_store.lock(f"{sender}.{sent.name}"):
                earlier = await reply_to(agent.tracker_store, sender, sent.name)
                if earlier is not None:
                    return earlier
                return await assistant.reply(sent.text, sender, message_id=sent.name, channel=self.name())
        except Exception:
            card = await assistant.watch(sent.text)  # needs neither store nor lock
            if card is None:
                raise
            return card

    async def history(self, request: Request) -> HTTPResponse:
        """Return the conversation so far."""
        sender, agent = self._reader(request)
        shown: list[dict[str, Any]] = []
        for name, text, reply in await self.turns.run(turns_of(agent.tracker_store, sender)):
            mark = name.split(".")[0]
            shown.append({"id": mark, "from": "user", "text": text})
            if reply is not None:
                shown.append(self._shown(mark, reply))
        return json({"messages": shown}, headers=PRIVATE)

    async def export(self, request: Request) -> HTTPResponse:
        """Return all that is kept of the conversation, as it is kept."""
        sender, agent = self._reader(request)
        return json(await self.turns.run(everything_of(agent.tracker_store, sender)), headers=PRIVATE)

    def _reader(self, request: Request) -> tuple[str, Agent]:
        """Who reads a whole conversation; they may not do it as often as they may ask something."""
        sender = self._sender(request)
        wait = self.histories.wait(sender)
        if wait:
            raise Refused(429, "too many requests", wait=wait)
        return sender, self._agent(request)

    async def delete(self, request: Request) -> HTTPResponse:
        """Delete all that is kept of the conversation, and say how many rows that were."""
        sender = self._sender(request)
        assistant = Assistant(self._agent(request), self.settings)
        rows = await self.turns.run(assistant.delete(sender))
        return json({"deleted": True, "rows": rows}, headers=PRIVATE)

    async def feedback(self, request: Request) -> HTTPResponse:
        """Keep a thumb; no words of the user are part of it."""
        thumb = read_thumb(request.body)
        sender = self._sender(request)
        store = conversation_store(self._agent(request).tracker_store)

        async def kept() -> bool:
            if store is not None:
                await asyncio.to_thread(store.rate, sender, thumb.id, thumb.value, thumb.reason)
            return store is not None

        return json({"kept": await self.turns.run(kept())}, headers=PRIVATE)

    async def health(self, request: Request) -> HTTPResponse:
        """Say whether a message would be answered now: 200, or 503 with the reason."""
        agent = getattr(request.app.ctx, "agent", None)
        if agent is None or not agent.is_ready():
            return json({"status": "no model", **_channels(request)}, status=503, headers=PRIVATE)
        asked, well = self.healthy
        if time.monotonic() - asked > CANARY_SECONDS:
            well = await self._understands(agent)
            self.healthy = (time.monotonic(), well)
        report = {"status": "ok" if well else "failing", **_channels(request)}
        return json(report, status=200 if well else 503, headers=PRIVATE)

    async def ready(self, request: Request) -> HTTPResponse:
        """Say whether this process should get messages: 503 while the model, store or lock server is away."""
        agent = getattr(request.app.ctx, "agent", None)
        found = {"model": False}
        if agent is not None and agent.is_ready():
            found["model"] = True
            store, locks = conversation_store(agent.tracker_store), agent.lock_store
            found["store"] = store is None or await asyncio.to_thread(store.alive)
            if isinstance(locks, ConversationLocks):
                found["locks"] = await self.turns.run(locks.alive())
        return json(found, status=200 if all(found.values()) else 503, headers=PRIVATE)

    async def _understands(self, agent: Agent) -> bool:
        try:
            found = await asyncio.wait_for(self.turns.run(agent.parse_message(CANARY)), TURN_SECONDS)
        except Exception as cause:
            logger.error("the canary failed: %s", type(cause).__name__)
            return False
        return found["intent"]["name"] in self.knowledge.topics

    async def config(self, request: Request) -> HTTPResponse:
        """Return what the widget shows before anything is asked."""
        texts = self.knowledge.notices
        documents = {
            document.id: {
                "name": document.name,
                "title": document.title,
                "publisher": document.publisher,
                "kind": document.publisher_kind,
                "read": document.read.isoformat(),
            }
            for document in self.knowledge.documents.values()
        }
        return json(
            {
                "greeting": texts["greeting"],
                "notice": texts["disclaimer_short"],
                "privacy": texts["privacy"],
                "error": self._shown("", failure_reply("", self.settings).to_dict()),
                "starters": list(STARTERS),
                "documents": documents,
                "longest": LONGEST_TEXT,
            },
            headers={**PRIVATE, "Cache-Control": "public, max-age=60"},
        )


def _channels(request: Request) -> dict[str, Any]:
    """How sending goes on the messaging platforms that are switched on; nothing where none is."""
    post = getattr(request.app.ctx, "postman", None)
    return {"channels": {name: each.to_dict() for name, each in post.health.items()}} if post else {}


def _address(request: Request) -> str:
    """Who calls: behind a proxy (website_proxies in settings.yml), the visitor and not the proxy.

    Of a long address (IPv6) its network: a household has as many addresses as it likes.
    """
    written = str(request.remote_addr or request.ip)
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        return written
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, NETWORK), strict=False))
    return str(address)


def _file(path: Path, kind: str) -> Handler:
    """A route for a file that is read and packed once, at the start."""
    plain = path.read_bytes()
    packed, mark = gzip.compress(plain, 9, mtime=0), f'"{hashlib.sha256(plain).hexdigest()[:20]}"'
    headers = {
        **ALWAYS,
        "ETag": mark,
        "Cache-Control": "public, max-age=300",
        "Vary": "Accept-Encoding",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }

    async def serve(request: Request) -> HTTPResponse:
        if request.headers.get("if-none-match") == mark:
            return HTTPResponse(status=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return raw(packed, headers={**headers, "Content-Encoding": "gzip"}, content_type=kind)
        return raw(plain, headers=headers, content_type=kind)

    return serve


def _page(path: Path, origins: frozenset[str]) -> Handler:
    """A route for a page of ours, with the strictest policy that there is."""
    page = path.read_bytes()
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'; "
        f"frame-ancestors 'self' {' '.join(sorted(origins))}"
    )
    headers = {**ALWAYS, "Content-Security-Policy": policy.strip(), "Cache-Control": "no-cache"}

    async def serve(request: Request) -> HTTPResponse:
        return raw(page, headers=headers, content_type="text/html; charset=utf-8")

    return serve
