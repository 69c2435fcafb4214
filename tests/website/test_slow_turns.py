"""No model yet, a turn that takes too long, too much to do: a fixed text, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from mesoguide.settings import Settings
from mesoguide.website.requests import Refused
from mesoguide.website.sessions import Sessions

SESSIONS = Sessions(b"a secret of this test")


class SlowAgent:
    """Stands for Rasa's agent: answers after ``seconds``, and counts its turns."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.turns = seconds, 0
        from mesoguide.rasa_host.locks import ConversationLocks

        self.tracker_store = SimpleNamespace(retrieve_full_tracker=self._nothing)
        self.lock_store = ConversationLocks()

    async def _nothing(self, sender: str) -> None:
        return None

    def is_ready(self) -> bool:
        return True

    async def handle_message(self, message: Any) -> None:
        self.turns += 1
        await asyncio.sleep(self.seconds)
        reply = {"text": f"turn {self.turns}", "topics": [], "notices": [], "sources": []}
        await message.output_channel.send_response(message.sender_id, {"reply": reply})


def request(agent: SlowAgent, token: str, text: str = "does it hurt?", name: str = "abcdefgh") -> Any:
    """What the channel reads of a request."""
    return SimpleNamespace(
        body=json.dumps({"id": name, "text": text}).encode(),
        token=token,
        app=SimpleNamespace(ctx=SimpleNamespace(agent=agent)),
    )


def channel() -> Any:
    from mesoguide.rasa_host.website import WebsiteInput

    return WebsiteInput(Settings(), SESSIONS)


def test_a_slow_turn_gets_the_error_text_and_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time a turn is given up by the visitor's request, but goes on; a retry gets its reply."""
    from mesoguide.rasa_host import website

    monkeypatch.setattr(website, "TURN_SECONDS", 0.1)
    agent, token = SlowAgent(0.25), SESSIONS.issue()

    async def twice() -> tuple[Refused, Any]:
        door = channel()
        with pytest.raises(Refused) as refusal:
            await door.message(request(agent, token))
        monkeypatch.setattr(website, "TURN_SECONDS", 5)
        return refusal.value, await door.message(request(agent, token))

    refusal, response = asyncio.run(twice())

    assert (refusal.status, refusal.text) == (503, "does it hurt?")
    assert json.loads(response.body)["reply"]["text"] == "turn 1"
    assert agent.turns == 1


def test_too_many_waiting_turns_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that would come too late is refused, with its text kept for a red flag in it."""
    from mesoguide.rasa_host import website

    monkeypatch.setattr(website, "MOST_WAITING", 3)
    agent = SlowAgent(0.2)

    async def all_at_once() -> list[Any]:
        door = channel()
        asked = [door.message(request(agent, SESSIONS.issue(), "cant breathe")) for _ in range(5)]
        return await asyncio.gather(*asked, return_exceptions=True)

    found = asyncio.run(all_at_once())
    refused = [answer for answer in found if isinstance(answer, Refused)]

    assert len(refused) == 2
    assert {(answer.status, answer.text) for answer in refused} == {(503, "cant breathe")}


def test_a_missing_model_is_said_honestly() -> None:
    """While no model is loaded, health is 503, and a message is refused with its text kept."""

    class Empty(SlowAgent):
        def is_ready(self) -> bool:
            return False

    async def asked(agent: Any) -> tuple[Any, Refused]:
        door = channel()
        with pytest.raises(Refused) as refusal:
            await door.message(request(agent, SESSIONS.issue(), "cant breathe"))
        return await door.health(request(agent, "")), refusal.value

    for agent in (Empty(0), None):
        health, refusal = asyncio.run(asked(agent))
        assert (health.status, json.loads(health.body)) == (503, {"status": "no model"})
        assert (refusal.status, refusal.text) == (503, "cant breathe")


def test_a_refusal_carries_the_card() -> None:
    """Whatever is refused, the body holds the card of a red flag in plain words, or the error text."""
    door = channel()
    card, plain = (
        json.loads(door._refused(Refused(503, "why", text)).body) for text in ("cant breathe", "hi")
    )

    assert (card["error"], card["message"]["reply"]["tier"]) == ("why", "emergency")
    assert plain["message"]["reply"]["kind"] == "error"
