"""Answers what messaging platforms brought: each message once, in order, sent until it is delivered."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import aiohttp
from rasa.core.agent import Agent

from mesoguide.blocks import blocks
from mesoguide.cleaning import MOST_CHARACTERS
from mesoguide.failure import failure_reply
from mesoguide.knowledge import filled, shared_knowledge
from mesoguide.messaging import commands, echo
from mesoguide.messaging.messages import Call, Incoming, Lines, Outcome, Platform
from mesoguide.rasa_host import metrics
from mesoguide.rasa_host.assistant import Assistant
from mesoguide.rasa_host.conversations import reply_to
from mesoguide.rasa_host.inbox import LEASE_SECONDS, Inbox, Waiting, hashed
from mesoguide.rasa_host.turns import Turns
from mesoguide.reply import fixed
from mesoguide.safety import RED_FLAGS
from mesoguide.settings import Settings
from mesoguide.website.limits import Limit
from mesoguide.website.sessions import Sessions

logger = logging.getLogger("mesoguide.messaging")
Result = TypeVar("Result")

TURN_SECONDS = 15.0
"""After which a user gets the error text."""
MODEL_SECONDS = 60.0
"""For which a message waits for the model to load; a red flag does not wait."""
CALL_SECONDS = 30.0
"""For one call to a platform. A call that ends so may have been heard: better twice than never."""
GIVE_UP_SECONDS = 600.0
"""After which a reply that can't be sent is given up, unless the platform itself named a longer time."""
MOST_WAITS = 5
"""Times that a platform may name, for one call."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
BEAT_SECONDS = 5.0
"""Between two looks for messages that a dead process left."""
STOP_SECONDS = 5.0
"""For what is under way when the process is told to end."""
MOST_IN_MEMORY = 2000
"""Messages at work at once; more stay in the inbox until there is room."""
MOST_TRIES = 4
"""Processes that may die over one message; after that it gets the error text."""
MOST_NAMES = 20_000
"""Of messages remembered by this process, for deliveries that come twice while the store is away."""
ECHOES_AN_HOUR = 3
"""Of a machine that sends our own reply back. A red flag in it gets its card as well: the cards name some."""
MARKS = 4
"""Different replies of a conversation that are known again: one card that comes back can bring another."""
REFUSALS_A_MINUTE = 5
"""Of one person who speaks to the bot in a group, where others listen."""
CARDS_AN_HOUR = 20
"""Of one kind, of one person in a group."""
TURNS_AT_ONCE = 4
"""Messages handed to the model; the others wait here, where their time does not count."""


@dataclass
class Health:
    """How sending goes on one platform: counts since the start, no words and no names of users."""

    sent: int = 0
    failed: int = 0
    not_reached: int = 0
    failing: bool = False
    last_failure: str = ""
    last_failure_at: float = 0.0
    waiting: int = field(default=0, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return it as the health report shows it."""
        return {
            "status": "failing" if self.failing else "ok",
            "waiting": self.waiting,
            "sent": self.sent,
            "failed": self.failed,
            "not_reached": self.not_reached,
            "last_failure": self.last_failure,
            "last_failure_at": self.last_failure_at,
        }


