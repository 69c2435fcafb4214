"""Slack's Events API, Block Kit buttons and slash commands: https://docs.slack.dev."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qs

from slack_sdk.signature import SignatureVerifier

from mesoguide.messaging.credentials import Rule
from mesoguide.messaging.fitting import laid_out, plain
from mesoguide.messaging.messages import (
    Acknowledgement,
    Call,
    Incoming,
    Lines,
    Manner,
    Outcome,
    Received,
    answer,
    items,
    look,
    read_object,
    seconds,
    word,
)

MOST = 3000
"""Characters of a message: those of one block of text."""
MOST_BUTTONS, LONGEST_BUTTON = 5, 75
USERS_SUBTYPES = ("", "file_share", "me_message", "thread_broadcast")
"""Of a message event: what a person said. All others are Slack's own or another app's."""
TOKEN = re.compile(r"<([^<>]*)>")
STYLES = {"heading": "bold", "differ": "bold", "sources": "italic", "notice": "italic"}
AGAIN = frozenset({
    "ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout",
    "team_added_to_org",
})  # fmt: skip
"""Errors of Slack's that pass."""
THEIRS = frozenset({
    "channel_not_found", "not_in_channel", "is_archived", "user_not_found", "messages_tab_disabled",
    "restricted_action", "restricted_action_read_only_channel", "restricted_action_thread_only_channel",
})  # fmt: skip
"""Errors of one conversation."""


