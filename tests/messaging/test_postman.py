"""What the postman does at its bounds, without a server: no room anywhere, a message that ends processes."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from mesoguide.messaging.messages import Incoming
from mesoguide.messaging.telegram import Telegram
from mesoguide.settings import Settings
from mesoguide.website.sessions import Sessions

SECRET = "a-secret-of-this-test"
TELEGRAM = Telegram("123456:AAtoken", "mesoguide_bot", SECRET)


def away() -> Any:
    """Stands for an inbox whose database is away."""
    raise OSError("away")


def made(agent: Any = None) -> Any:
    from mesoguide.rasa_host.postman import Postman
    from mesoguide.rasa_host.turns import shared_turns

    post = Postman(Settings(), shared_turns(), Sessions(b"a secret of this test"), away, lambda: agent)
    post.serve(TELEGRAM)
    return post


def incoming(number: int, text: str = "does it hurt?") -> Incoming:
    return Incoming(str(number), str(number), {"chat_id": str(number)}, text)


def test_no_room_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where neither store nor memory has room the platform hears 503 and when to come again; nothing is dropped."""
    from mesoguide.rasa_host import postman
    from mesoguide.rasa_host.messaging import TelegramInput

    monkeypatch.setattr(postman, "MOST_IN_MEMORY", 1)
    update = {"update_id": 2, "message": {"chat": {"id": 2, "type": "private"}, "text": "does it hurt?"}}

    async def delivered() -> tuple[int, Any]:
        post = made()
        try:
            await post.take_in("telegram", [incoming(1)])
            request = SimpleNamespace(
                url="https://bot.clinic.example/webhooks/telegram/webhook", body=json.dumps(update).encode(),
                headers={"X-Telegram-Bot-Api-Secret-Token": SECRET},
                app=SimpleNamespace(ctx=SimpleNamespace(postman=post)),
            )  # fmt: skip
            return post._count, await TelegramInput(TELEGRAM)._webhook(request)
        finally:
            await post.stop()

    kept, answer = asyncio.run(delivered())

    assert kept == 1
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")


def test_a_message_that_ended_processes_gets_a_fixed_text() -> None:
    """After so many processes died over a message the model does not see it again: error text, or its card."""
    from mesoguide.rasa_host.inbox import Waiting
    from mesoguide.rasa_host.postman import MOST_TRIES

    class Deadly:
        def is_ready(self) -> bool:
            return True

        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    async def reply(text: str) -> Any:
        waiting = Waiting(1, "telegram", incoming(1, text), tries=MOST_TRIES + 1)
        return await made(Deadly())._reply(waiting, "a-conversation")

    assert asyncio.run(reply("does it hurt?"))["kind"] == "error"
    assert asyncio.run(reply("i cant breathe"))["tier"] == "emergency"
