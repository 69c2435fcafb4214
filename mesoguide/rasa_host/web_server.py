"""``mesoguide web``: the one Rasa process with its channels, bound to one address.

Rasa's own ``rasa run`` would add a route that tells its version, and a CORS layer that takes
patterns for addresses; this serves the same channels and the same agent without them.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from pathlib import Path
from typing import Any

import rasa.core.channels.channel
from rasa.core.agent import Agent
from rasa.core.channels.channel import InputChannel
from rasa.core.lock_store import LockStore
from rasa.core.tracker_store import TrackerStore
from rasa.core.utils import AvailableEndpoints
from rasa.shared.utils.common import class_from_module_path
from rasa.shared.utils.io import read_config_file
from sanic import Sanic
from sanic.exceptions import SanicException
from sanic.request import Request
from sanic.response import HTTPResponse, json, redirect

from mesoguide.failure import failure_reply
from mesoguide.messaging.channels import switched_on
from mesoguide.rasa_host import logs, metrics
from mesoguide.rasa_host.assistant import loaded
from mesoguide.rasa_host.conversations import conversation_store
from mesoguide.rasa_host.training import ENDPOINTS, Say
from mesoguide.rasa_host.turns import shared_turns
from mesoguide.rasa_host.website import PREFIX, PRIVATE
from mesoguide.settings import ROOT, Settings

logger = logging.getLogger("mesoguide.server")

MOST_REQUEST = 1_000_000
"""Bytes of a request: platforms send batches. The website's own limit is lower."""
REQUEST_SECONDS = 15
"""In which a whole request must have come in."""
RESPONSE_SECONDS = 60
"""In which a request is answered."""
END_SECONDS = 15
"""That a turn under way gets when the process is told to end."""
FIRST = "hello"
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 30.0
"""Seconds between two tries to load. Until then messages get the error text, and red flags their card:
better than a process that ends and leaves them with nothing."""
FORGET_EVERY = 600.0
"""Seconds between two looks for conversations that are too old."""


def serve(model: Path, settings: Settings, say: Say) -> int:
    """Serve until the process is told to end; return its exit code.

    The port is open at once. Until the model is loaded every message gets the error text, or the
    card of a red flag that plain words or n-grams find.

    Raises
    ------
    DataError
        A channel is switched on and its credentials can't be right.
    """
    logs.start(settings.logs)
    switched_on(ROOT / settings.credentials)
    if _taken(settings.website_interface, settings.website_port):
        say(
            f"port {settings.website_port} on {settings.website_interface} is taken. End the program that"
            " has it, or set website_port in settings.yml"
        )
        return 1
    app = make_app(model, settings, say)
    app.run(
        host=settings.website_interface,
        port=settings.website_port,
        access_log=False,
        debug=False,
        motd=False,
    )
    return 0


def make_app(model: Path, settings: Settings, say: Say) -> Sanic:
    """Return the web application; it loads ``model`` after it was started."""
    app = Sanic("mesoguide", configure_logging=False)
    app.config.update(
        REQUEST_MAX_SIZE=MOST_REQUEST,
        REQUEST_TIMEOUT=REQUEST_SECONDS,
        RESPONSE_TIMEOUT=RESPONSE_SECONDS,
        KEEP_ALIVE_TIMEOUT=30,
        GRACEFUL_SHUTDOWN_TIMEOUT=END_SECONDS,
        PROXIES_COUNT=settings.website_proxies or None,
    )
    app.ctx.agent = Agent()
    logging.getLogger("sanic.error").addFilter(_worth_a_line)
    rasa.core.channels.channel.register(_channels(settings), app, route="/webhooks/")
    app.add_route(_to_the_page, "/", methods=["GET"])
    app.add_route(metrics.exposed, "/metrics", methods=["GET"])
    app.error_handler.add(SanicException, _fault(settings))
    app.error_handler.add(Exception, _fault(settings))

    async def start(running: Sanic, _: Any) -> None:
        address = f"http://{settings.website_interface}:{settings.website_port}"
        say(f"open {address}{PREFIX}/ in a browser; Ctrl+C ends")
        running.add_task(_load(running, model, settings, say))

    app.register_listener(start, "after_server_start")
    return app


def _channels(settings: Settings) -> list[InputChannel]:
    """Make the channels in the credentials file; :func:`switched_on` has seen that all are ours.

    Rasa's own function for it imports its server, its test tools and matplotlib.
    """
    written = read_config_file(ROOT / settings.credentials)
    return [class_from_module_path(name).from_credentials(values) for name, values in written.items()]


async def _load(app: Sanic, model: Path, settings: Settings, say: Say) -> None:
    """Load the model beside the running server, then look for what is to be forgotten."""

    async def load() -> Agent:
        endpoints = AvailableEndpoints.read_endpoints(str(ENDPOINTS))
        agent = loaded(
            model,
            settings,
            tracker_store=TrackerStore.create(endpoints.tracker_store),
            lock_store=LockStore.create(endpoints.lock_store),
        )
        await agent.parse_message(FIRST)  # what is made at the first message is made before a patient's
        return agent

    run, pause = shared_turns().run, FIRST_PAUSE
    while not app.ctx.agent.is_ready():
        try:
            app.ctx.agent = await run(load())
        except Exception as cause:
            logger.error("not loaded: %s", type(cause).__name__)
            say(
                f"the model can't be loaded ({type(cause).__name__}); trying again in {pause:.0f} s."
                " Is the database there? If it is, run `make train`"
            )
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
    say("ready")
    while True:
        store = conversation_store(app.ctx.agent.tracker_store)
        if store is not None:
            await _forget(store, settings.keep_hours * 3600)
        post = getattr(app.ctx, "postman", None)
        if post is not None:
            await post.forget(settings.keep_hours * 3600)
        await asyncio.sleep(FORGET_EVERY)


async def _forget(store: Any, seconds: float) -> None:
    try:
        await asyncio.to_thread(store.forget, seconds)
    except Exception as cause:
        logger.error("old conversations could not be deleted: %s", type(cause).__name__)


async def _to_the_page(request: Request) -> HTTPResponse:
    return redirect(f"{PREFIX}/", headers=PRIVATE)


def _worth_a_line(record: logging.LogRecord) -> bool:
    """Keep out what anybody can fill a log with: a traceback for bytes that are no request."""
    record.exc_info = record.exc_text = None
    return "connection_task" not in str(record.msg)


def _fault(settings: Settings) -> Any:
    """What a request gets that no route could take: its status, and the error text."""

    def answer(request: Request, fault: Exception) -> HTTPResponse:
        status = getattr(fault, "status_code", 503)
        if not isinstance(fault, SanicException):
            logger.error("a request failed: %s", type(fault).__name__)
        status = 503 if status == 500 else status
        body = {
            "error": _WHY.get(status, "this request can't be served"),
            "message": {"from": "bot", "reply": failure_reply("", settings).to_dict()},
        }
        return json(body, status=status, headers=PRIVATE)

    return answer


_WHY = {
    400: "this is no request that can be read",
    404: "there is nothing at this address",
    405: "this address takes another method",
    408: "the request did not come in time",
    413: f"the request has more than {MOST_REQUEST} bytes",
    503: "something failed",
}


def _taken(interface: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in interface else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((interface, port))
        except (OSError, UnicodeError):  # the second for a name that can be no host's
            return True
    return False
