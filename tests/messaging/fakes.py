"""The four platforms' HTTP APIs on loopback: they refuse what the real ones refuse, and fail on demand."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TELEGRAM_TOKEN = "123456789:AAtest-token_of-the_fake-platform-000"
SLACK_TOKEN = "xoxb-1111111111-2222222222-abcdefghijklmnop"
SLACK_SECRET = "0123456789abcdef0123456789abcdef"
TWILIO_ACCOUNT = "AC0123456789abcdef0123456789abcdef"
TWILIO_TOKEN = "fedcba9876543210fedcba9876543210"
PAGE_TOKEN = "EAAfakePageAccessToken1234567890"
APP_SECRET = "00112233445566778899aabbccddeeff"
TAGS = ("b", "strong", "i", "em", "u", "s", "code", "pre")


@dataclass
class Sent:
    """A message that a platform took: where it went, what a user reads, the request as it was."""

    platform: str
    to: str
    text: str
    buttons: list[str]
    body: dict[str, Any]
    at: float = field(default_factory=time.monotonic)


class Refused(Exception):
    """What the platform answers to a request that it does not take."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(str(body))
        self.status, self.body, self.headers = status, body, headers or {}


class Platforms:
    """One HTTP server: ``/telegram``, ``/slack``, ``/twilio``, ``/messenger`` below its address."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.called: list[tuple[str, str]] = []
        self.refused: list[str] = []
        self.faults: dict[str, deque[Any]] = {
            name: deque() for name in ("telegram", "slack", "twilio", "messenger")
        }
        """What the next calls to a platform meet: a Refused, seconds to wait first, or "hang up"."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()

    def to(self, platform: str, to: str) -> list[Sent]:
        """Return what a user of a platform got."""
        return [sent for sent in list(self.sent) if (sent.platform, sent.to) == (platform, to)]

    def take(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        """Take a call as the platform would; return the status and the JSON of its answer."""
        platform, _, rest = path.lstrip("/").partition("/")
        self.called.append((platform, rest))
        return {
            "telegram": self._telegram,
            "slack": self._slack,
            "twilio": self._twilio,
            "messenger": self._messenger,
        }[platform](rest, headers, body)

    # -- Telegram

    def _telegram(self, rest: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        token, _, method = rest.partition("/")
        if token != f"bot{TELEGRAM_TOKEN}":
            raise _telegram_refusal(401, "Unauthorized")
        value = json.loads(body)
        if method == "setWebhook":
            if not value["url"].startswith("https://") or not re.fullmatch(
                r"[\w-]{1,256}", value["secret_token"]
            ):
                raise _telegram_refusal(400, "Bad Request: bad webhook")
            return 200, {"ok": True, "result": True}
        if method == "setMyCommands":
            return 200, {"ok": True, "result": True}
        if method != "sendMessage":
            raise _telegram_refusal(404, "Not Found")
        if len(value["text"].encode()) > 32768:
            raise _telegram_refusal(400, "Bad Request: text is too long")
        text = _parsed_html(value["text"]) if value.get("parse_mode") == "HTML" else value["text"]
        if not 1 <= len(text.encode("utf-16-le")) // 2 <= 4096:
            raise _telegram_refusal(400, "Bad Request: message is too long")
        markup = value.get("reply_markup", {})
        rows = markup.get("keyboard", [])
        if len(rows) > 300 or any(not 1 <= len(row) <= 12 for row in rows):
            raise _telegram_refusal(400, "Bad Request: keyboard")
        buttons = [button["text"] for row in rows for button in row]
        self.sent.append(Sent("telegram", str(value["chat_id"]), text, buttons, value))
        return 200, {"ok": True, "result": {"message_id": len(self.sent)}}

    # -- Slack

    def _slack(self, rest: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        if headers.get("authorization") != f"Bearer {SLACK_TOKEN}":
            return 200, {"ok": False, "error": "invalid_auth"}
        if rest != "chat.postMessage":
            return 200, {"ok": False, "error": "unknown_method"}
        value = json.loads(body)
        if not value.get("channel"):
            return 200, {"ok": False, "error": "channel_not_found"}
        if not value.get("text") or len(value["text"]) > 40_000:
            return 200, {"ok": False, "error": "no_text"}
        shown, buttons = "", []
        for block in value["blocks"]:
            if block["type"] == "rich_text":
                for section in block["elements"]:
                    assert section["type"] == "rich_text_section"
                    shown += "".join(part["text"] for part in section["elements"])
            elif block["type"] == "actions":
                buttons += [element["text"]["text"] for element in block["elements"]]
                ids = [element["action_id"] for element in block["elements"]]
                wrong = len(ids) > 25 or len(set(ids)) != len(ids) or any(len(b) > 75 for b in buttons)
                if wrong or any(len(element["value"]) > 2000 for element in block["elements"]):
                    return 200, {"ok": False, "error": "invalid_blocks"}
            else:
                return 200, {"ok": False, "error": "invalid_blocks"}
        if len(shown) > 13_000:
            return 200, {"ok": False, "error": "msg_blocks_too_long"}
        # What a notification shows is the same text, escaped as Slack asks for.
        assert re.sub(r"&(amp|lt|gt);", "", value["text"]).count("&") == 0
        assert "<" not in value["text"] and ">" not in value["text"]
        assert unescape(value["text"]) == shown
        self.sent.append(Sent("slack", value["channel"], shown, buttons, value))
        return 200, {"ok": True, "ts": "1.1"}

    # -- Twilio

    def _twilio(self, rest: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        known = base64.b64encode(f"{TWILIO_ACCOUNT}:{TWILIO_TOKEN}".encode()).decode()
        if headers.get("authorization") != f"Basic {known}":
            raise Refused(401, {"code": 20003, "status": 401})
        if rest != f"2010-04-01/Accounts/{TWILIO_ACCOUNT}/Messages.json":
            raise Refused(404, {"code": 20404, "status": 404})
        value = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if len(value.get("Body", "")) > 1600:
            raise Refused(400, {"code": 21617, "status": 400})
        if not value.get("Body") or not value.get("From"):
            raise Refused(400, {"code": 21602, "status": 400})
        if value["From"].startswith("whatsapp:") != value["To"].startswith("whatsapp:"):
            raise Refused(400, {"code": 63007, "status": 400})
        self.sent.append(Sent("twilio", value["To"], value["Body"], [], value))
        return 201, {"sid": f"SM{len(self.sent):032x}", "status": "queued"}

    # -- Messenger

    def _messenger(self, rest: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        if headers.get("authorization") != f"Bearer {PAGE_TOKEN}":
            raise Refused(400, {"error": {"code": 190, "type": "OAuthException"}})
        value = json.loads(body)
        if rest == "me/messenger_profile":
            return 200, {"result": "success"}
        if rest != "me/messages":
            raise Refused(404, {"error": {"code": 100}})
        message = value["message"]
        replies = message.get("quick_replies", [])
        titles = [reply["title"] for reply in replies]
        too_long = any(len(t) > 20 for t in titles) or any(len(str(r["payload"])) > 1000 for r in replies)
        if not 1 <= len(message["text"]) <= 2000 or len(replies) > 13 or too_long:
            raise Refused(400, {"error": {"code": 100, "type": "OAuthException"}})
        assert value["messaging_type"] == "RESPONSE"
        self.sent.append(Sent("messenger", value["recipient"]["id"], message["text"], titles, value))
        return 200, {"recipient_id": value["recipient"]["id"], "message_id": f"m_{len(self.sent)}"}


def _telegram_refusal(code: int, why: str) -> Refused:
    return Refused(code, {"ok": False, "error_code": code, "description": why})


def _parsed_html(text: str) -> str:
    """What a user sees of Telegram's HTML; anything that its parser does not take is refused."""
    shown, open_tags = "", []
    for part in re.split(r"(<[^<>]*>|&[a-z]+;|&#\d+;)", text):
        tag = re.fullmatch(r"<(/?)([a-z]+)>", part)
        if tag and tag[2] in TAGS:
            if tag[1]:
                if not open_tags or open_tags.pop() != tag[2]:
                    raise _telegram_refusal(400, "Bad Request: can't parse entities")
            else:
                open_tags.append(tag[2])
        elif part in ("&lt;", "&gt;", "&amp;", "&quot;"):
            shown += unescape(part)
        elif any(sign in part for sign in "<>&"):
            raise _telegram_refusal(400, "Bad Request: can't parse entities")
        else:
            shown += part
    if open_tags:
        raise _telegram_refusal(400, "Bad Request: can't parse entities")
    return shown.strip()


def _handler(platforms: Platforms) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            path = urlsplit(self.path).path
            faults = platforms.faults[path.lstrip("/").split("/")[0]]
            fault = faults.popleft() if faults else None
            try:
                if isinstance(fault, Refused):
                    raise fault  # noqa: TRY301
                if fault == "hang up":
                    self.close_connection = True
                    self.connection.close()
                    return
                if isinstance(fault, float):
                    time.sleep(fault)
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, answer, more = *platforms.take(path, headers, body), {}
            except Refused as refusal:
                platforms.refused.append(str(refusal))
                status, answer, more = refusal.status, refusal.body, refusal.headers
            except Exception as cause:  # a body of another shape than the platform documents
                platforms.refused.append(repr(cause))
                status, answer, more = 400, {"error": repr(cause)}, {}
            sent = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(sent)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
