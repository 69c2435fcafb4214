"""What the server writes to standard error: warnings as text, or all of it as JSON, a line each.

With the setting ``logs: json`` there is a line for each turn as well: channel, kind, tier, milliseconds,
the conversation's hashed name. No line of either kind holds a word of a user's or a traceback, whose last
line could quote one.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

JSON = "json"
OURS = ("mesoguide", "sanic.error", "asyncio")
"""Loggers whose lines are written; Rasa's own can hold users' words."""


def start(form: str) -> None:
    """Set up logging as ``form`` (``text`` or ``json``) says."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_json() if form == JSON else logging.Formatter("%(asctime)s %(name)s: %(message)s"))
    handler.addFilter(_without_words)
    for name in OURS:
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.INFO if form == JSON else logging.WARNING)


def _json() -> logging.Formatter:
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.JSONRenderer(),
    ]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=render)


def _without_words(record: logging.LogRecord) -> bool:
    if record.name == "asyncio":  # its first line says what happened, the others show values
        record.msg, record.args = record.getMessage().partition("\n")[0], ()
    record.exc_info = record.exc_text = record.stack_info = None
    return True
