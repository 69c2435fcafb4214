"""Meta's Messenger Platform: https://developers.facebook.com/docs/messenger-platform."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qs

from mesoguide.messaging.credentials import Rule
from mesoguide.messaging.fitting import laid_out, plain
from mesoguide.messaging.messages import (
    Acknowledgement,
    Call,
    Incoming,
    Lines,
    Outcome,
    Received,
    answer,
    items,
    look,
    read_object,
    same,
    seconds,
    word,
)

MOST = 2000
"""Characters of a message."""
MOST_BUTTONS, LONGEST_BUTTON = 13, 20
"""Of quick replies; a longer title would be cut."""
AGAIN = frozenset({1, 2, 4, 17, 32, 341, 368, 613, 1200, 80006})
"""Meta's codes for errors that pass and for limits of rate."""
THEIRS = frozenset({10, 200, 551})
"""Codes of one user: not reachable, wrote too long ago, or talks to another app."""


@dataclass(frozen=True, slots=True)
class Messenger:
    """A page: its app's ``secret``, the page's ``token``, and the word Meta ``verify``-s the webhook with."""

    verify: str = field(repr=False)
    secret: str = field(repr=False)
    token: str = field(repr=False)
    api: str = "https://graph.facebook.com/v25.0"

    name: ClassVar[str] = "messenger"
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "verify",
            "verify",
            r"\S{8,100}",
            "8 letters or more, made up by you, also typed in at Meta",
            secret=True,
        ),
        Rule("secret", "secret", r"[0-9a-f]{32}", "the app's secret, 32 letters and digits", secret=True),
        Rule(
            "page-access-token",
            "token",
            r"[A-Za-z0-9]{20,}",
            "the page's access token from Meta's page",
            secret=True,
        ),
    )

    def verified(self, request: Received) -> bool:
        """Return whether Meta signed the body (SHA-256 only), or knows the word where it asks for it."""
        if "hub.mode=" in request.url:
            return same(self.verify, _query(request, "hub.verify_token"))
        mark = hmac.new(self.secret.encode(), request.body, hashlib.sha256).hexdigest()
        return same(f"sha256={mark}", request.header("x-hub-signature-256"))

    def acknowledge(self, request: Received) -> Acknowledgement:
        """Return the challenge where Meta asks for it."""
        if "hub.mode=" in request.url:
            challenge = _query(request, "hub.challenge")
            return Acknowledgement(body=challenge if challenge.isascii() else "")
        return Acknowledgement(body="EVENT_RECEIVED")

    def read(self, request: Received) -> list[Incoming]:
        """Return all messages of a batch."""
        if "hub.mode=" in request.url:
            return []
        value = read_object(request.body)
        if word(value, "object") != "page":
            return []
        events = [event for entry in items(value, "entry") for event in items(entry, "messaging")]
        return [message for event in events for message in self._event(event)]

    def _event(self, event: Any) -> list[Incoming]:
        sender = word(event, "sender", "id")
        address = {"recipient": sender}
        message, pressed = look(event, "message"), look(event, "postback")
        if not sender or look(message, "is_echo") is True:
            return []
        if isinstance(pressed, dict):
            key = word(pressed, "mid") or f"{sender} {word(event, 'timestamp')}"
            return [Incoming(key, sender, address, word(pressed, "payload") or word(pressed, "title"))]
        if isinstance(look(event, "message_edit"), dict):
            key = f"{word(event, 'message_edit', 'mid')} {word(event, 'message_edit', 'num_edit')}"
            return [Incoming(key, sender, address, word(event, "message_edit", "text"), "watch")]
        key = word(message, "mid")
        if not key or look(message, "is_deleted") is True:
            return []
        return [Incoming(key, sender, address, word(message, "text"))]

    def write(self, lines: Lines, buttons: Sequence[str], address: Mapping[str, str]) -> list[Call]:
        """Return the calls that send it: text, and quick replies as far as their titles fit."""
        laid = laid_out(lines, buttons, MOST, MOST_BUTTONS, LONGEST_BUTTON)
        return [self._call(page, shown, address) for page, shown in laid]

    def _call(self, page: Lines, buttons: Sequence[str], address: Mapping[str, str]) -> Call:
        message: dict[str, Any] = {"text": plain(page)}
        if buttons:
            message["quick_replies"] = [
                {"content_type": "text", "title": text, "payload": text} for text in buttons
            ]
        body = {
            "recipient": {"id": address["recipient"]},
            "messaging_type": "RESPONSE",
            "message": message,
        }
        return Call(f"{self.api}/me/messages", body, {"Authorization": f"Bearer {self.token}"})

    def outcome(self, status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Read the status, Meta's error code and whether it says that the error passes."""
        said = answer(body)
        error = look(said, "error")
        if status == 200 and error is None:
            return Outcome(sent=True)
        code = look(error, "code")
        code = code if isinstance(code, int) and 0 < code < 10**9 else status
        passes = look(error, "is_transient") is True or code in AGAIN
        return Outcome(
            sent=False,
            again=status == 429 or status >= 500 or passes,
            wait=seconds(headers.get("retry-after", "")),
            reason=f"messenger {code}",
            theirs=code in THEIRS,
        )

    def registration(self, address: str) -> list[Call]:
        """Return the call that gives the page its Get Started button and its menu."""
        menu = [
            {"type": "postback", "title": "What can you do?", "payload": "/help"},
            {"type": "postback", "title": "Delete this chat", "payload": "/delete"},
        ]
        body = {
            "get_started": {"payload": "/start"},
            "persistent_menu": [
                {"locale": "default", "composer_input_disabled": False, "call_to_actions": menu}
            ],
        }
        url = f"{self.api}/me/messenger_profile"
        return [Call(url, body, {"Authorization": f"Bearer {self.token}"})]


def _query(request: Received, name: str) -> str:
    found = parse_qs(request.url.partition("?")[2], keep_blank_values=True)
    return found.get(name, [""])[0]
