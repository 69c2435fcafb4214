"""``mesoguide web`` with all four messaging channels, beside a fake of their platforms; all tests are slow."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator

from tests.messaging.fakes import (
    APP_SECRET,
    PAGE_TOKEN,
    SLACK_SECRET,
    SLACK_TOKEN,
    TELEGRAM_TOKEN,
    TWILIO_ACCOUNT,
    TWILIO_TOKEN,
    Platforms,
    Sent,
)
from tests.website.conftest import Server, model

__all__ = ["model"]

HERE = Path(__file__).parent
SECRET = "a-secret-of-this-test_123"
PUBLIC = "https://bot.clinic.example/webhooks/twilio/webhook"
PLATFORMS = ("telegram", "slack", "twilio", "messenger")
VARIABLES = {
    "TELEGRAM_ACCESS_TOKEN": TELEGRAM_TOKEN, "TELEGRAM_USERNAME": "mesoguide_bot", "TELEGRAM_SECRET_TOKEN": SECRET,
    "SLACK_TOKEN": SLACK_TOKEN, "SLACK_SIGNING_SECRET": SLACK_SECRET,
    "TWILIO_ACCOUNT_SID": TWILIO_ACCOUNT, "TWILIO_AUTH_TOKEN": TWILIO_TOKEN, "TWILIO_WEBHOOK_URL": PUBLIC,
    "MESSENGER_VERIFY": "word-of-this-test", "MESSENGER_SECRET": APP_SECRET,
    "MESSENGER_PAGE_ACCESS_TOKEN": PAGE_TOKEN,
}  # fmt: skip
NUMBERS = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands in this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slow)


def credentials(shipped: str, api: str) -> str:
    """The credentials file as it is shipped, every platform switched on, with the fake's address."""
    text = shipped.replace("\n# mesoguide.", "\nmesoguide.").replace("\n#   ", "\n  ")
    for name, last in (
        ("telegram", "TELEGRAM_SECRET_TOKEN"), ("slack", "SLACK_SIGNING_SECRET"),
        ("twilio", "TWILIO_WEBHOOK_URL"), ("messenger", "MESSENGER_PAGE_ACCESS_TOKEN"),
    ):  # fmt: skip
        text = text.replace(f"${{{last}}}\n", f"${{{last}}}\n  api: {api}/{name}\n")
    return text


@dataclass
class Bot:
    """A server with its platforms: say something as a user of one of them, see what they got."""

    server: Server
    platforms: Platforms
    last: dict[str, Any] = field(default_factory=dict)

    def post(
        self, platform: str, body: bytes, headers: dict[str, str], query: str = ""
    ) -> tuple[int, dict[str, str], Any]:
        """Make the platform's request."""
        return self.server.call("POST", f"/webhooks/{platform}/webhook{query}", body, headers=headers)

    def say(self, platform: str, text: str, user: str = "", **more: Any) -> str:
        """Send a text as a user in a private chat; return the user."""
        user = user or new_user(platform)
        status, _, _ = self.post(platform, *request(platform, text, user, **more))
        assert status == 200
        return user

    def answers(self, platform: str, user: str, number: int = 1, seconds: float = 30) -> list[Sent]:
        """Wait for what the user gets."""
        end = time.monotonic() + seconds
        while len(self.platforms.to(platform, user)) < number and time.monotonic() < end:
            time.sleep(0.02)
        found = self.platforms.to(platform, user)
        assert len(found) >= number, (
            f"{platform}: {len(found)} of {number}; refused: {self.platforms.refused[-3:]}"
        )
        return found

    def answer(self, platform: str, text: str, user: str = "", **more: Any) -> Sent:
        """Say something; return the one answer that comes."""
        user = user or new_user(platform)
        before = len(self.platforms.to(platform, user))
        self.say(platform, text, user, **more)
        return self.answers(platform, user, before + 1)[-1]

    def quiet(self, platform: str, user: str) -> list[Sent]:
        """Wait until all that came in is done; return what the user got."""
        last = self.answer(platform, "does it hurt?")
        assert last
        time.sleep(0.2)
        return self.platforms.to(platform, user)


def new_user(platform: str) -> str:
    """Return somebody new."""
    number = next(NUMBERS)
    return {
        "telegram": str(7_000_000_000 + number),
        "slack": f"D{number:09}",
        "twilio": f"whatsapp:+44770090{number:04}",
        "messenger": str(2_400_000_000_000_000 + number),
    }[platform]


