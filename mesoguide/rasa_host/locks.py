"""One message of a conversation at a time, in one process or in many.

Rasa's own locks look again once a second, keep a dead process's ticket for a minute, lose turns where two
processes draw a ticket at once, and answer nobody while Redis is away. Here the messages of one process
wait in line for each other; where the setting ``locks`` names a Redis or Valkey server, processes do too.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from rasa.core.lock_store import LockError, LockStore

from mesoguide.settings import load_settings

logger = logging.getLogger("mesoguide.locks")

LIFE_SECONDS = 8.0
"""For which a lock outlives its process; while the process lives it is held on."""
WAIT_SECONDS = 12.0
"""For another process's turn; less than a turn may take."""
LOOK_SECONDS = 0.02
AWAY_SECONDS = 2.0
"""For which a server that did not answer is not asked again: no lock is better than no answer."""
ANSWER_SECONDS = 1.0
RELEASE = "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) else return 0 end"
HOLD = "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('pexpire',KEYS[1],ARGV[2]) else return 0 end"


@dataclass
class _Line:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


class ConversationLocks(LockStore):
    """Rasa's lock store; ``type`` of the lock store in endpoints.yml."""

    def __init__(self, endpoint_config: Any = None) -> None:
        self._address = load_settings().locks
        self._lines: dict[str, _Line] = {}
        self._server: Any = None
        self._away_until = 0.0

    @contextlib.asynccontextmanager
    async def lock(
        self, conversation_id: str, lock_lifetime: float = 0, wait_time_in_seconds: float = 0
    ) -> AsyncIterator[None]:
        """Hold the conversation for the time of the block (Rasa's hook).

        Raises
        ------
        LockError
            Another process held it for longer than a turn may take.
        """
        line = self._lines.setdefault(conversation_id, _Line())
        line.waiting += 1
        try:
            async with line.lock, self._among_processes(conversation_id):
                yield None
        finally:
            line.waiting -= 1
            if not line.waiting:
                self._lines.pop(conversation_id, None)

    async def alive(self) -> bool:
        """Return whether the server answers; True where none is needed."""
        if not self._address:
            return True
        try:
            return bool(await self._redis().ping())
        except Exception:
            return False

    @contextlib.asynccontextmanager
    async def _among_processes(self, conversation: str) -> AsyncIterator[None]:
        key, token = f"mesoguide:{conversation}", uuid.uuid4().hex
        held = bool(self._address) and await self._taken(key, token)
        holding = asyncio.ensure_future(self._hold(key, token)) if held else None
        try:
            yield
        finally:
            if holding is not None:
                holding.cancel()
                with contextlib.suppress(Exception):
                    await self._redis().eval(RELEASE, 1, key, token)

    async def _taken(self, key: str, token: str) -> bool:
        """Wait for the lock; False where the server is away, so that the turn goes on without it."""
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() > self._away_until:
            try:
                if await self._redis().set(key, token, nx=True, px=int(LIFE_SECONDS * 1000)):
                    return True
            except Exception as cause:
                logger.error("the lock server is away: %s", type(cause).__name__)
                self._away_until = time.monotonic() + AWAY_SECONDS
                # What timed out here may still be done there, later: undo it.
                self._undoing = asyncio.ensure_future(self._undo(key, token))
                return False
            if time.monotonic() > end:
                raise LockError("a conversation is busy")
            await asyncio.sleep(LOOK_SECONDS)
        return False

    async def _hold(self, key: str, token: str) -> None:
        while True:
            await asyncio.sleep(LIFE_SECONDS / 4)
            with contextlib.suppress(Exception):
                await self._redis().eval(HOLD, 1, key, token, int(LIFE_SECONDS * 1000))

    async def _undo(self, key: str, token: str) -> None:
        for _ in range(20):
            await asyncio.sleep(0.5)
            with contextlib.suppress(Exception):
                await self._redis().eval(RELEASE, 1, key, token)
                return

    def _redis(self) -> Any:
        if self._server is None:
            from redis.asyncio import Redis

            self._server = Redis.from_url(
                self._address, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS / 2
            )
        return self._server
