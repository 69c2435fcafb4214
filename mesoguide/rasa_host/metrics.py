"""What the server counts, for Prometheus: how many, how long, how it went. No words, no names of users.

``GET /metrics`` gives it to whoever has the token in the environment variable
``MESOGUIDE_METRICS_TOKEN``; without that variable there is nothing at this address.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from sanic.exceptions import NotFound
from sanic.request import Request
from sanic.response import HTTPResponse, raw

from mesoguide.messaging.messages import same

TOKEN = "MESOGUIDE_METRICS_TOKEN"  # noqa: S105 - the variable's name
REGISTRY = CollectorRegistry()
TURNS = Counter("mesoguide_turns", "Messages answered.", ["channel", "kind"], registry=REGISTRY)
CARDS = Counter("mesoguide_cards", "Fixed texts of the safety stop.", ["tier"], registry=REGISTRY)
SECONDS = Histogram(
    "mesoguide_turn_seconds", "Time of a turn, in seconds.", ["channel"], registry=REGISTRY,
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
)  # fmt: skip
STAGES = Histogram(
    "mesoguide_stage_seconds", "Time of a part of a turn, in seconds.", ["stage"], registry=REGISTRY,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 10),
)  # fmt: skip
STORE_ERRORS = Counter("mesoguide_store_errors", "Failed calls of the database.", registry=REGISTRY)
SENDS = Counter(
    "mesoguide_sends", "Messages handed to messaging platforms.", ["platform", "outcome"], registry=REGISTRY
)


def count(channel: str, reply: dict[str, Any], seconds: float) -> None:
    """Count a turn that took ``seconds``."""
    TURNS.labels(channel, str(reply.get("kind"))).inc()
    if reply.get("tier") is not None:
        CARDS.labels(str(reply["tier"])).inc()
    SECONDS.labels(channel).observe(seconds)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Count the block as a part of a turn: read, understand, decide, action or write."""
    begun = time.monotonic()
    try:
        yield
    finally:
        STAGES.labels(name).observe(time.monotonic() - begun)


async def exposed(request: Request) -> HTTPResponse:
    """Return all of it as Prometheus reads it."""
    token = os.environ.get(TOKEN, "")
    if not same(token, request.token or ""):
        raise NotFound("there is nothing here")
    return raw(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)
