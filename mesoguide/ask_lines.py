"""A line of ``mesoguide ask --jsonl``: one conversation."""

from __future__ import annotations

import json
import math
from typing import Any


def read_conversation(line: bytes) -> tuple[Any, list[str]]:
    """Return the conversation's id and what the user says in it, message by message.

    Raises
    ------
    ValueError
        It is no conversation; ``args`` are the reason, and the id if it can be told.
    """
    try:
        conversation = json.loads(line, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise ValueError("this is no JSON object", None) from None
    if not isinstance(conversation, dict):
        raise ValueError("this is no JSON object", None)  # noqa: TRY004
    name, messages = conversation.get("id"), conversation.get("messages")
    if not isinstance(name, (str, int, float, type(None))) or name in (math.inf, -math.inf):
        raise ValueError('"id" must be a text or a number', None)
    if not isinstance(messages, list) or not all(isinstance(text, str) for text in messages):
        raise ValueError('"messages" must be a list of texts', name)
    return name, messages


def _refused(constant: str) -> None:
    """Refuse NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(constant)
