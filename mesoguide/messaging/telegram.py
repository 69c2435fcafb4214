"""Telegram's Bot API: https://core.telegram.org/bots/api."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, ClassVar

from mesoguide.messaging.credentials import Rule
from mesoguide.messaging.fitting import laid_out, utf16
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
    same,
    word,
)

MOST = 4096
"""UTF-16 units of a message, after its tags were read."""
MOST_BUTTONS, LONGEST_BUTTON = 10, 80
"""Telegram sets no limit that a reply reaches; a longer one can't be read on a phone."""
CONTENT = (
    "text", "caption", "animation", "audio", "checklist", "contact", "dice", "document", "game", "location",
    "paid_media", "photo", "poll", "sticker", "story", "venue", "video", "video_note", "voice",
)  # fmt: skip
"""What a user can send; a message without any of it is a notice of Telegram's own."""
STYLES = {"heading": "b", "differ": "b", "sources": "i", "notice": "i"}
"""Role of a line → tag that shows it."""


@dataclass(frozen=True, slots=True)
class Telegram:
    """A bot: its ``token`` and ``username`` from BotFather, and the ``secret`` its webhook was set with."""

    token: str = field(repr=False)
    username: str
    secret: str = field(repr=False)
    api: str = "https://api.telegram.org"

    name: ClassVar[str] = "telegram"
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "access_token",
            "token",
            r"\d{5,20}:[A-Za-z0-9_-]{30,64}",
            "the token that @BotFather gave",
            secret=True,
        ),
        Rule(
            "verify", "username", r"@?[A-Za-z]\w{2,30}[bB][oO][tT]", "the bot's username; it ends with 'bot'"
        ),
        Rule(
            "secret_token",
            "secret",
            r"[A-Za-z0-9_-]{16,256}",
            "16 to 256 letters, digits, '_' or '-', made up by you",
            secret=True,
        ),
    )

    def verified(self, request: Received) -> bool:
        """Return whether the request carries the secret that the webhook was set with."""
        return same(self.secret, request.header("x-telegram-bot-api-secret-token"))

    def acknowledge(self, request: Received) -> Acknowledgement:
        """Return an empty answer: the reply is a call of its own."""
        return Acknowledgement()

    def read(self, request: Received) -> list[Incoming]:
        """Return the message in an update, if a user sent one that concerns the bot."""
        update = read_object(request.body)
        key = word(update, "update_id")
        if not key:
            return []
        pressed = look(update, "callback_query")
        if pressed is not None:
            return self._pressed(key, pressed)
        edited = look(update, "edited_message")
        message = look(update, "message") if edited is None else edited
        chat, kind = word(message, "chat", "id"), word(message, "chat", "type")
        is_content = isinstance(message, dict) and any(name in message for name in CONTENT)
        if not chat or not is_content or _is_bot(message):
            return []
        text = word(message, "text") or word(message, "caption")
        address = {"chat_id": chat}
        if kind == "private":
            return [Incoming(key, chat, address, text, "answer" if edited is None else "watch")]
        if kind not in ("group", "supergroup"):
            return []
        address["reply_to"] = word(message, "message_id")
        spoken_to = edited is None and self._spoken_to(message, text)
        manner: Manner = "decline" if spoken_to else "watch"
        return [Incoming(key, f"{chat} {word(message, 'from', 'id')}", address, text, manner)]

    def _pressed(self, key: str, pressed: Any) -> list[Incoming]:
        """A button under a message: what it says is a message like any other."""
        chat = word(pressed, "message", "chat", "id")
        if not chat or word(pressed, "message", "chat", "type") != "private":
            return []
        return [Incoming(key, chat, {"chat_id": chat}, word(pressed, "data"))]

    def _spoken_to(self, message: dict[str, Any], text: str) -> bool:
        mine = f"@{self.username.lstrip('@')}".lower()
        if word(message, "reply_to_message", "from", "id") == self.token.split(":")[0]:
            return True
        named = [*items(message, "entities"), *items(message, "caption_entities")]
        is_named = any(word(entity, "type") in ("mention", "bot_command") for entity in named)
        words = text.lower().split()
        return is_named and (
            any(mine in said for said in words) or (text.startswith("/") and "@" not in words[0])
        )

    def write(self, lines: Lines, buttons: Sequence[str], address: Mapping[str, str]) -> list[Call]:
        """Return ``sendMessage`` calls in HTML; the questions offered stand on a keyboard."""
        laid = laid_out(lines, buttons, MOST, MOST_BUTTONS, LONGEST_BUTTON, utf16)
        return [self._call("sendMessage", self._message(page, address, shown)) for page, shown in laid]

    def _message(self, page: Lines, address: Mapping[str, str], buttons: Sequence[str]) -> dict[str, Any]:
        body: dict[str, Any] = {
            "chat_id": address["chat_id"],
            "text": "\n".join(_tagged(role, text) for role, text in page),
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": True},
        }
        if "reply_to" in address:
            number = address["reply_to"]
            body["reply_parameters"] = {
                "message_id": int(number) if number.isdecimal() else 0,
                "allow_sending_without_reply": True,
            }
        elif buttons:
            keyboard = [[{"text": text}] for text in buttons]
            body["reply_markup"] = {
                "keyboard": keyboard, "one_time_keyboard": True, "resize_keyboard": True,
            }  # fmt: skip
        else:
            body["reply_markup"] = {"remove_keyboard": True}
        return body

    def _call(self, method: str, body: Mapping[str, Any]) -> Call:
        return Call(f"{self.api}/bot{self.token}/{method}", body)

    def outcome(self, status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Read ``ok``, ``error_code`` and ``retry_after``."""
        said = answer(body)
        if status == 200 and look(said, "ok") is True:
            return Outcome(sent=True)
        code = look(said, "error_code")
        number = code if isinstance(code, int) and 0 < code < 1000 else status
        wait = look(said, "parameters", "retry_after")
        return Outcome(
            sent=False,
            again=number == 429 or number >= 500 or status == 200,
            wait=float(min(wait, 3600)) if isinstance(wait, int) and wait > 0 else 0,
            reason=f"telegram {number}",
            theirs=number == 403 or "chat not found" in word(said, "description").lower(),
        )

    def registration(self, address: str) -> list[Call]:
        """Return the calls that tell Telegram where the webhook is, and which commands there are."""
        commands = [
            {"command": "help", "description": "What I can answer"},
            {"command": "delete", "description": "Delete what you said here"},
        ]
        webhook = {
            "url": address, "secret_token": self.secret,
            "allowed_updates": ["message", "edited_message", "callback_query"],
        }  # fmt: skip
        return [self._call("setWebhook", webhook), self._call("setMyCommands", {"commands": commands})]


def _is_bot(message: Any) -> bool:
    """Whether another bot wrote it; somebody who writes in a group's name stands behind a bot of Telegram's."""
    return look(message, "from", "is_bot") is True and look(message, "sender_chat") is None


def _tagged(role: str, text: str) -> str:
    safe = escape(text, quote=False)
    tag = STYLES.get(role)
    return f"<{tag}>{safe}</{tag}>" if tag else safe