@dataclass(frozen=True, slots=True)
class Slack:
    """An app: its bot ``token`` and its ``signing_secret``."""

    token: str = field(repr=False)
    signing_secret: str = field(repr=False)
    api: str = "https://slack.com/api"

    name: ClassVar[str] = "slack"
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "slack_token",
            "token",
            r"xoxb-[A-Za-z0-9-]{20,}",
            "the app's bot token; it starts with xoxb-",
            secret=True,
        ),
        Rule(
            "slack_signing_secret",
            "signing_secret",
            r"[0-9a-f]{32}",
            "the app's signing secret, 32 letters and digits",
            secret=True,
        ),
    )

    def verified(self, request: Received) -> bool:
        """Return whether Slack signed the request within the last five minutes."""
        moment = request.header("x-slack-request-timestamp")
        if not re.fullmatch(r"\d{1,12}", moment, re.ASCII):
            return False
        signature = request.header("x-slack-signature")
        if not signature.isascii():
            return False
        try:
            verifier = SignatureVerifier(self.signing_secret)
            return verifier.is_valid(request.body, moment, signature)
        except UnicodeDecodeError:
            return False

    def acknowledge(self, request: Received) -> Acknowledgement:
        """Return the challenge where Slack asks for it, else an empty answer."""
        if _is_form(request):
            return Acknowledgement()
        value = read_object(request.body)
        challenge = word(value, "challenge") if word(value, "type") == "url_verification" else ""
        return Acknowledgement(body=challenge if challenge.isascii() else "")

    def read(self, request: Received) -> list[Incoming]:
        """Return what a user typed, pressed or commanded."""
        if not _is_form(request):
            return self._event(read_object(request.body))
        fields = parse_qs(request.body.decode("utf-8", "replace"))
        if "payload" in fields:
            return self._pressed(read_object(fields["payload"][0].encode()))
        if "command" in fields:
            return self._commanded({name: values[0] for name, values in fields.items()})
        return []

    def _event(self, value: dict[str, Any]) -> list[Incoming]:
        event = look(value, "event")
        if word(value, "type") != "event_callback" or word(event, "type") not in ("message", "app_mention"):
            return []
        message, edited = event, False
        if word(event, "subtype") == "message_changed":
            message, edited = look(event, "message"), True
            # Slack also changes a message to show a link's page in it; nobody wrote anything then.
            if look(message, "edited") is None or look(message, "text") == look(
                event, "previous_message", "text"
            ):
                return []
        user, channel, moment = word(message, "user"), word(event, "channel"), word(message, "ts")
        is_bot = look(message, "bot_id") is not None or word(message, "subtype") not in USERS_SUBTYPES
        if is_bot or not user or not channel or not moment:
            return []
        me = next(
            (
                word(each, "user_id")
                for each in items(value, "authorizations")
                if look(each, "is_bot") is True
            ),
            "",
        )
        if user == me:
            return []
        said = word(message, "text")
        key = f"{word(value, 'team_id')} {channel} {moment} {word(message, 'edited', 'ts')}"
        thread = word(message, "thread_ts")
        if word(event, "channel_type") == "im" or channel.startswith("D"):
            address = {"channel": channel, **({"thread": thread} if thread else {})}
            manner: Manner = "watch" if edited else "answer"
            return [Incoming(key, _person(value, user), address, _read_text(said, me), manner)]
        spoken_to = word(event, "type") == "app_mention" or (bool(me) and f"<@{me}" in said)
        manner = "decline" if spoken_to and not edited else "watch"
        address = {"channel": channel, "thread": thread or moment}
        return [Incoming(key, f"{channel} {user}", address, _read_text(said, me), manner)]

    def _pressed(self, value: dict[str, Any]) -> list[Incoming]:
        """A button: the question that it carries is a message like any other."""
        user, channel = word(value, "user", "id"), word(value, "channel", "id")
        action = look(value, "actions", 0)
        key = f"{word(value, 'container', 'message_ts')} {word(action, 'action_ts')} {user}"
        if word(value, "type") != "block_actions" or not user or not word(action, "value"):
            return []
        thread = word(value, "container", "thread_ts") or word(value, "message", "thread_ts")
        address = {"channel": channel if channel.startswith("D") else user}
        if thread and channel.startswith("D"):
            address["thread"] = thread
        return [Incoming(key, _person(value, user), address, word(action, "value"))]

    def _commanded(self, fields: Mapping[str, str]) -> list[Incoming]:
        """A slash command, typed anywhere: the answer goes to the user alone."""
        user = fields.get("user_id", "")
        text = f"{fields['command']} {fields.get('text', '')}".strip()
        # A clinic may name its commands /mesoguide-help and so on: the last word counts.
        text = re.sub(r"^/\w+-(?=\w+$)", "/", text)
        team = {"team_id": fields.get("team_id", "")}
        key = fields.get("trigger_id", "")
        return [Incoming(key, _person(team, user), {"channel": user}, text)] if user and key else []

    def write(self, lines: Lines, buttons: Sequence[str], address: Mapping[str, str]) -> list[Call]:
        """Return ``chat.postMessage`` calls: literal rich text, buttons, and plain text for notifications."""
        laid = laid_out(lines, buttons, MOST, MOST_BUTTONS, LONGEST_BUTTON)
        return [self._post(page, shown, address) for page, shown in laid]

    def _post(self, page: Lines, buttons: Sequence[str], address: Mapping[str, str]) -> Call:
        parts: list[dict[str, Any]] = []
        for number, (role, text) in enumerate(page):
            style = {"style": {STYLES[role]: True}} if role in STYLES else {}
            parts.append({"type": "text", "text": text if number == len(page) - 1 else f"{text}\n", **style})
        blocks: list[dict[str, Any]] = [
            {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": parts}]}
        ]
        if buttons:
            blocks.append(
                {"type": "actions", "elements": [_button(n, text) for n, text in enumerate(buttons)]}
            )
        body = {
            "channel": address["channel"],
            "text": _escaped(plain(page)),
            "blocks": blocks,
            "unfurl_links": False,
            "unfurl_media": False,
            **({"thread_ts": address["thread"]} if "thread" in address else {}),
        }
        return Call(f"{self.api}/chat.postMessage", body, {"Authorization": f"Bearer {self.token}"})

    def outcome(self, status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Read ``ok`` and ``error``, and ``Retry-After`` of a 429."""
        said = answer(body)
        if status == 200 and look(said, "ok") is True:
            return Outcome(sent=True)
        error = word(said, "error")
        known = error if re.fullmatch(r"[a-z_]{1,40}", error) else str(status)
        unclear = status == 200 and not error
        return Outcome(
            sent=False,
            again=status == 429 or status >= 500 or error in AGAIN or unclear,
            wait=seconds(headers.get("retry-after", "")),
            reason=f"slack {known}",
            theirs=error in THEIRS,
        )

    def registration(self, address: str) -> list[Call]:
        """Return nothing: Slack's addresses are set on the app's page."""
        return []


def _person(value: Mapping[str, Any], user: str) -> str:
    """The name of a user's own conversation, wherever they speak to the bot alone."""
    return f"{word(value, 'team_id') or word(value, 'team', 'id')} {user}"


def _is_form(request: Received) -> bool:
    return request.header("content-type").startswith("application/x-www-form-urlencoded")


def _button(number: int, text: str) -> dict[str, Any]:
    label = {"type": "plain_text", "text": text, "emoji": False}
    return {"type": "button", "text": label, "value": text, "action_id": f"ask_{number}"}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _read_text(text: str, me: str) -> str:
    """What a user typed: Slack's marks for links, people and channels become their words again."""

    def shown(found: re.Match[str]) -> str:
        what, _, label = found[1].partition("|")
        if me and what == f"@{me}":
            return ""
        return label or what.lstrip("!#@")

    plain_text = TOKEN.sub(shown, text)
    return plain_text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()
