"""No model yet, a turn that takes too long, too much to do: a fixed text, and nothing is lost."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest

from mesoguide.settings import Settings
from mesoguide.types import Reply
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
        reply = Reply(f"turn {self.turns}", "small_talk").to_dict()
        await message.output_channel.send_response(message.sender_id, {"reply": reply})


def request(
    agent: SlowAgent,
    token: str,
    text: str = "does it hurt?",
    name: str = "abcdefgh",
    address: str = "192.0.2.1",
    origin: str = "",
) -> Any:
    """What the channel reads of a request."""
    return SimpleNamespace(
        method="POST",
        headers={"origin": origin, "host": "bot.clinic.example"},
        remote_addr="",
        ip=address,
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


def test_a_model_that_understands_nothing_is_failing() -> None:
    """A model that loads and takes a plain question for something else is reported as failing."""

    class Knows(SlowAgent):
        async def parse_message(self, text: str) -> dict[str, Any]:
            return {"intent": {"name": self.intent}}

    async def asked(intent: str) -> tuple[int, dict[str, Any]]:
        agent = Knows(0)
        agent.intent = intent
        response = await channel().health(request(agent, ""))
        return response.status, json.loads(response.body)

    assert asyncio.run(asked("nlu_fallback")) == (503, {"status": "failing"})
    assert asyncio.run(asked("pain")) == (200, {"status": "ok"})


def test_a_long_message_takes_several_places() -> None:
    """Twenty short messages a minute are taken, and two of the greatest length are one too many."""
    agent = SlowAgent(0)

    async def sent(text: str, times: int) -> list[Any]:
        door, token = channel(), SESSIONS.issue()
        asked = [door.message(request(agent, token, text, f"message-{n}")) for n in range(times)]
        return await asyncio.gather(*asked, return_exceptions=True)

    def refused(answers: list[Any]) -> list[int]:
        return [getattr(answer, "status", 0) for answer in answers if isinstance(answer, Refused)]

    assert refused(asyncio.run(sent("hello", 20))) == []
    assert refused(asyncio.run(sent("a " * 2500, 2))) == [429]


def test_a_refusal_carries_the_card() -> None:
    """Whatever is refused, the body holds the card of a red flag in plain words, or the error text."""
    door = channel()
    card, plain = (
        json.loads(door._refused(Refused(503, "why", text)).body) for text in ("cant breathe", "hi")
    )

    assert (card["error"], card["message"]["reply"]["tier"]) == ("why", "emergency")
    assert plain["message"]["reply"]["kind"] == "error"


# -- a red flag, whatever refuses it


class Away:
    """Stands for a store or a lock server that is away."""

    def __getattr__(self, name: str) -> Any:
        raise OSError("away: i cant breathe")


class Failing(SlowAgent):
    """An agent whose store, or whose locks, are away; ``reads`` tells red flags all the same."""

    def __init__(self, what: str, *, reads: bool = False) -> None:
        super().__init__(0)
        self.reads = reads
        setattr(self, what, Away())

    async def parse_message(self, text: str) -> dict[str, Any]:
        if not self.reads:
            raise OSError("the model is away too")
        tier = "urgent" if "swelling up in a way i do not like" in text else None
        return {"safety": {"tier": tier, "language": "en"}}


def answered(door: Any, asked: Any) -> tuple[int, dict[str, Any]]:
    """Send a request to the route of messages; return status and reply."""

    async def routed() -> Any:
        return await door._served(door.message)(asked)

    response = asyncio.run(routed())
    return response.status, json.loads(response.body)


@pytest.mark.parametrize("what", ["tracker_store", "lock_store"])
def test_a_red_flag_gets_its_card_with_the_store_or_the_locks_away(what: str) -> None:
    """In other words too: where the model does not read either, n-grams tell it. A question gets the error text."""
    for reads in (False, True):
        door, agent = channel(), Failing(what, reads=reads)
        _, plain = answered(door, request(agent, SESSIONS.issue(), "i cant breathe"))
        status, found = answered(door, request(agent, SESSIONS.issue(), "does it hurt?"))
        hinted = answered(door, request(agent, SESSIONS.issue(), "it is swelling up in a way i do not like"))[
            1
        ]
        given = plain.get("message", plain)["reply"]
        meant = hinted.get("message", hinted)["reply"]

        assert given["tier"] == "emergency"
        assert (status, found["message"]["reply"]["kind"]) == (503, "error")
        assert meant["tier"] == ("urgent" if reads else "emergency")


def test_a_red_flag_gets_its_card_whatever_refuses_it() -> None:
    """Another website's page, an address's calls used up, a body that is no JSON: the card is in the refusal."""
    agent, text = SlowAgent(0), "i cant breathe"
    foreign = answered(channel(), request(agent, SESSIONS.issue(), text, origin="https://evil.example"))
    used_up = channel()
    while not used_up.calls.wait("192.0.2.1"):
        pass
    limited = answered(used_up, request(agent, SESSIONS.issue(), text))
    broken = request(agent, SESSIONS.issue())
    broken.body = b'{"id": "abcdefgh", "text": "i cant breathe'

    for status, found in (foreign, limited, answered(channel(), broken)):
        assert status in (403, 429, 400)
        assert found["message"]["reply"]["tier"] == "emergency"


def test_one_address_does_not_take_all_waiting_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the turns that may wait, one address gets its share; another one is still served."""
    from mesoguide.rasa_host import website

    monkeypatch.setattr(website, "MOST_OF_ONE", 3)
    agent = SlowAgent(0.2)

    async def all_at_once() -> list[Any]:
        door = channel()
        greedy = [door.message(request(agent, SESSIONS.issue())) for _ in range(6)]
        other = door.message(request(agent, SESSIONS.issue(), address="192.0.2.9"))
        return await asyncio.gather(*greedy, other, return_exceptions=True)

    *greedy, other = asyncio.run(all_at_once())

    assert [isinstance(answer, Refused) for answer in greedy] == [False] * 3 + [True] * 3
    assert not isinstance(other, Exception)