def request(
    platform: str, text: str, user: str, number: int | None = None, **more: Any
) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of a text message, as the platform documents and signs it."""
    number = next(NUMBERS) if number is None else number
    made: dict[str, Callable[[], tuple[bytes, dict[str, str]]]] = {
        "telegram": lambda: telegram(telegram_message(text, user, number, **more)),
        "slack": lambda: slack(slack_message(text, user, number, **more)),
        "twilio": lambda: twilio(twilio_message(text, user, number, **more)),
        "messenger": lambda: messenger(messenger_message(text, user, number, **more)),
    }
    return made[platform]()


def telegram_message(text: str, user: str, number: int, **more: Any) -> dict[str, Any]:
    person = {"id": int(user), "is_bot": False, "first_name": "Ann", "language_code": "en"}
    message = {
        "message_id": number, "from": person, "chat": {"id": int(user), "type": "private", "first_name": "Ann"},
        "date": 1700000000, "text": text, **more,
    }  # fmt: skip
    return {"update_id": number, "message": {k: v for k, v in message.items() if v is not None}}


def telegram(update: Any, secret: str = SECRET) -> tuple[bytes, dict[str, str]]:
    headers = {"Content-Type": "application/json", "X-Telegram-Bot-Api-Secret-Token": secret}
    return json.dumps(update).encode(), headers


def slack_message(text: str, channel: str, number: int, **more: Any) -> dict[str, Any]:
    event = {
        "type": "message", "channel": channel, "channel_type": "im", "user": f"U{channel[1:]}", "text": text,
        "ts": f"1700000000.{number:06}", "event_ts": f"1700000000.{number:06}", "team": "T1",
    } | more  # fmt: skip
    return {
        "token": "old", "team_id": "T1", "api_app_id": "A1", "type": "event_callback", "event_id": f"Ev{number}",
        "event_time": 1700000000, "event": event,
        "authorizations": [{"team_id": "T1", "user_id": "UBOT", "is_bot": True}],
    }  # fmt: skip


def slack(
    value: Any, secret: str = SLACK_SECRET, at: int | None = None, kind: str = "application/json"
) -> tuple[bytes, dict[str, str]]:
    body = json.dumps(value).encode() if kind == "application/json" else urlencode(value).encode()
    moment = str(int(time.time()) if at is None else at)
    mark = hmac.new(secret.encode(), b"v0:" + moment.encode() + b":" + body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": kind, "X-Slack-Request-Timestamp": moment, "X-Slack-Signature": f"v0={mark}"}
    return body, headers


def twilio_message(text: str, user: str, number: int, **more: Any) -> dict[str, str]:
    mine = "whatsapp:+14155238886" if user.startswith("whatsapp:") else "+14155238886"
    return {
        "MessageSid": f"SM{number:032x}", "SmsMessageSid": f"SM{number:032x}", "AccountSid": TWILIO_ACCOUNT,
        "From": user, "To": mine, "Body": text, "NumMedia": "0", "ProfileName": "Ann", "FromCity": "", **more,
    }  # fmt: skip


def twilio(
    fields: dict[str, str], token: str = TWILIO_TOKEN, address: str = PUBLIC
) -> tuple[bytes, dict[str, str]]:
    mark = RequestValidator(token).compute_signature(address, fields)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": mark}
    return urlencode(fields).encode(), headers


def messenger_message(text: str, user: str, number: int, **more: Any) -> dict[str, Any]:
    event = {
        "sender": {"id": user}, "recipient": {"id": "1"}, "timestamp": 1700000000000 + number,
        "message": {"mid": f"m_{number}", "text": text, **more},
    }  # fmt: skip
    return {"object": "page", "entry": [{"id": "1", "time": 1700000000000, "messaging": [event]}]}


def messenger(value: Any, secret: str = APP_SECRET) -> tuple[bytes, dict[str, str]]:
    body = json.dumps(value).encode()
    mark = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return body, {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={mark}"}


def make_bot(folder: Path, platforms: Platforms, **settings: str) -> Bot:
    """Return a bot that is not started yet."""
    from mesoguide.settings import ROOT

    file = folder / "credentials.yml"
    file.write_text(credentials((ROOT / "credentials.yml").read_text("utf-8"), platforms.address), "utf-8")
    return Bot(
        Server(
            folder, {"credentials": str(file), "emergency_number": "999", **settings}, environment=VARIABLES
        ),
        platforms,
    )


@pytest.fixture(scope="session")
def bot(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """One bot for all tests that do not end it."""
    made = make_bot(tmp_path_factory.mktemp("messaging"), Platforms())
    made.server.start()
    yield made
    made.server.stop()
    made.platforms.stop()


@pytest.fixture
def own_bot(model: Path, tmp_path: Path) -> Iterator[Bot]:
    """A bot of the test's own, not started yet."""
    made = make_bot(tmp_path, Platforms())
    yield made
    made.server.stop(9)
    made.platforms.stop()
