"""WhatsApp and SMS through Twilio: https://www.twilio.com/docs/messaging."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import parse_qs

from twilio.request_validator import RequestValidator

from mesoguide.messaging.credentials import Rule
from mesoguide.messaging.fitting import offered, pages, plain
from mesoguide.messaging.messages import (
    Acknowledgement,
    Call,
    Incoming,
    Lines,
    Outcome,
    Received,
    answer,
    seconds,
    word,
)

MOST = 1600
"""Characters of a message; Twilio refuses a longer one."""
OPT_OUT = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "revoke"})
"""Words by which somebody leaves: on SMS Twilio answers them itself, and refuses a message after them."""
NUMBER = re.compile(r"(?:whatsapp:)?\+\d{7,15}|whatsapp:[A-Z]{2}\.[A-Za-z0-9.]{1,128}", re.ASCII)
"""Somebody who can be answered; a short code or a name is a machine's. WhatsApp hides some users'
numbers and names them by their country and an id."""
THEIRS = frozenset({"21211", "21610", "21612", "21614", "63003", "63016", "63024", "63032"})
"""Errors of one user: a number that takes nothing, that opted out, or that wrote too long ago."""
EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
MARKS = re.compile(r"(?<!\S)([*_~`]+)(?=\S)|(?<=\S)([*_~`]+)(?!\S)")
"""What WhatsApp would take for the start or the end of bold, italic, struck or code."""
WORD_JOINER = "\u2060"


@dataclass(frozen=True, slots=True)
class Twilio:
    """An account; ``address`` is the webhook's public address, as it is written at Twilio."""

    account: str
    token: str = field(repr=False)
    address: str
    api: str = "https://api.twilio.com"

    name: ClassVar[str] = "twilio"
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("account_sid", "account", r"AC[0-9a-f]{32}", "the account's SID; it starts with AC"),
        Rule(
            "auth_token",
            "token",
            r"[0-9a-f]{32}",
            "the account's auth token, 32 letters and digits",
            secret=True,
        ),
        Rule(
            "webhook_url",
            "address",
            r"https://[^\s/]+/\S*webhook",
            "the address written at Twilio: https://…/webhooks/twilio/webhook",
        ),
    )

    def verified(self, request: Received) -> bool:
        """Return whether Twilio signed the form and the public address (a proxy's, where there is one)."""
        signature = request.header("x-twilio-signature")
        query = request.url.partition("?")[2]
        address = f"{self.address}?{query}" if query else self.address
        try:
            known: bool = RequestValidator(self.token).validate(address, _Form(_fields(request)), signature)
        except ValueError:
            return False
        return bool(signature) and known

    def acknowledge(self, request: Received) -> Acknowledgement:
        """Return an empty TwiML document: the reply is a call of its own."""
        return Acknowledgement(content_type="text/xml", body=EMPTY)

    def read(self, request: Received) -> list[Incoming]:
        """Return the message in a form."""
        fields = {name: values[0] for name, values in _fields(request).items()}
        key, sender, mine = fields.get("MessageSid", ""), fields.get("From", ""), fields.get("To", "")
        if not key or not NUMBER.fullmatch(sender) or not mine or "MessageStatus" in fields:
            return []
        text = fields.get("ButtonText") or fields.get("Body", "")
        by_twilio = fields.get("OptOutType") or text.strip().lower() in OPT_OUT
        if by_twilio and not sender.startswith("whatsapp:"):
            return []
        return [Incoming(key, f"{sender} {mine}", {"to": sender, "from": mine}, text)]

    def write(self, lines: Lines, buttons: Sequence[str], address: Mapping[str, str]) -> list[Call]:
        """Return the calls that send it; the questions offered are text, because Twilio has no buttons."""
        made = pages(lines, MOST)
        offer = offered(buttons)
        if offer and len(plain([*made[-1], *offer])) <= MOST:
            made[-1] += offer
        elif offer:
            made += pages(offer, MOST)
        whatsapp = address["to"].startswith("whatsapp:")
        return [self._message(plain(page), address, whatsapp=whatsapp) for page in made]

    def _message(self, text: str, address: Mapping[str, str], *, whatsapp: bool) -> Call:
        body = {
            "From": address["from"],
            "To": address["to"],
            "Body": _literal(text) if whatsapp else text,
        }
        url = f"{self.api}/2010-04-01/Accounts/{self.account}/Messages.json"
        return Call(url, body, user=self.account, password=self.token, form=True)

    def outcome(self, status: int, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Read the status and Twilio's own error code."""
        if status in (200, 201):
            return Outcome(sent=True)
        code = word(answer(body), "code")
        return Outcome(
            sent=False,
            again=status == 429 or status >= 500,
            wait=seconds(headers.get("retry-after", "")),
            reason=f"twilio {code if code.isascii() and code.isdecimal() and len(code) < 10 else status}",
            theirs=code in THEIRS,
        )

    def registration(self, address: str) -> list[Call]:
        """Return nothing: Twilio's address is set in its console."""
        return []


class _Form(dict[str, list[str]]):
    """A form in the shape that Twilio's validator reads."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def _fields(request: Received) -> dict[str, list[str]]:
    """The form's fields, the empty ones too: they are part of what was signed."""
    return parse_qs(request.body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=200)


def _literal(text: str) -> str:
    """Keep WhatsApp from reading marks as formatting: it only does beside a letter."""
    safe = MARKS.sub(lambda found: f"{WORD_JOINER}{found[0]}{WORD_JOINER}", text)
    return safe if len(safe) <= MOST else text
