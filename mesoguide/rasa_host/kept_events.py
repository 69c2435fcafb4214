"""Events as they are kept, and read back whatever stands in a row.

A row that can't be read is left out: it must end neither the process nor its conversation.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from types import NoneType
from typing import Any

from rasa.shared.core.events import Event
from rasa.shared.core.trackers import DialogueStateTracker

from mesoguide.types import whole_reply

logger = logging.getLogger("mesoguide.conversations")

Turn = tuple[str, str, dict[str, Any] | None]
"""Name of the user's message, what it says, and the reply object (None while there is none)."""

KINDS: dict[str, tuple[type, ...]] = {
    "event": (str,), "timestamp": (float, int, NoneType), "text": (str, NoneType), "name": (str, NoneType),
    "message_id": (str, NoneType), "metadata": (dict, NoneType), "parse_data": (dict, NoneType),
    "data": (dict, NoneType),
}  # fmt: skip
"""What an event's fields are, where it has them: Rasa reads anything into an event, and fails over it later."""

LISTEN = {"event": "action", "name": "action_listen"}


def readable(rows: list[Any]) -> list[dict[str, Any]]:
    """The events in ``rows``, whatever stands in them."""
    return _repaired([read(data) for data in rows])


def _repaired(found: list[dict[str, Any] | None]) -> list[dict[str, Any]]:
    """The events but for those that can't be read (None): one of them must not end the conversation."""
    lost = found.count(None)
    if lost:
        logger.error("rows of a conversation that can't be read: %d", lost)
    kept: list[dict[str, Any]] = []
    for event, after in zip(found, [*found[1:], None], strict=False):
        if event is not None:
            kept.append(event)
        elif after is None or after["event"] == "user":
            kept.append(LISTEN)  # no rule fits a message that was not waited for
    return kept


def whole(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Return the events in ``rows`` that can be read."""
    return [event for event in map(read, rows) if event is not None]


def read(data: Any) -> dict[str, Any] | None:
    """Return the event in a row, None where there is none."""
    try:
        event = json.loads(data)
    except (ValueError, TypeError, RecursionError):
        return None
    if not isinstance(event, dict) or "event" not in event:
        return None
    if not all(isinstance(event[key], kinds) for key, kinds in KINDS.items() if key in event):
        return None
    return event


def tracker(sender: str, found: list[dict[str, Any]], slots: Any) -> DialogueStateTracker:
    """Make a conversation of its events."""
    try:
        return DialogueStateTracker.from_dict(sender, found, slots)
    except Exception:  # Rasa's own, of any kind
        made = _repaired([event if _is_made(event) else None for event in found])
        return DialogueStateTracker.from_dict(sender, made, slots)


def _is_made(event: dict[str, Any]) -> bool:
    try:
        return Event.from_parameters(event) is not None
    except Exception:  # as above
        return False


def last_turns(found: list[dict[str, Any]], *, cut: bool) -> list[dict[str, Any]]:
    """Begin at the last session's start, or, where that was not read, at a turn's start."""
    starts = [place for place, data in enumerate(found) if data["event"] == "session_started"]
    if starts:
        return found[starts[-1] :]
    listens = (place for place, data in enumerate(found) if data.get("name") == "action_listen")
    return found[next(listens, 0) :] if cut else found


def as_kept(event: dict[str, Any]) -> dict[str, Any]:
    """An event as it is kept: of what was understood, only what a later turn or a reader needs."""
    understood = event.get("parse_data")
    if understood is None:
        return event
    return {**event, "parse_data": {"intent": understood.get("intent"), "entities": []}}


def in_turns(events: Iterable[dict[str, Any]]) -> list[Turn]:
    """Return the turns in ``events``, the first one first."""
    turns: list[Turn] = []
    for event in events:
        if event["event"] == "user" and event.get("message_id"):
            turns.append((event["message_id"], event.get("text") or "", None))
        elif event["event"] == "bot" and turns:
            reply = whole_reply((event.get("metadata") or {}).get("reply"))
            turns[-1] = (*turns[-1][:2], reply or turns[-1][2])
    return turns