class Postman:
    """Takes messages in, has them understood, and sends the replies.

    Parameters
    ----------
    settings
        Of the clinic.
    turns
        Where turns run.
    sessions
        Makes the names of conversations.
    make_inbox
        Called until it gives one; it raises while the database is away.
    agent
        Gives Rasa's agent, None until the model is loaded.
    """

    def __init__(
        self,
        settings: Settings,
        turns: Turns,
        sessions: Sessions,
        make_inbox: Callable[[], Inbox],
        agent: Callable[[], Agent | None],
    ) -> None:
        self.platforms: dict[str, Platform] = {}
        self.health: dict[str, Health] = {}
        self._settings, self._turns, self._sessions, self._agent = settings, turns, sessions, agent
        self._make_inbox = make_inbox
        self._inbox: Inbox | None = None
        self._knowledge = filled(shared_knowledge(), settings)
        self._limit = Limit(settings.website_messages_a_minute, 60)
        self._told_to_wait: set[str] = set()
        self._said: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._echoes, self._cards = Limit(ECHOES_AN_HOUR, 3600), Limit(CARDS_AN_HOUR, 3600)
        self._refusals = Limit(REFUSALS_A_MINUTE, 60)
        self._at_work: dict[str, deque[Waiting]] = {}
        self._finished: set[int] = set()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._model = asyncio.Semaphore(TURNS_AT_ONCE)
        self._threads = ThreadPoolExecutor(2, "inbox")
        self._taking_in = 0
        self._answering = 0
        self._stopping = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._web: aiohttp.ClientSession | None = None

    def serve(self, platform: Platform) -> None:
        """Answer for ``platform`` from now on."""
        self.platforms[platform.name] = platform
        self.health[platform.name] = Health()

    async def start(self) -> None:
        """Begin to work, with what an earlier process left; call it in the server's event loop."""
        if self._web is None:
            # No time for the whole call: that would count the wait for a free connection.
            patience = aiohttp.ClientTimeout(total=None, sock_connect=CALL_SECONDS, sock_read=CALL_SECONDS)
            self._web = aiohttp.ClientSession(timeout=patience)
            self._begin(self._beat())

    async def stop(self) -> None:
        """End at once: what is not answered stays in the inbox, for the next process."""
        self._stopping = True
        # What is being said just now is said to its end: half a call would be made twice.
        end = time.monotonic() + STOP_SECONDS
        while self._answering and time.monotonic() < end:  # noqa: ASYNC110 - for a moment at the end
            await asyncio.sleep(0.02)
        rows, tasks = self._rows(), tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            await self._asked(partial(Inbox.release, rows=rows))
        if self._web is not None:
            await self._web.close()

    async def take_in(self, door: str, incoming: Sequence[Incoming]) -> None:
        """Write messages down, then answer them in the background; returns as soon as they are kept.

        Raises
        ------
        OverflowError
            There is room for a message neither in the store nor in memory.
        """
        self._taking_in += 1
        try:
            for message in incoming:
                await self._take_in(door, message)
        finally:
            self._taking_in -= 1

    async def _take_in(self, door: str, message: Incoming) -> None:
        name = hashed(door, message.key)
        if name in self._known:
            return
        has_room = self._count < MOST_IN_MEMORY and not self._stopping
        lease = LEASE_SECONDS if has_room else 0.0
        try:
            waiting = await self._asked(partial(Inbox.take_in, door=door, incoming=message, lease=lease))
        except Exception as cause:
            logger.error("a message could not be kept: %s", type(cause).__name__)
            if not has_room:
                raise OverflowError("no room for a message") from cause
            waiting = Waiting(None, door, message)  # answered from memory: better than not at all
        if name in self._known:
            return
        self._known[name] = None
        while len(self._known) > MOST_NAMES:
            self._known.popitem(last=False)
        if waiting is not None and has_room and not self._stopping:
            self._put(waiting)

    @property
    def _count(self) -> int:
        return sum(len(line) for line in self._at_work.values())

    def _opened(self) -> Inbox:
        if self._inbox is None:
            self._inbox = self._make_inbox()
        return self._inbox

    def _put(self, waiting: Waiting) -> None:
        conversation = self._sessions.name(waiting.door, waiting.incoming.sender)
        if conversation in self._at_work:
            self._at_work[conversation].append(waiting)
            self._begin(self._overtake(waiting, conversation))
        else:
            self._line_up(waiting, conversation, conversation)

    def _line_up(self, waiting: Waiting, line: str, conversation: str) -> None:
        if line in self._at_work:
            self._at_work[line].append(waiting)
        else:
            self._at_work[line] = deque([waiting])
            self._begin(self._work(line, conversation))

    async def _overtake(self, waiting: Waiting, conversation: str) -> None:
        """Let a red flag past what can't be answered or sent just now."""
        card, agent = self._card(waiting, guess=False), self._agent()
        if card["tier"] is None and agent is not None and agent.is_ready():
            watched = Assistant(agent, self._settings).watch(waiting.incoming.text)
            card = await self._in_time(watched, waiting) or card
        line = self._at_work.get(conversation, deque())
        if card["tier"] is not None and any(other is waiting for other in list(line)[1:]):
            line.remove(waiting)
            self._line_up(waiting, f"{conversation} !", conversation)

    def _card(self, waiting: Waiting, *, guess: bool = True) -> dict[str, Any]:
        """The card of a red flag in plain words, or one that n-grams ``guess``, or the error text: what needs no model."""
        text = waiting.incoming.text[:MOST_CHARACTERS]
        return failure_reply(text, self._settings, guess=guess).to_dict()

    def _begin(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _beat(self) -> None:
        """Hold what is at work, and take over what nobody has."""
        while True:
            left: list[Waiting] = []
            try:
                for row in tuple(self._finished):
                    await self._asked(partial(Inbox.done, row=row))
                    self._finished.discard(row)
                await self._asked(partial(Inbox.hold, rows=self._rows()))
                if self._count < MOST_IN_MEMORY:
                    left = await self._asked(Inbox.due)
            except Exception as cause:
                logger.error("the inbox can't be read: %s", type(cause).__name__)
            for waiting in left:
                self._known[waiting.name] = None
                if waiting.door in self.platforms:
                    self._put(waiting)
            await asyncio.sleep(BEAT_SECONDS)

    def _rows(self) -> list[int]:
        return [w.row for line in self._at_work.values() for w in line if w.row is not None]

    async def _work(self, name: str, conversation: str) -> None:
        """Answer the messages of one line of a conversation, one after the other."""
        line = self._at_work[name]
        while line and not self._stopping:
            waiting = line[0]
            health = self.health[waiting.door]
            health.waiting += 1
            self._answering += 1
            try:
                await self._answered(waiting, conversation)
                if waiting.row is not None and not await self._note(partial(Inbox.done, row=waiting.row)):
                    self._finished.add(waiting.row)  # to be said later: it must not be answered twice
                line.popleft()
            finally:
                health.waiting -= 1
                self._answering -= 1
        if not line:
            del self._at_work[name]

    async def _answered(self, waiting: Waiting, conversation: str) -> None:
        try:
            await self._answer(waiting, conversation)
        except Exception as cause:
            logger.error("a message could not be answered: %s", type(cause).__name__)

    async def _asked(self, what: Callable[[Inbox], Result]) -> Result:
        """Ask the inbox in a thread of its own: it must not wait for a turn, nor hold one up."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: what(self._opened()))

    async def _note(self, change: Callable[[Inbox], None]) -> bool:
        try:
            await self._asked(change)
        except Exception as cause:
            logger.error("the inbox can't be written: %s", type(cause).__name__)
            return False
        return True

    async def _answer(self, waiting: Waiting, conversation: str) -> None:
        reply = await self._reply(waiting, conversation)
        if reply is None:
            return
        marks = (echo.mark(reply["text"]), *self._said.get(conversation, ()))
        self._said[conversation] = tuple(dict.fromkeys(marks))[:MARKS]
        while len(self._said) > MOST_NAMES:
            self._said.popitem(last=False)
        platform, lines = self.platforms[waiting.door], self._lines(reply)
        calls = platform.write(lines, reply["buttons"], waiting.incoming.address)
        for number, call in enumerate(calls[waiting.parts :], waiting.parts + 1):
            if not await self._send(platform, call):
                return
            if waiting.row is not None and number < len(calls):
                await self._note(partial(Inbox.sent, row=waiting.row, parts=number))

    def _lines(self, reply: dict[str, Any]) -> Lines:
        roles = [block["role"] for block in blocks(reply, self._knowledge)]
        return list(zip(roles, reply["text"].split("\n"), strict=True))

    # -- what to say

    async def _reply(self, waiting: Waiting, conversation: str) -> dict[str, Any] | None:
        """Return the reply, None for silence."""
        text, manner = waiting.incoming.text, waiting.incoming.manner
        is_echo = any(echo.is_echo(text, mark) for mark in self._said.get(conversation, ()))
        if is_echo and self._echoes.wait(conversation):
            return None  # two machines that answer each other must come to an end
        plain = self._card(waiting, guess=False)
        agent = await self._loaded(wait=plain["tier"] is None)
        if agent is None or waiting.tries > MOST_TRIES:
            emergency = self._card(waiting)
            is_due = manner == "answer" or emergency["tier"] is not None
            return emergency if is_due else None
        assistant = Assistant(agent, self._settings)
        if manner != "answer":
            card = await self._in_time(assistant.watch(text), waiting)
            if card is not None and card["tier"] in RED_FLAGS:
                return None if self._cards.wait(f"{conversation} {card['tier']}") else card
            is_due = manner == "decline" and not self._refusals.wait(conversation)
            return self._fixed("private_only") if is_due else None
        if self._too_many(conversation):
            card = await self._in_time(assistant.watch(text), waiting)
            if card is not None and card["tier"] is not None:
                return card
            if conversation in self._told_to_wait:
                return None  # told once; two machines that answer each other must come to an end
            if len(self._told_to_wait) > MOST_NAMES:
                self._told_to_wait.clear()
            self._told_to_wait.add(conversation)
            return plain
        meant = commands.meaning(text) if plain["tier"] is None else text
        return await self._in_time(self._turn(assistant, agent, waiting, conversation, meant), waiting)

    def _too_many(self, conversation: str) -> bool:
        if self._limit.wait(conversation):
            return True
        self._told_to_wait.discard(conversation)
        return False

    def _fixed(self, key: str) -> dict[str, Any]:
        return fixed(key, self._knowledge).to_dict()

    async def _loaded(self, *, wait: bool) -> Agent | None:
        """Return the agent; wait for it while it is loaded, but not with a red flag in hand."""
        end = time.monotonic() + MODEL_SECONDS
        while True:
            agent = self._agent()
            if agent is not None and agent.is_ready():
                return agent
            if not wait or time.monotonic() > end:
                return None
            await asyncio.sleep(0.2)

    async def _in_time(self, work: Any, waiting: Waiting) -> dict[str, Any] | None:
        """Run ``work`` where turns run; what fails or takes too long is answered without the model."""
        async with self._model:
            for _ in range(100):  # "received" first: a platform waits for it
                if not self._taking_in:
                    break
                await asyncio.sleep(0.01)
            task = asyncio.ensure_future(self._turns.run(work))
            try:
                found: dict[str, Any] | None = await asyncio.wait_for(asyncio.shield(task), TURN_SECONDS)
            except asyncio.TimeoutError:
                task.add_done_callback(lambda late: late.cancelled() or late.exception())
                return self._card(waiting)
            except Exception as cause:
                logger.error("a turn failed: %s", type(cause).__name__)
                return self._card(waiting)
            return found

    async def _turn(
        self, assistant: Assistant, agent: Agent, waiting: Waiting, conversation: str, text: str
    ) -> dict[str, Any]:
        if waiting.tries:  # an earlier process may have had the turn, and died before it sent the reply
            had = await reply_to(agent.tracker_store, conversation, waiting.name)
            if had is not None:
                return had
        return await assistant.reply(text, conversation, message_id=waiting.name, channel=waiting.door)

    # -- sending it

    async def _send(self, platform: Platform, call: Call) -> bool:
        """Make ``call`` until the platform takes it or it is given up."""
        health = self.health[platform.name]
        end, pause, waits = time.monotonic() + GIVE_UP_SECONDS, FIRST_PAUSE, 0
        while True:
            outcome = await self._called(platform, call)
            if outcome.sent:
                health.sent += 1
                metrics.SENDS.labels(platform.name, "sent").inc()
                health.failing = False
                return True
            health.failing = health.failing or not outcome.theirs
            health.last_failure, health.last_failure_at = outcome.reason, time.time()
            waits += outcome.wait > pause
            named = outcome.wait > pause and waits <= MOST_WAITS
            if not outcome.again or (time.monotonic() + pause > end and not named):
                health.failed += not outcome.theirs
                health.not_reached += outcome.theirs
                metrics.SENDS.labels(platform.name, "not_reached" if outcome.theirs else "failed").inc()
                logger.error("a reply could not be sent: %s", outcome.reason)
                return False
            await asyncio.sleep(max(outcome.wait, pause))
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _called(self, platform: Platform, call: Call) -> Outcome:
        if self._web is None:
            return Outcome(sent=False, reason="not started")
        sent: dict[str, Any] = {"data": call.body} if call.form else {"json": call.body}
        if call.user:
            sent["auth"] = aiohttp.BasicAuth(call.user, call.password)
        try:
            async with self._web.post(
                call.url, headers=call.headers, allow_redirects=False, **sent
            ) as answer:
                body = await answer.content.read(100_000)
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return platform.outcome(answer.status, headers, body)
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as cause:
            return Outcome(sent=False, again=True, reason=f"{platform.name} {type(cause).__name__}")
        except Exception as cause:
            return Outcome(sent=False, reason=f"{platform.name} {type(cause).__name__}")

    async def forget(self, seconds: float) -> None:
        """Delete what is older than ``seconds`` and was not answered, and old names."""
        with contextlib.suppress(Exception):
            await self._asked(partial(Inbox.forget, seconds=seconds))