@pytest.mark.parametrize(
    ("written", "callers"),
    [
        (["2001:db8:0:1::1", "2001:db8:0:1:ffff::9", "2001:db8:0:2::1"], 2),
        (["192.0.2.1", "192.0.2.2", "::ffff:192.0.2.1"], 3),
        (["unix:", "unix:"], 1),
    ],
)
def test_a_household_is_one_caller(written: list[str], callers: int) -> None:
    """Whoever has a whole network of long addresses is counted once; short ones are counted each."""
    from mesoguide.rasa_host.website import _address

    asked = [request(SlowAgent(0), "", address=address) for address in written]

    assert len({_address(each) for each in asked}) == callers


def test_a_late_failure_leaves_no_trace_of_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A turn that fails after its visitor was answered is logged as a kind of error, without its text."""
    import gc

    from mesoguide.rasa_host import website

    monkeypatch.setattr(website, "TURN_SECONDS", 0.05)

    class Late(SlowAgent):
        async def parse_message(self, text: str) -> dict[str, Any]:
            return {"safety": {"tier": None, "language": "en"}}

    class Locks:
        def lock(self, name: str) -> Any:
            return self

        async def __aenter__(self) -> None:
            await asyncio.sleep(0.2)
            raise OSError("insert into events values ('zzqword')")

        async def __aexit__(self, *_: object) -> None:
            pass

    agent = Late(0)
    agent.lock_store = Locks()

    async def given_up() -> None:
        with pytest.raises(Refused):
            await channel().message(request(agent, SESSIONS.issue(), "zzqword"))
        await asyncio.sleep(0.4)
        gc.collect()

    with caplog.at_level("DEBUG"):
        asyncio.run(given_up())

    assert "a turn failed: OSError" in caplog.text
    assert "zzqword" not in caplog.text
    assert "Traceback" not in caplog.text
