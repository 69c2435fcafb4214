"""What a visitor's browser sends, read so that nothing in it can do harm."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mesoguide.cleaning import MOST_CHARACTERS

ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
"""Of a message, made by the browser: the same id and text again is a retry and no new message."""
LONGEST_TEXT = 5_000
"""Characters; a longer text is refused, and not cut without a word."""
MOST_BYTES = 65_536
"""Of a request's body; 5,000 characters and their escapes fit in."""
REASONS = ("wrong", "unclear", "not_asked", "other")
"""What a thumb down may say; never free words."""


class Refused(Exception):
    """A request that is not served.

    ``status`` is the HTTP status, ``why`` says what to mend, ``text`` is what the user typed as
    far as it could be read (so that a red flag in it still gets its card).
    """

    def __init__(self, status: int, why: str, text: str = "", wait: int = 0) -> None:
        super().__init__(why)
        self.status, self.why, self.text, self.wait = status, why, text, wait


@dataclass(frozen=True, slots=True)
class Sent:
    """A message: what the user typed, and the name under which a retry finds its reply."""

    id: str
    text: str

    @property
    def name(self) -> str:
        """The id with a hash of the text: the same id with other words is another message."""
        words = self.text.encode("utf-8", "surrogatepass")
        return f"{self.id}.{hashlib.sha256(words).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Thumb:
    """A user's opinion on a reply: up (1) or down (-1), and one of :data:`REASONS`."""

    id: str
    value: int
    reason: str


def read_message(body: bytes) -> Sent:
    """Read the body of ``POST messages``: ``{"id": "...", "text": "..."}``.

    Raises
    ------
    Refused
        It is not that.
    """
    value = _object(body)
    text = value.get("text")
    if not isinstance(text, str):
        raise Refused(400, '"text" must be a text')
    if len(text) > LONGEST_TEXT:
        raise Refused(413, f'"text" has more than {LONGEST_TEXT} characters', text[:MOST_CHARACTERS])
    return Sent(_id(value, text), text)


def words(body: bytes) -> str:
    """Return what a user typed in a body of any kind, for the red flag that may be in it."""
    try:
        text = _object(body).get("text")
    except Refused:
        text = body[:MOST_BYTES].decode("utf-8", "replace")
    return text[:MOST_CHARACTERS] if isinstance(text, str) else ""


def read_thumb(body: bytes) -> Thumb:
    """Read the body of ``POST feedback``: ``{"id": "...", "value": 1, "reason": "..."}``.

    Raises
    ------
    Refused
        It is not that.
    """
    value = _object(body)
    thumb, reason = value.get("value"), value.get("reason", "")
    if type(thumb) is not int or thumb not in (1, -1):
        raise Refused(400, '"value" must be 1 or -1')
    if reason not in ("", *REASONS):
        raise Refused(400, f'"reason" must be one of: {", ".join(REASONS)}')
    return Thumb(_id(value, ""), thumb, reason)


def _id(value: dict[str, Any], text: str) -> str:
    found = value.get("id")
    if not isinstance(found, str) or not ID.fullmatch(found):
        raise Refused(400, '"id" must be 8 to 64 letters, digits, "-" or "_"', text)
    return found


def _object(body: bytes) -> dict[str, Any]:
    if len(body) > MOST_BYTES:
        raise Refused(413, f"the body has more than {MOST_BYTES} bytes")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as cause:
        raise Refused(400, "the body is no JSON") from cause
    if not isinstance(value, dict):
        raise Refused(400, "the body is no JSON object")
    return value


def may_call(origin: str, host: str | None, known: Collection[str]) -> bool:
    """Return whether a page of ``origin`` may call: it is ``known``, or on the server's own ``host``."""
    try:
        return origin in known or (bool(host) and urlsplit(origin).netloc == host)
    except ValueError:
        return False
